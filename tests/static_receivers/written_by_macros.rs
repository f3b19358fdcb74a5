//! Receivers of `macro_rules!`, whose arguments come in invisible groups and with another hygiene.

#![deny(warnings)]

use whatsapp_signals::{Signal, receiver};

static TICK: Signal<u32> = Signal::new("tick_of_macros");

macro_rules! by_path_and_type {
    ($signal:path, $order:expr, $name:ident($argument:ty)) => {
        #[receiver($signal, order = $order, uid = stringify!($name), filter = |n| *n > 1)]
        fn $name(event: $argument) -> Result<(), String> {
            assert!(*event > 1);
            Ok(())
        }
    };
}

macro_rules! by_expression {
    ($signal:expr, $payload:ty) => {
        #[receiver($signal)]
        #[receiver([$signal], order = 3)]
        fn twice(_event: &$payload) {}
    };
}

by_path_and_type!(TICK, 2, one(&u32));
by_expression!(TICK, u32);

#[test]
fn receivers_of_macros_have_their_options() {
    let orders = || {
        TICK.receivers()
            .into_iter()
            .map(|receiver| receiver.order())
    };
    assert!(orders().eq([0, 2, 3]));
    let report = TICK.send_robust(&1);
    assert_eq!((report.called(), report.filtered()), (2, 1));
}
