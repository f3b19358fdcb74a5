//! Patterns, lifetimes and qualifiers of the function, and payloads of any type.

use super::*;

struct Event<'a> {
    roll: Roll,
    text: &'a str,
}

static SIGNATURES: Signal<Event<'static>> = Signal::new("signatures");

#[receiver(SIGNATURES)]
fn destructures(Event { roll, text: _ }: &Event<'static>) {
    roll.add("destructures");
}

#[receiver(SIGNATURES)]
fn ignores(_: &Event<'static>) {}

#[receiver(SIGNATURES)]
fn elides(event: &Event<'_>) {
    event
        .roll
        .add(if event.text.is_empty() { "" } else { "elides" });
}

#[receiver(SIGNATURES)]
fn names_a_lifetime<'a>(event: &'a Event<'static>) {
    let roll: &'a Roll = &event.roll;
    roll.add("names_a_lifetime");
}

#[receiver(SIGNATURES)]
fn bounds_a_lifetime<'a: 'b, 'b>(event: &'a Event<'static>)
where
    'static: 'a,
{
    let roll: &'b Roll = &event.roll;
    roll.add("bounds_a_lifetime");
}

#[receiver(SIGNATURES)]
const fn is_const(mut _event: &Event<'static>) {}

#[receiver(SIGNATURES)]
extern "C" fn is_extern(event: &Event<'static>) {
    event.roll.add("is_extern");
}

/// Documented, and with attributes of its own.
#[inline]
#[receiver(SIGNATURES)]
#[cold]
#[doc(alias = "decorated")]
fn has_attributes(event: &Event<'static>) {
    event.roll.add("has_attributes");
}

#[test]
fn t20_patterns_lifetimes_qualifiers_and_attributes_are_a_functions_own_matter() -> Done {
    let roll = Roll::default();
    let event = Event { roll, text: "…" };
    assert_eq!(SIGNATURES.send(&event)?.called(), 8);
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
