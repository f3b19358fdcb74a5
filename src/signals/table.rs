//! What becomes of the table of signals: each row gives a signal its doc, its static, its
//! payload, its name and, where a webhook fires it, the webhook fields that do.
//!
//! From it come the statics, the `Event` implementations, the `WebhookEvent` enum with its
//! dispatch, the parser's way from a field to its payload, `ALL` and `FIELDS`.

/// The four kinds of rows:
///
/// - `own`: payloads of their own, read by hand; `each "list" of "field"` says
///   where their items are, `from "field"` that they come with those of
///   another row;
/// - `items`: [`Change`]s, one for each item of a list;
/// - `values`: [`Change`]s, one for each value;
/// - `manual`: fired by the user's code.
macro_rules! signals {
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
        manual { $(
            $(#[$manual_doc:meta])*
            $manual_signal:ident: $manual:ident = $manual_name:literal;
        )+ }
    ) => {
        webhook_event! {
            $($(#[$own_doc])* $own_signal: $own($own) = $own_name;)+
            $($(#[$item_doc])* $item_signal: $item(Change<$item>) = $item_name;)+
            $($(#[$value_doc])* $value_signal: $value(Change<$value>) = $value_name;)+
        }
        statics! {
            $(
                $(#[$own_doc])*
                $(
                    #[doc = concat!("\n\nFired by ", $("the field `", $own_field, "`, ",)+)]
                    #[doc = concat!("for each of its ", $("`", $own_list, "`, ",)+ "one by one.")]
                )?
                $(
                    #[doc = concat!("\n\nFired by ", $("the field `", $own_from, "`, ",)+)]
                    /// with another signal.
                )?
                $own_signal: $own = $own_name, stringify!($own);
            )+
            $(
                $(#[$item_doc])*
                #[doc = concat!("\n\nFired by ", $("the field `", $item_field, "`, ",)+)]
                #[doc = concat!("for each of its `", $item_list, "`, one by one.")]
                $item_signal: Change<$item> = $item_name, concat!("Change<", stringify!($item), ">");
            )+
            $(
                $(#[$value_doc])*
                #[doc = concat!("\n\nFired by ", $("the field `", $value_field, "`, ",)+ "for each value.")]
                $value_signal: Change<$value> = $value_name, concat!("Change<", stringify!($value), ">");
            )+
            $($(#[$manual_doc])* $manual_signal: $manual = $manual_name, stringify!($manual);)+
        }

        /// How each item of a field's list is read.
        pub(crate) fn reader_of_items(field: &str, list: &str) -> Option<Reader> {
            use crate::webhook::FromItem;
            match (field, list) {
                $($(($($own_field)|+, $($own_list)|+) => Some(<$own>::READER),)?)+
                $(($($item_field)|+, $item_list) => Some(<Change<$item>>::READER),)+
                _ => None,
            }
        }

        /// How the whole value of a field is read.
        pub(crate) fn reader_of_value(field: &str) -> Option<Reader> {
            use crate::webhook::FromItem;
            match field {
                $($($value_field)|+ => Some(<Change<$value>>::READER),)+
                _ => None,
            }
        }

        /// Whether the values of a field hold lists.
        pub(crate) fn has_lists(field: &str) -> bool {
            let fields: &[&str] = &[
                $($($($own_field,)+)? $($($own_from,)+)?)+
                $($($item_field,)+)+
            ];
            fields.contains(&field)
        }

        /// Which webhook fields fire which signals, by their names: what to
        /// subscribe to in the App Dashboard for the receivers that you have.
        ///
        /// `unrecognized` is not listed: any field may fire it.
        ///
        /// ```
        /// use whatsapp_signals::signals::FIELDS;
        ///
        /// assert!(FIELDS.contains(&("messages", "message_received")));
        /// assert!(FIELDS.contains(&("calls", "call_status")));
        /// ```
        pub static FIELDS: &[(&str, &str)] = &[
            $($($(($own_field, $own_name),)+)? $($(($own_from, $own_name),)+)?)+
            $($(($item_field, $item_name),)+)+
            $($(($value_field, $value_name),)+)+
        ];
    };
}

pub(super) use signals;
