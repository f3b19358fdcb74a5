//! The fields of webhooks: the lists in their values, and the kinds of their items, by the table
//! of signals.

use super::history;
use super::item_kind::{FromItem, ItemKind};
use super::signup;
#[allow(
    clippy::wildcard_imports,
    reason = "the table of signals names nearly all of them"
)]
use crate::event::*;

/// The field whose value may be a signup itself. Under other fields, the member of this name is a
/// signup.
pub(super) const SIGNUP: &str = "in_app_signup";

/// The field whose value has its lists in a member of the same name, too.
pub(super) const STANDBY: &str = "standby";

/// Returns the kind of the items in a list of a field.
pub(super) fn kind_of_list(field: &str, list: &str) -> Option<&'static ItemKind> {
    match (field, list) {
        // The items of these lists become events of several signals.
        ("history", "history") => Some(&history::CHUNK),
        ("user_preferences", "user_preferences") => Some(&signup::PREFERENCE),
        // A signup is known under any field, and its own field has the lists of `messages`.
        (_, SIGNUP) => Some(UserSubscribed::KIND),
        (SIGNUP, list) => kind_of_items("messages", list),
        // Errors are known under any field.
        (_, "errors") => kind_of_items("messages", "errors"),
        (field, list) => kind_of_items(field, list),
    }
}

/// Defines the kinds of a field's items by the table of signals.
macro_rules! define_kinds {
    (
        own { $(
            $(#[$own_doc:meta])*
            $own_signal:ident: $own:ident = $own_name:literal
            $(, each $($own_list:literal)|+ of $($own_field:literal)|+)?
            $(, from $($own_from:literal)|+)?;
        )+ }
        items { $(
            $(#[$item_doc:meta])*
            $item_signal:ident: $item:ident = $item_name:literal,
            each $item_list:literal of $($item_field:literal)|+;
        )+ }
        values { $(
            $(#[$value_doc:meta])*
            $value_signal:ident: $value:ident = $value_name:literal,
            of $($value_field:literal)|+;
        )+ }
        manual { $($manual:tt)+ }
    ) => {
        fn kind_of_items(field: &str, list: &str) -> Option<&'static ItemKind> {
            match (field, list) {
                $($(($($own_field)|+, $($own_list)|+) => Some(<$own>::KIND),)?)+
                $(($($item_field)|+, $item_list) => Some(<FieldEvent<$item>>::KIND),)+
                _ => None,
            }
        }

        /// Returns the kind of a field's value, for a field without lists.
        pub(super) fn kind_of_value(field: &str) -> Option<&'static ItemKind> {
            match field {
                $($($value_field)|+ => Some(<FieldEvent<$value>>::KIND),)+
                _ => None,
            }
        }

        /// Returns `true` for a field whose values have lists.
        pub(super) fn has_lists(field: &str) -> bool {
            let fields: &[&str] = &[
                $($($($own_field,)+)? $($($own_from,)+)?)+
                $($($item_field,)+)+
            ];
            fields.contains(&field)
        }
    };
}

for_each_signal!(define_kinds);
