//! What an `asend` allocates: the future of each receiver, and the list of them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use allocation_counter::measure;
use whatsapp_signals::Signal;

async fn receive(n: &u32) -> Result<(), &'static str> {
    if *n > 0 { Ok(()) } else { Err("none") }
}

#[test]
fn one_allocation_a_receiver_and_one_for_all() {
    for count in [0, 1, 8, 64] {
        let signal = Signal::new("tick");
        let connections: Vec<_> = (0..count).map(|_| signal.connect(receive)).collect();
        let list = u64::from(count > 0);
        for _ in 0..2 {
            let counted = measure(|| assert!(pollster::block_on(signal.asend_robust(&1)).is_ok()));
            let polled = measure(|| pollster::block_on(async {}));
            assert_eq!(counted.count_total - polled.count_total, count + list);
            assert_eq!(counted.count_current, 0, "nothing is left");
        }
        drop(connections);
    }
}
