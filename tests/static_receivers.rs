//! `#[receiver]`: where it may be written, what it may be written on, and in
//! which order its functions run and are listed.
//!
//! The payload is the list to which a receiver adds its name, so that tests
//! share nothing.

use std::cell::Cell;
use std::error::Error;
use std::io;
use std::rc::Rc;
use std::sync::Mutex;

use whatsapp_signals::{ConnectOptions, ReceiverInfo, Signal, receiver, receivers};

type Done = Result<(), Box<dyn Error>>;

/// The names of those who heard it.
#[derive(Debug, Default)]
struct Roll(Mutex<Vec<&'static str>>);

impl Roll {
    fn add(&self, name: &'static str) {
        self.0.lock().expect("nobody panicked").push(name);
    }
}

/// Who runs when the signal is sent.
fn who(signal: &Signal<Roll>) -> Vec<&'static str> {
    let roll = Roll::default();
    assert!(signal.send_robust(&roll).is_ok());
    roll.0.into_inner().expect("nobody panicked")
}

fn names(listed: &[ReceiverInfo]) -> Vec<&'static str> {
    let paths = listed.iter().map(ReceiverInfo::path);
    paths.filter_map(|path| path.rsplit("::").next()).collect()
}

mod on_one_or_more_signals {
    use super::*;

    static A: Signal<Roll> = Signal::new("a");
    static B: Signal<Roll> = Signal::new("b");
    static C: Signal<Roll> = Signal::new("c");
    static NOBODY: Signal<Roll> = Signal::new("nobody");

    #[receiver(A)]
    fn of_a(roll: &Roll) {
        roll.add("of_a");
    }

    #[receiver([A, B,],)]
    fn of_a_and_b(roll: &Roll) {
        roll.add("of_a_and_b");
    }

    #[receiver(B, order = 2)]
    #[receiver(self::C, order = -2)]
    fn of_b_late_and_c(roll: &Roll) {
        roll.add("of_b_late_and_c");
    }

    #[receiver([C])]
    fn of_c(roll: &Roll) {
        roll.add("of_c");
    }

    #[test]
    fn t20_t21_a_function_hears_each_signal_that_it_names_and_no_other() {
        assert_eq!(who(&A), ["of_a", "of_a_and_b"]);
        assert_eq!(who(&B), ["of_a_and_b", "of_b_late_and_c"]);
        assert_eq!(who(&C), ["of_b_late_and_c", "of_c"]);
        assert!(who(&NOBODY).is_empty() && !NOBODY.has_receivers());
    }

    #[test]
    fn a_receiver_stays_a_function_that_can_be_called() {
        let roll = Roll::default();
        of_a(&roll);
        let pointer: fn(&Roll) = of_a_and_b;
        pointer(&roll);
        assert_eq!(roll.0.into_inner().unwrap(), ["of_a", "of_a_and_b"]);
    }
}

mod with_filters {
    use super::*;

    static NUMBERS: Signal<(u32, Roll)> = Signal::new("numbers");

    fn is_odd(event: &(u32, Roll)) -> bool {
        event.0 % 2 == 1
    }

    #[receiver(NUMBERS)]
    fn all(event: &(u32, Roll)) {
        event.1.add("all");
    }

    #[receiver(NUMBERS, filter = is_odd)]
    fn odd(event: &(u32, Roll)) {
        event.1.add("odd");
    }

    #[receiver(NUMBERS, filter = |event| event.0 > 9)]
    fn big(event: &(u32, Roll)) {
        event.1.add("big");
    }

    #[receiver(NUMBERS, filter = |(n, _): &(u32, Roll)| { let small = 2; *n < small })]
    fn small(event: &(u32, Roll)) {
        event.1.add("small");
    }

    // Twice on one signal, as two registrations.
    #[receiver(NUMBERS, order = 1)]
    #[receiver(NUMBERS, order = 2, filter = self::is_odd)]
    fn last((_, roll): &(u32, Roll)) {
        roll.add("last");
    }

    #[test]
    fn t27_t70_a_filter_decides_for_its_own_registration() -> Done {
        let cases: [(u32, &[&str], usize); 4] = [
            (1, &["all", "odd", "small", "last", "last"], 1),
            (4, &["all", "last"], 4),
            (12, &["all", "big", "last"], 3),
            (13, &["all", "odd", "big", "last", "last"], 1),
        ];
        for (n, heard, filtered) in cases {
            let event = (n, Roll::default());
            let report = NUMBERS.send(&event)?;
            assert_eq!(event.1.0.into_inner()?, heard, "{n}");
            assert_eq!(
                (report.called(), report.filtered()),
                (heard.len(), filtered)
            );
        }
        Ok(())
    }
}

mod in_many_places {
    use super::*;

    static PLACES: Signal<Roll> = Signal::new("places");

    #[receiver(PLACES)]
    fn same_name(roll: &Roll) {
        roll.add("outer");
    }

    mod inner {
        mod deeper {
            use super::super::super::Roll;

            #[whatsapp_signals::receiver(super::super::PLACES)]
            fn same_name(roll: &Roll) {
                roll.add("deeper");
            }
        }
    }

    // Never called: what is written in a body is registered all the same.
    #[allow(dead_code)]
    fn a_function() {
        #[receiver(PLACES)]
        fn in_a_body(roll: &Roll) {
            roll.add("in_a_body");
        }
        std::iter::once(()).for_each(|()| {
            #[receiver(crate::in_many_places::PLACES)]
            fn in_a_closure(roll: &Roll) {
                roll.add("in_a_closure");
            }
        });
    }

    const _: () = {
        #[receiver(PLACES)]
        pub(super) fn in_a_const(roll: &Roll) {
            roll.add("in_a_const");
        }
    };

    #[test]
    fn t20_modules_bodies_and_constants_may_hold_receivers_also_of_one_name() {
        let all = ["outer", "deeper", "in_a_body", "in_a_closure", "in_a_const"];
        assert_eq!(who(&PLACES), all);
        let [outer, deeper, ..] = &PLACES.receivers()[..] else {
            panic!("more than two");
        };
        let here = module_path!();
        assert_eq!(outer.path(), format!("{here}::same_name"));
        assert_eq!(deeper.path(), format!("{here}::inner::deeper::same_name"));
    }

    #[test]
    fn a_signal_in_a_body_has_its_receivers_there() {
        static LOCAL: Signal<Roll> = Signal::new("local");

        #[receiver(LOCAL)]
        fn local(roll: &Roll) {
            roll.add("local");
        }

        assert_eq!(who(&LOCAL), ["local"]);
    }
}

mod from_macros {
    use super::*;

    static MADE: Signal<Roll> = Signal::new("made");

    /// Everything that a macro can pass on; the rest has the macro's hygiene.
    macro_rules! make {
        ($signal:path, $name:ident, $event:ident: $payload:ty, $order:expr, $uid:literal) => {
            #[receiver($signal, order = $order, uid = $uid, filter = |_| true)]
            fn $name($event: &$payload) -> Result<(), String> {
                $event.add(stringify!($name));
                Ok(())
            }
        };
    }

    make!(MADE, last, roll: Roll, i32::MAX - 1, "made-last");
    make!(self::MADE, first, event: super::Roll, -(1 + 1), "made-first");

    macro_rules! wrapped {
        ($($function:item)*) => { $( #[receiver(MADE)] $function )* };
    }

    // On one line for the compiler, hence by path.
    wrapped! {
        fn beta(roll: &Roll) { roll.add("beta"); }
        fn alpha(roll: &Roll) { roll.add("alpha"); }
    }

    macro_rules! own_names {
        () => {
            mod hidden {
                use super::*;

                #[receiver(MADE, order = 5)]
                fn named_by_the_macro(roll: &Roll) {
                    roll.add("named_by_the_macro");
                }
            }
        };
    }

    own_names!();

    #[test]
    fn t20_macro_rules_may_make_receivers() {
        let all = ["first", "alpha", "beta", "named_by_the_macro", "last"];
        assert_eq!(who(&MADE), all);
        assert!(MADE.disconnect("made-last") && MADE.disconnect("made-first"));
    }
}

mod in_one_line {
    use super::*;

    static LINE: Signal<Roll> = Signal::new("line");

    macro_rules! eight {
        ($($n:literal)*) => { $(
            const _: () = {
                #[receiver(LINE)]
                fn one_of_eight(roll: &Roll) {
                    roll.add($n);
                }
            };
        )* };
    }

    eight! { "a" "b" "c" "d" "e" "f" "g" "h" }

    #[test]
    fn receivers_of_one_name_in_one_line_run_in_the_order_of_the_source() {
        assert_eq!(who(&LINE), ["a", "b", "c", "d", "e", "f", "g", "h"]);
    }
}

mod with_odd_names {
    use super::*;

    static NAMES: Signal<Roll> = Signal::new("names");

    macro_rules! named {
        ($($name:ident)*) => { $(
            mod $name {
                use super::super::{Roll, receiver};

                #[receiver(super::NAMES)]
                fn $name(roll: &Roll) {
                    roll.add(stringify!($name));
                }
            }
        )* };
    }

    named! { __event __receive __x a call collect event function inventory output r#type receive submit }

    /// The standard names mean something else here.
    mod hostile {
        use super::super::{Roll, receiver};

        #[allow(dead_code)]
        mod core {}
        #[allow(dead_code)]
        mod std {}
        #[allow(dead_code)]
        mod whatsapp_signals {}
        #[allow(dead_code)]
        struct Option;
        #[allow(dead_code)]
        struct Result;
        #[allow(dead_code, non_snake_case)]
        fn Some() {}

        #[receiver(super::NAMES, order = 1, uid = "hostile", filter = |_| true)]
        fn hostile(roll: &Roll) {
            roll.add("hostile");
        }
    }

    #[test]
    fn no_name_of_a_function_or_of_what_surrounds_it_is_in_the_way() {
        let all = [
            "__event",
            "__receive",
            "__x",
            "a",
            "call",
            "collect",
            "event",
            "function",
            "inventory",
            "output",
            "r#type",
            "receive",
            "submit",
            "hostile",
        ];
        assert_eq!(who(&NAMES), all);
    }
}

mod of_many_shapes {
    use super::*;

    struct Event<'a> {
        roll: Roll,
        text: &'a str,
    }

    static SHAPES: Signal<Event<'static>> = Signal::new("shapes");

    #[receiver(SHAPES)]
    fn destructures(Event { roll, text: _ }: &Event<'static>) {
        roll.add("destructures");
    }

    #[receiver(SHAPES)]
    fn ignores(_: &Event<'static>) {}

    #[receiver(SHAPES)]
    fn elides(event: &Event<'_>) {
        event
            .roll
            .add(if event.text.is_empty() { "" } else { "elides" });
    }

    #[receiver(SHAPES)]
    fn names_a_lifetime<'a>(event: &'a Event<'static>) {
        let roll: &'a Roll = &event.roll;
        roll.add("names_a_lifetime");
    }

    #[receiver(SHAPES)]
    fn bounds_a_lifetime<'a: 'b, 'b>(event: &'a Event<'static>)
    where
        'static: 'a,
    {
        let roll: &'b Roll = &event.roll;
        roll.add("bounds_a_lifetime");
    }

    #[receiver(SHAPES)]
    const fn is_const(mut _event: &Event<'static>) {}

    #[receiver(SHAPES)]
    extern "C" fn is_extern(event: &Event<'static>) {
        event.roll.add("is_extern");
    }

    /// Documented, and with attributes of its own.
    #[inline]
    #[receiver(SHAPES)]
    #[cold]
    #[doc(alias = "decorated")]
    fn has_attributes(event: &Event<'static>) {
        event.roll.add("has_attributes");
    }

    #[test]
    fn t20_patterns_lifetimes_qualifiers_and_attributes_are_a_functions_own_matter() -> Done {
        let roll = Roll::default();
        let event = Event { roll, text: "…" };
        assert_eq!(SHAPES.send(&event)?.called(), 8);
        let all = [
            "destructures",
            "elides",
            "names_a_lifetime",
            "bounds_a_lifetime",
            "is_extern",
            "has_attributes",
        ];
        assert_eq!(event.roll.0.into_inner()?, all);
        Ok(())
    }

    static TEXTS: Signal<&'static str> = Signal::new("texts");
    static PAIRS: Signal<(Vec<Option<u8>>, [u8; 2])> = Signal::new("pairs");
    static CALLS: Signal<fn(u8) -> u8> = Signal::new("calls");
    static CELLS: Signal<Rc<Cell<u8>>> = Signal::new("cells");

    #[receiver(TEXTS)]
    fn text(event: &&str) {
        assert_eq!(*event, "text");
    }

    #[receiver(PAIRS)]
    fn pair((_, [first, _]): &(Vec<Option<u8>>, [u8; 1 + 1])) {
        assert_eq!(*first, 7);
    }

    #[receiver(CALLS)]
    fn calls(event: &fn(u8) -> u8) {
        assert_eq!(event(6), 6);
    }

    // A payload may be neither `Send` nor `Sync`.
    #[receiver(CELLS)]
    fn cell(event: &Rc<Cell<u8>>) {
        event.set(event.get() + 1);
    }

    #[test]
    fn payloads_of_any_type_reach_their_receiver() -> Done {
        assert_eq!(TEXTS.send(&"text")?.called(), 1);
        assert_eq!(PAIRS.send(&(vec![None], [7, 8]))?.called(), 1);
        assert_eq!(CALLS.send(&(u8::to_be as fn(u8) -> u8))?.called(), 1);
        let cell = Rc::new(Cell::new(1));
        assert_eq!(CELLS.send(&cell)?.called(), 1);
        assert_eq!(cell.get(), 2);
        Ok(())
    }
}

mod with_outcomes {
    use super::*;

    static OUTCOMES: Signal<bool> = Signal::new("outcomes");

    type Boxed = Box<dyn Error + Send + Sync>;

    #[derive(Debug)]
    struct Own;

    impl std::fmt::Display for Own {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("own")
        }
    }

    impl Error for Own {}

    fn unless<E>(good: bool, error: E) -> Result<(), E> {
        if good { Ok(()) } else { Err(error) }
    }

    #[receiver(OUTCOMES)]
    fn string(good: &bool) -> Result<(), String> {
        unless(*good, "string".to_owned())
    }

    #[receiver(OUTCOMES)]
    fn text(good: &bool) -> Result<(), &'static str> {
        unless(*good, "text")
    }

    #[receiver(OUTCOMES)]
    fn input(good: &bool) -> io::Result<()> {
        unless(*good, io::Error::other("input"))
    }

    #[receiver(OUTCOMES)]
    fn boxed(good: &bool) -> Result<(), Boxed> {
        unless(*good, "boxed")?;
        Ok(())
    }

    #[receiver(OUTCOMES)]
    fn own(good: &bool) -> Result<(), Own> {
        unless(*good, Own)
    }

    #[receiver(OUTCOMES)]
    fn nothing(_: &bool) {}

    #[receiver(OUTCOMES)]
    fn panics(good: &bool) {
        assert!(*good, "panics");
    }

    #[test]
    fn t16_errors_of_every_type_are_reported_with_their_receiver() -> Done {
        assert_eq!(OUTCOMES.send(&true)?.succeeded(), 7);

        let report = OUTCOMES.send_robust(&false);
        assert_eq!((report.called(), report.succeeded()), (7, 1));
        let failures = report.into_failures();
        let expected = ["string", "text", "input", "boxed", "own", "panics"];
        assert_eq!(failures.len(), expected.len());
        for (failure, name) in failures.iter().zip(expected) {
            let receiver = failure.receiver();
            assert_eq!(receiver.path(), format!("{}::{name}", module_path!()));
            assert!(receiver.file().ends_with("static_receivers.rs"));
            let said = failure.error().map(ToString::to_string);
            let said = said.or(failure.panic_message().map(ToOwned::to_owned));
            assert_eq!(said.as_deref(), Some(name));
        }
        assert!(
            failures[2]
                .error()
                .is_some_and(<dyn Error + Send + Sync>::is::<io::Error>)
        );
        assert!(
            failures[4]
                .error()
                .is_some_and(<dyn Error + Send + Sync>::is::<Own>)
        );
        Ok(())
    }

    #[test]
    fn t85_send_stops_at_the_first_static_receiver_that_fails() {
        let failure = OUTCOMES.send(&false).unwrap_err();
        assert_eq!(names(&[failure.receiver().clone()]), ["string"]);
    }
}

mod under_conditions {
    use super::*;

    static CONDITIONS: Signal<Roll> = Signal::new("conditions");

    #[receiver(CONDITIONS)]
    #[cfg(any())]
    fn never(roll: &Roll) {
        roll.add("never");
    }

    #[cfg(any())]
    #[receiver(CONDITIONS)]
    fn never_either(roll: &Roll) {
        roll.add("never_either");
    }

    #[receiver(CONDITIONS)]
    #[cfg(not(any()))]
    #[cfg(any())]
    fn never_by_the_second(roll: &Roll) {
        roll.add("never_by_the_second");
    }

    #[receiver(CONDITIONS)]
    #[cfg(not(any()))]
    fn always(roll: &Roll) {
        roll.add("always");
    }

    #[cfg_attr(all(), receiver(CONDITIONS))]
    fn conditionally_registered(roll: &Roll) {
        roll.add("conditionally_registered");
    }

    #[cfg_attr(any(), receiver(CONDITIONS))]
    fn conditionally_not_registered(roll: &Roll) {
        roll.add("conditionally_not_registered");
    }

    #[test]
    fn a_function_that_is_configured_away_takes_its_registration_along() {
        let all = ["always", "conditionally_registered"];
        assert_eq!(who(&CONDITIONS), all);
        assert_eq!(names(&CONDITIONS.receivers()), all);
        conditionally_not_registered(&Roll::default());
    }
}

mod through_another_name {
    use super::*;

    static RENAMED: Signal<Roll> = Signal::new("renamed");

    mod facade {
        pub(super) use whatsapp_signals as wa;
    }

    #[receiver(RENAMED, crate = facade::wa)]
    fn relative(roll: &Roll) {
        roll.add("relative");
    }

    #[facade::wa::receiver(RENAMED, order = -1, crate = ::whatsapp_signals)]
    fn absolute(roll: &Roll) {
        roll.add("absolute");
    }

    #[test]
    fn the_crate_option_says_where_the_crate_is() {
        assert_eq!(who(&RENAMED), ["absolute", "relative"]);
    }
}

mod in_order {
    use super::*;

    const EARLY: i32 = -100;
    const UID: &str = concat!("in_order", ".", "early");

    static ORDERED: Signal<Roll> = Signal::new("ordered");

    #[receiver(ORDERED, order = i32::MAX)]
    fn max(roll: &Roll) {
        roll.add("max");
    }

    #[receiver(ORDERED)]
    fn zero_b(roll: &Roll) {
        roll.add("zero_b");
    }

    #[receiver(ORDERED, order = 0)]
    fn zero_a(roll: &Roll) {
        roll.add("zero_a");
    }

    #[receiver(ORDERED, uid = UID, order = EARLY)]
    fn early(roll: &Roll) {
        roll.add("early");
    }

    #[receiver(ORDERED, order = EARLY - 1)]
    fn earlier(roll: &Roll) {
        roll.add("earlier");
    }

    #[receiver(ORDERED)]
    fn zero_c(roll: &Roll) {
        roll.add("zero_c");
    }

    #[receiver(ORDERED, order = i32::MIN)]
    fn min(roll: &Roll) {
        roll.add("min");
    }

    const STATIC: [&str; 7] = [
        "min", "earlier", "early", "zero_b", "zero_a", "zero_c", "max",
    ];

    fn own(name: &'static str) -> impl Fn(&Roll) + Send + Sync {
        move |roll: &Roll| roll.add(name)
    }

    /// One test, since all of it is about who is connected to one signal.
    #[test]
    fn t79_static_receivers_run_by_order_then_line_and_before_the_connected_of_their_order() -> Done
    {
        assert_eq!(who(&ORDERED), STATIC);
        assert_eq!(ORDERED.receivers()[2].uid(), Some("in_order.early"));

        let mut guards = Vec::new();
        for (order, name) in [
            (0, "own 0"),
            (i32::MIN, "own min"),
            (i32::MAX, "own max"),
            (EARLY, "own early"),
            (0, "own 0 too"),
            (1, "own 1"),
        ] {
            let options = ConnectOptions::new().order(order);
            guards.push(ORDERED.connect_with(options, own(name))?);
        }
        let merged = [
            "min",
            "own min",
            "earlier",
            "early",
            "own early",
            "zero_b",
            "zero_a",
            "zero_c",
            "own 0",
            "own 0 too",
            "own 1",
            "max",
            "own max",
        ];
        assert_eq!(who(&ORDERED), merged);

        drop(guards);
        assert_eq!(who(&ORDERED), STATIC);
        assert_eq!(names(&ORDERED.receivers()), STATIC);
        Ok(())
    }
}

mod in_lists {
    use super::*;

    static LISTED: Signal<Roll> = Signal::new("listed");
    static ANOTHER: Signal<Roll> = Signal::new("0");

    const LINE: u32 = line!();
    #[receiver([LISTED, ANOTHER], order = 3, uid = "lister")]
    fn described(_: &Roll) {}

    #[receiver(LISTED, order = -3)]
    fn before(_: &Roll) {}

    #[test]
    fn a_signal_lists_path_place_order_and_uid() {
        let [before, described] = &LISTED.receivers()[..] else {
            panic!("two receivers");
        };
        assert_eq!(before.path(), concat!(module_path!(), "::before"));
        assert_eq!((before.order(), before.uid()), (-3, None));
        assert!(before.line() > described.line());

        assert_eq!(described.signal(), "listed");
        assert_eq!(described.path(), concat!(module_path!(), "::described"));
        assert!(described.file().ends_with("tests/static_receivers.rs"));
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
        assert_eq!(of("nobody").count(), 0);

        // What is connected at run time is for its signal to list.
        let signal = Signal::new("at run time");
        let _connection = signal.connect(|_: &Roll| {});
        assert_eq!((receivers(), signal.receivers().len()), (all, 1));
    }
}
