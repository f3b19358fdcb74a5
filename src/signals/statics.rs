//! The signals themselves.

/// Makes of each row its static and its payload's [`Event`](crate::Event), and of all
/// rows the list of them.
///
/// The examples are one program with most others, whose outcome their receivers do not change.
macro_rules! statics {
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

        /// Every signal of this crate: those of one payload each, and [`ANY_EVENT`] at the end.
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

pub(super) use statics;
