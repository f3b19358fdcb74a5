//! The statics, the events and the lists that are made of the table of signals.

/// Defines all that this module gives of the [table](super::table).
macro_rules! define_signals {
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
            webhook {
                $($(#[$own_doc])* $own_signal: $own($own) = $own_name;)+
                $($(#[$item_doc])* $item_signal: $item(FieldEvent<$item>) = $item_name;)+
                $($(#[$value_doc])* $value_signal: $value(FieldEvent<$value>) = $value_name;)+
            }
            program { $($(#[$manual_doc])* $manual_signal: $manual($manual) = $manual_name;)+ }
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
                $item_signal: FieldEvent<$item> = $item_name, concat!("FieldEvent<", stringify!($item), ">");
            )+
            $(
                $(#[$value_doc])*
                #[doc = concat!("\n\nFired by ", $("the field `", $value_field, "`, ",)+ "for each value.")]
                $value_signal: FieldEvent<$value> = $value_name, concat!("FieldEvent<", stringify!($value), ">");
            )+
            $($(#[$manual_doc])* $manual_signal: $manual = $manual_name, stringify!($manual);)+
        }

        /// Pairs of a webhook field and a signal that it fires, by their names: the fields to
        /// subscribe to in the App Dashboard for the receivers that you have.
        ///
        /// `unrecognized` and `any_event` are not listed: any field may fire the one, and every
        /// field fires the other.
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

pub(super) use define_signals;
