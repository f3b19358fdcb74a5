//! Macros that turn the [table](crate::event::for_each_signal) into the statics and the lists of
//! signals and fields.

/// Defines the items of this module.
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
        define_statics! {
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

        /// The webhook fields and the signals that they fire, as pairs of names: the fields to
        /// subscribe to in the App Dashboard for the receivers of your program.
        ///
        /// `unrecognized` and `any_event` are not listed, as every field may fire them.
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

/// Defines the static of each row, the [`Event`](crate::Event) implementation of its payload, and
/// the list of all signals.
///
/// The examples are one program with most other doc tests. Their receivers do nothing, so that they
/// do not change the results of the others.
macro_rules! define_statics {
    ($(
        $(#[$doc:meta])* $signal:ident: $payload:ty = $name:literal, $payload_text:expr;
    )+) => {
        $(
            $(#[$doc])*
            ///
            /// # Examples
            ///
            /// ```
            /// # use whatsapp_signals::{event::*, model::*};
            #[doc = concat!("use whatsapp_signals::{receiver, signals::", stringify!($signal), "};")]
            ///
            #[doc = concat!("#[receiver(", stringify!($signal), ")]")]
            #[doc = concat!("fn receive(event: &", $payload_text, ") {}")]
            ///
            #[doc = concat!("assert!(", stringify!($signal), ".has_receivers());")]
            /// ```
            pub static $signal: Signal<$payload> = Signal::new($name);

            impl Sealed for $payload {}

            impl Event for $payload {
                const NAME: &'static str = $name;

                fn signal() -> &'static Signal<Self> {
                    &$signal
                }

                fn dedup_key(&self) -> String {
                    self.key_of($name)
                }

                fn partition_key(&self) -> String {
                    self.partition()
                }
            }
        )+

        /// Every signal of this crate: those with one payload type each, and [`ANY_EVENT`] at the
        /// end.
        ///
        /// ```
        /// use whatsapp_signals::signals;
        ///
        /// for signal in signals::ALL {
        ///     println!("{}: {} receivers", signal.name(), signal.receivers().len());
        /// }
        /// assert_eq!(signals::ALL[0].name(), "message_received");
        /// ```
        pub static ALL: &[&dyn AnySignal] = &[$(&$signal,)+ &ANY_EVENT];
    };
}

pub(super) use {define_signals, define_statics};
