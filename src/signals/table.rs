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
        signals! { @events
            $($(#[$own_doc])* $own_signal: $own($own) = $own_name;)+
            $($(#[$item_doc])* $item_signal: $item(Change<$item>) = $item_name;)+
            $($(#[$value_doc])* $value_signal: $value(Change<$value>) = $value_name;)+
        }
        signals! { @statics
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

    (@events $($(#[$doc:meta])* $signal:ident: $variant:ident($payload:ty) = $name:literal;)+) => {
        /// One event of a webhook: what [`Webhook::events`](crate::Webhook::events)
        /// yields.
        ///
        /// # Examples
        ///
        /// ```
        /// use whatsapp_signals::event::WebhookEvent;
        ///
        /// let body = include_bytes!("../../tests/payloads/flow-reply.json");
        /// let webhook = whatsapp_signals::parse(body)?;
        /// let names: Vec<_> = webhook.events().iter().map(WebhookEvent::name).collect();
        /// assert_eq!(names, ["message_received", "flow_completed"]);
        /// # Ok::<(), whatsapp_signals::ParseError>(())
        /// ```
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum WebhookEvent {
            $($(#[$doc])* #[serde(rename = $name)] $variant($payload),)+
        }

        impl WebhookEvent {
            /// The name of its signal: `message_received`, …
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)+
                }
            }

            /// Sends it to the receivers of its signal:
            /// [`Signal::send_robust`].
            #[must_use = "the report holds the failures"]
            pub fn dispatch(&self) -> Report {
                match self {
                    $(Self::$variant(event) => event.send_robust(),)+
                }
            }

            /// [`dispatch`](Self::dispatch), and waits for async receivers:
            /// [`Signal::asend_robust`].
            ///
            /// ```
            /// # pollster::block_on(async {
            /// let body = include_bytes!("../../tests/payloads/text.json");
            /// let webhook = whatsapp_signals::parse(body)?;
            /// let report = webhook.events()[0].dispatch_async().await;
            /// assert!(report.is_unheard(), "nobody listens in this example");
            /// # Ok::<(), whatsapp_signals::ParseError>(())
            /// # }).unwrap();
            /// ```
            #[must_use = "the report holds the failures"]
            pub async fn dispatch_async(&self) -> Report {
                match self {
                    $(Self::$variant(event) => $signal.asend_robust(event).await,)+
                }
            }

            /// [`dispatch`](Self::dispatch), with somebody who watches.
            pub(crate) fn dispatch_watched(&self, watch: &mut impl Watch) -> Report {
                match self {
                    $(Self::$variant(event) => $signal.send_watched(event, watch),)+
                }
            }

            /// [`dispatch_async`](Self::dispatch_async), likewise.
            pub(crate) async fn dispatch_async_watched(&self, watch: &mut impl Watch) -> Report {
                match self {
                    $(Self::$variant(event) => $signal.asend_watched(event, watch).await,)+
                }
            }

            /// What it is known by when it comes again:
            /// [`Event::dedup_key`].
            #[must_use]
            pub fn dedup_key(&self) -> String {
                match self {
                    $(Self::$variant(event) => event.dedup_key(),)+
                }
            }

            /// What it must stay in order with: [`Event::partition_key`].
            #[must_use]
            pub fn partition_key(&self) -> String {
                match self {
                    $(Self::$variant(event) => event.partition_key(),)+
                }
            }

            /// The account and number that it concerns.
            ///
            /// ```
            /// let body = include_bytes!("../../tests/payloads/text.json");
            /// let webhook = whatsapp_signals::parse(body)?;
            /// let event = &webhook.events()[0];
            /// assert!(event.account().phone_number_id.is_some());
            /// assert_eq!(event.contact().unwrap().display_name(), "Ada Okafor");
            /// # Ok::<(), whatsapp_signals::ParseError>(())
            /// ```
            #[must_use]
            pub fn account(&self) -> &Account {
                match self {
                    $(Self::$variant(event) => &event.account,)+
                }
            }

            /// The user's contact, as the webhook has it; see
            /// [`account`](Self::account) for an example.
            #[must_use]
            pub fn contact(&self) -> Option<&Contact> {
                match self {
                    $(Self::$variant(event) => event.contact(),)+
                }
            }

            /// The user that the event itself names.
            pub(crate) fn user(&self) -> Option<Cow<'_, Identity>> {
                match self {
                    $(Self::$variant(event) => event.user(),)+
                }
            }

            /// Puts what a store knows in the place of the webhook's contact.
            pub(crate) fn set_contact(&mut self, contact: Arc<Contact>) {
                match self {
                    $(Self::$variant(event) => event.set_contact(contact),)+
                }
            }

            /// Whether two with one [`dedup_key`](Self::dedup_key) may be two:
            /// Meta gives a [`META_ERROR`](crate::signals::META_ERROR) neither
            /// an id nor a time, so the same error may have happened again.
            ///
            /// ```
            /// let body = include_bytes!("../../tests/payloads/value-errors.json");
            /// let webhook = whatsapp_signals::parse(body)?;
            /// assert_eq!(webhook.events()[0].name(), "meta_error");
            /// assert!(webhook.events()[0].repeats());
            /// # Ok::<(), whatsapp_signals::ParseError>(())
            /// ```
            #[must_use]
            pub fn repeats(&self) -> bool {
                match self {
                    $(Self::$variant(_) => <$payload as Keys>::REPEATS,)+
                }
            }

            /// The JSON of the item that it was made from.
            #[must_use]
            pub fn raw(&self) -> &RawJson {
                match self {
                    $(Self::$variant(event) => &event.raw,)+
                }
            }
        }

        $(impl From<$payload> for WebhookEvent {
            fn from(event: $payload) -> Self {
                Self::$variant(event)
            }
        })+
    };

    (@statics $(
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

            impl Event for $payload {
                const NAME: &'static str = $name;

                fn signal() -> &'static Signal<Self> {
                    &$signal
                }

                fn dedup_key(&self) -> String {
                    format!(concat!($name, ":{}"), self.key())
                }

                fn partition_key(&self) -> String {
                    self.partition()
                }
            }
        )+

        /// Every signal of this crate, in the order of the table.
        ///
        /// ```
        /// use whatsapp_signals::signals;
        ///
        /// for signal in signals::ALL {
        ///     println!("{}: {} receivers", signal.name(), signal.receivers().len());
        /// }
        /// assert_eq!(signals::ALL[0].name(), "message_received");
        /// ```
        pub static ALL: &[&dyn AnySignal] = &[$(&$signal),+];
    };
}

pub(super) use signals;
