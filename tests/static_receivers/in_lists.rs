//! Lists of static receivers.

use super::*;

static LISTED: Signal<Roll> = Signal::new("listed");
static ANOTHER: Signal<Roll> = Signal::new("0");

const LINE: u32 = line!();
#[receiver([LISTED, ANOTHER], order = 3, uid = "lister")]
fn described(_: &Roll) {}

#[receiver(LISTED, order = -3)]
fn before(_: &Roll) {}

#[test]
fn a_signal_lists_path_location_order_and_uid() {
    let [before, described] = &LISTED.receivers()[..] else {
        panic!("two receivers");
    };
    assert_eq!(before.path(), concat!(module_path!(), "::before"));
    assert_eq!((before.order(), before.uid()), (-3, None));
    assert!(before.line() > described.line());

    assert_eq!(described.signal(), "listed");
    assert_eq!(described.path(), concat!(module_path!(), "::described"));
    assert!(
        described
            .file()
            .ends_with("tests/static_receivers/in_lists.rs")
    );
    assert_eq!(described.line(), LINE + 1, "the line of the attribute");
    assert_eq!((described.order(), described.uid()), (3, Some("lister")));
    assert!(!described.is_shadowed());
    let text = format!("{} ({}:{})", described.path(), file!(), LINE + 1);
    assert_eq!(described.to_string(), text);
}

#[test]
fn the_program_wide_list_holds_every_static_receiver_by_signal_then_order() {
    let all = receivers();
    let key = |info: &ReceiverInfo| (info.signal(), info.order(), info.file(), info.line());
    assert!(all.is_sorted_by_key(key));

    let of = |name| {
        all.iter()
            .filter(move |info| info.signal() == name)
            .cloned()
    };
    assert_eq!(of("listed").collect::<Vec<_>>(), LISTED.receivers());
    assert_eq!(of("0").collect::<Vec<_>>(), ANOTHER.receivers());
    assert_eq!(all[0].signal(), "0");
    assert_eq!(of("without_receivers").count(), 0);

    // Only its signal lists a receiver that is connected at run time.
    let signal = Signal::new("at run time");
    let _connection = signal.connect(|_: &Roll| {});
    assert_eq!((receivers(), signal.receivers().len()), (all, 1));
}
