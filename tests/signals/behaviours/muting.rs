//! Signals that deliver nothing for a while.

use super::*;

#[test]
fn t75_a_muted_signal_delivers_nothing_and_keeps_its_receivers() -> Done {
    let signal = Signal::new("tick");
    let log = Log::new();
    let _connection = signal.connect(log.numbers());
    {
        let _silence = signal.mute();
        assert!(signal.is_muted());
        assert!(signal.send(&1)?.has_no_receivers());
        assert!(signal.send_robust(&2).has_no_receivers());
        assert!(signal.has_receivers());
        assert_eq!(signal.receivers().len(), 1);
    }
    assert!(!signal.is_muted());
    signal.send(&3)?;
    assert_eq!(log.take(), [3]);
    Ok(())
}

#[test]
fn t87_nested_mutes_end_with_the_last_one_in_any_order() -> Done {
    let signal = Signal::new("tick");
    let _connection = signal.connect(|_: &u32| {});
    let outer = signal.mute();
    let inner = signal.mute();
    drop(outer);
    assert!(signal.is_muted() && signal.send(&1)?.has_no_receivers());
    drop(inner);
    assert!(!signal.is_muted());
    assert_eq!(signal.send(&2)?.called(), 1);
    Ok(())
}

#[test]
fn t75_t87_a_panic_in_the_block_ends_its_mute_and_no_other() -> Done {
    let signal = Signal::new("tick");
    let _connection = signal.connect(|_: &u32| {});
    for muted in [false, true] {
        let _outer = muted.then(|| signal.mute());
        let block = || {
            let _silence = signal.mute();
            panic!("in the block");
        };
        assert_eq!(panic_of(block), Some("in the block"));
        assert_eq!(signal.is_muted(), muted);
        assert_eq!(signal.send(&1)?.has_no_receivers(), muted);
    }
    Ok(())
}

#[test]
fn receivers_that_change_while_muted_count_afterwards() -> Done {
    let signal = Signal::new("tick");
    let log = Log::new();
    let leaves = signal.connect(log.named("leaves"));
    let silence = signal.mute();
    assert!(leaves.disconnect());
    let _comes = signal.connect(log.named("comes"));
    assert!(signal.send(&1)?.has_no_receivers());
    drop(silence);
    signal.send(&2)?;
    assert_eq!(log.take(), ["comes"]);
    Ok(())
}
