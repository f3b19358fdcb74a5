//! Names that are keywords, underscores or those of others.

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
fn no_name_of_a_function_or_its_surroundings_collides() {
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
    assert_eq!(called(&NAMES), all);
}
