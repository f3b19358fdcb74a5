//! The time of the first use of signals, which sorts all static receivers; each signal then keeps its
//! own. The constructors that the linker runs before `main` are not included.
//!
//! ```sh
//! cargo bench --bench startup
//! ```
//!
//! A process has one first use, so the program runs itself repeatedly. The exit code is 1 if the
//! median exceeds the goal by more than a tenth.
#![allow(missing_docs, reason = "a benchmark")]

use std::env;
use std::process::{Command, ExitCode};
use std::time::Instant;

use whatsapp_signals::{Signal, receiver, receivers};

const RUNS: usize = 101;
const GOAL_NS: u128 = 200_000;

macro_rules! signals {
    ($($signal:ident)*) => {
        $(
            static $signal: Signal<u32> = Signal::new("tick");
            const _: () = {
                twenty! { $signal a b c d e f g h i j k l m n o p q r s t }
            };
        )*

        static SIGNALS: [&Signal<u32>; 50] = [$(&$signal),*];
    };
}

macro_rules! twenty {
    ($signal:ident $($name:ident)*) => { $(
        #[receiver($signal)]
        fn $name(_: &u32) {}
    )* };
}

signals! {
    S0 S1 S2 S3 S4 S5 S6 S7 S8 S9 S10 S11 S12 S13 S14 S15 S16 S17 S18 S19 S20 S21 S22 S23 S24
    S25 S26 S27 S28 S29 S30 S31 S32 S33 S34 S35 S36 S37 S38 S39 S40 S41 S42 S43 S44 S45 S46 S47 S48 S49
}

fn main() -> ExitCode {
    if env::args().nth(1).as_deref() == Some("--once") {
        let start = Instant::now();
        let with_receivers = SIGNALS.iter().filter(|signal| signal.has_receivers());
        assert_eq!(with_receivers.count(), 50);
        println!("{}", start.elapsed().as_nanos());
        assert_eq!(receivers().len(), 1000);
        return ExitCode::SUCCESS;
    }
    let mut times: Vec<_> = (0..RUNS).map(|_| measure_first_use()).collect();
    times.sort_unstable();
    let (best, median) = (times[0], times[RUNS / 2]);
    let verdict = if median <= GOAL_NS { "ok" } else { "OVER" };
    println!(
        "first use of 50 signals with 1,000 receivers: median {median} ns, best {best} ns, goal {GOAL_NS} ns, {verdict}"
    );
    ExitCode::from(u8::from(median * 10 > GOAL_NS * 11))
}

/// Returns the nanoseconds of one first use.
fn measure_first_use() -> u128 {
    let output = Command::new(env::current_exe().expect("a program"))
        .arg("--once")
        .output()
        .expect("it runs");
    let text = String::from_utf8(output.stdout).expect("a number");
    text.trim().parse().expect("a number")
}
