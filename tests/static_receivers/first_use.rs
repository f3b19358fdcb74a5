//! The first use of a signal may be a send, also from the initializer of another static: static
//! receivers get the event, and a receiver that connects later gets the later events.
//!
//! Each test has its own signal, and runs in its own process: other tests list all receivers, which
//! is the first use of every signal.

use std::env;
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use super::*;

/// The variable that is set in the process of one test.
const IS_ALONE: &str = "WHATSAPP_SIGNALS_FIRST_USE";

/// Runs a test in a process of this program that runs no other test.
fn alone(test: impl FnOnce() -> Done) -> Done {
    if env::var_os(IS_ALONE).is_some() {
        return test();
    }
    let current = thread::current();
    let name = current.name().expect("the name of a test");
    let mut program = Command::new(env::current_exe()?);
    let output = program.args(["--exact", name]).env(IS_ALONE, "").output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains("1 passed"), "{printed}");
    Ok(())
}

static BOOTED: Signal<u32> = Signal::new("booted");
static BOOT_SUM: AtomicU32 = AtomicU32::new(0);

/// Sends during its initialization. The value is the number of calls.
static BOOT: LazyLock<usize> = LazyLock::new(|| BOOTED.send_robust(&3).called());

#[receiver(BOOTED)]
fn add_to_boot_sum(n: &u32) {
    BOOT_SUM.fetch_add(*n, Ordering::Relaxed);
}

#[test]
fn t86_a_send_from_a_static_initialiser_reaches_the_static_receivers() -> Done {
    alone(|| {
        assert_eq!(*BOOT, 1);
        assert_eq!(BOOT_SUM.load(Ordering::Relaxed), 3);

        let later = BOOTED.connect(|n: &u32| {
            BOOT_SUM.fetch_add(100 * n, Ordering::Relaxed);
        });
        assert_eq!(BOOTED.send(&1)?.called(), 2);
        assert_eq!(BOOT_SUM.load(Ordering::Relaxed), 104);
        drop(later);
        assert_eq!(BOOTED.send(&1)?.called(), 1);
        assert_eq!(BOOT_SUM.load(Ordering::Relaxed), 105);
        Ok(())
    })
}

static WITHOUT_RECEIVERS: Signal<u32> = Signal::new("without_receivers");

#[test]
fn t86_a_receiver_that_connects_after_a_first_send_without_receivers_is_called() -> Done {
    alone(|| {
        assert!(WITHOUT_RECEIVERS.send(&1)?.has_no_receivers());
        let _connection = WITHOUT_RECEIVERS.connect(|_: &u32| {});
        assert_eq!(WITHOUT_RECEIVERS.send(&2)?.called(), 1);
        Ok(())
    })
}

/// Tests a first use of a signal with one static receiver.
macro_rules! first_uses {
    ($($test:ident: $first_use:expr;)*) => { $(
        mod $test {
            use super::*;

            static SIGNAL: Signal<u32> = Signal::new(stringify!($test));

            #[receiver(SIGNAL, uid = "static")]
            fn receive(_: &u32) {}

            #[test]
            fn lists_and_calls_all_receivers() -> Done {
                alone(|| {
                    let first_use: fn(&'static Signal<u32>) -> bool = $first_use;
                    assert!(first_use(&SIGNAL));
                    assert!(!SIGNAL.is_muted());
                    assert_eq!(SIGNAL.send(&1)?.called(), 1);
                    Ok(())
                })
            }
        }
    )* };
}

first_uses! {
    t86_first_use_by_has_receivers: |signal| signal.has_receivers();
    t86_first_use_by_receivers: |signal| signal.receivers()[0].uid() == Some("static");
    t86_first_use_by_debug: |signal| format!("{signal:?}").contains("receive");
    t86_first_use_by_connect: |signal| {
        let _connection = signal.connect(|_: &u32| {});
        signal.receivers().len() == 2
    };
    t86_first_use_by_mute: |signal| {
        let _silence = signal.mute();
        signal.send_robust(&1).has_no_receivers() && signal.has_receivers()
    };
    t86_first_use_by_disconnect_of_another: |signal| !signal.disconnect("another");
    t86_first_use_by_the_program_wide_list: |signal| {
        receivers().iter().any(|info| info.signal() == signal.name())
    };
}

static NESTED: Signal<u32> = Signal::new("nested");

#[receiver(NESTED)]
fn sends_on(depth: &u32) -> Result<(), Box<dyn Error + Send + Sync>> {
    if *depth > 0 {
        assert_eq!(NESTED.send(&(depth - 1))?.called(), 1);
    }
    Ok(())
}

#[test]
fn t83_t86_a_first_send_may_send_again_within_itself() -> Done {
    alone(|| {
        assert_eq!(NESTED.send(&3)?.called(), 1);
        Ok(())
    })
}
