//! The very first thing that happens to a signal may be a send, also from the
//! initialiser of another static: static receivers hear it, and those who
//! connect later hear what is sent later.
//!
//! Each test has a signal of its own that nobody used before.

use std::error::Error;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use whatsapp_signals::{Signal, receiver, receivers};

type Done = Result<(), Box<dyn Error>>;

static BOOTED: Signal<u32> = Signal::new("booted");
static BOOT_SUM: AtomicU32 = AtomicU32::new(0);

/// Sends while it is being initialised; the value is how many were called.
static BOOT: LazyLock<usize> = LazyLock::new(|| BOOTED.send_robust(&3).called());

#[receiver(BOOTED)]
fn add_to_boot_sum(n: &u32) {
    BOOT_SUM.fetch_add(*n, Ordering::Relaxed);
}

#[test]
fn t86_a_send_from_a_static_initialiser_reaches_the_static_receivers() -> Done {
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
}

static UNHEARD: Signal<u32> = Signal::new("unheard");

#[test]
fn t86_a_first_send_that_nobody_hears_does_not_make_the_signal_deaf() -> Done {
    assert!(UNHEARD.send(&1)?.has_no_receivers());
    let _connection = UNHEARD.connect(|_: &u32| {});
    assert_eq!(UNHEARD.send(&2)?.called(), 1);
    Ok(())
}

/// A test's own signal with one static receiver, and the first use of it.
macro_rules! first_uses {
    ($($test:ident: $first_use:expr;)*) => { $(
        mod $test {
            use super::*;

            static SIGNAL: Signal<u32> = Signal::new(stringify!($test));

            #[receiver(SIGNAL, uid = "static")]
            fn hears(_: &u32) {}

            #[test]
            fn is_complete_and_sends_are_heard() -> Done {
                let first_use: fn(&'static Signal<u32>) -> bool = $first_use;
                assert!(first_use(&SIGNAL));
                assert!(!SIGNAL.is_muted());
                assert_eq!(SIGNAL.send(&1)?.called(), 1);
                Ok(())
            }
        }
    )* };
}

first_uses! {
    t86_first_use_by_has_receivers: |signal| signal.has_receivers();
    t86_first_use_by_receivers: |signal| signal.receivers()[0].uid() == Some("static");
    t86_first_use_by_debug: |signal| format!("{signal:?}").contains("hears");
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
    assert_eq!(NESTED.send(&3)?.called(), 1);
    Ok(())
}
