//! All signals of this crate, in one table.
//!
//! Each row gives a signal its doc, its static, its payload and its name. From
//! it come the statics below, the [`Event`] implementations, the
//! [`WebhookEvent`] enum with its dispatch, and [`ALL`].

use serde::{Deserialize, Serialize};

use crate::event::{
    CampaignCompleted, Event, FlowCompleted, MessageReceived, MessageSent, MessageStatusChanged,
    Unrecognized, UserSubscribed,
};
use crate::model::RawJson;
use crate::signal::{AnySignal, Report, Signal};

macro_rules! signals {
    (
        webhook { $($(#[$webhook_doc:meta])* $webhook:ident: $item:ident = $item_name:literal;)+ }
        manual { $($(#[$manual_doc:meta])* $manual:ident: $payload:ident = $name:literal;)+ }
    ) => {
        signals! { @statics
            $($(#[$webhook_doc])* $webhook: $item = $item_name;)+
            $($(#[$manual_doc])* $manual: $payload = $name;)+
        }

        /// One event of a webhook: what [`Webhook::events`](crate::Webhook::events)
        /// yields.
        ///
        /// # Examples
        ///
        /// ```
        /// use whatsapp_signals::event::WebhookEvent;
        ///
        /// let body = include_bytes!("../tests/payloads/flow-reply.json");
        /// let webhook = whatsapp_signals::parse(body)?;
        /// let names: Vec<_> = webhook.events().iter().map(WebhookEvent::name).collect();
        /// assert_eq!(names, ["message_received", "flow_completed"]);
        /// # Ok::<(), whatsapp_signals::ParseError>(())
        /// ```
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[non_exhaustive]
        #[allow(missing_docs, reason = "each variant is its payload")]
        pub enum WebhookEvent {
            $(#[serde(rename = $item_name)] $item($item),)+
        }

        impl WebhookEvent {
            /// The name of its signal: `message_received`, …
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$item(_) => $item::NAME,)+
                }
            }

            /// Sends it to the receivers of its signal:
            /// [`Signal::send_robust`].
            #[must_use = "the report holds the failures"]
            pub fn dispatch(&self) -> Report {
                match self {
                    $(Self::$item(event) => event.send_robust(),)+
                }
            }

            /// The JSON of the item that it was made from.
            #[must_use]
            pub fn raw(&self) -> &RawJson {
                match self {
                    $(Self::$item(event) => &event.raw,)+
                }
            }
        }

        $(impl From<$item> for WebhookEvent {
            fn from(event: $item) -> Self {
                Self::$item(event)
            }
        })+
    };

    (@statics $($(#[$doc:meta])* $signal:ident: $payload:ident = $name:literal;)+) => {
        $(
            $(#[$doc])*
            pub static $signal: Signal<$payload> = Signal::new($name);

            impl Event for $payload {
                const NAME: &'static str = $name;

                fn signal() -> &'static Signal<Self> {
                    &$signal
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

signals! {
    webhook {
        /// A user sent you a message. Django's `whatsapp_message_received`.
        MESSAGE_RECEIVED: MessageReceived = "message_received";
        /// A message that you sent came one step further, or failed.
        MESSAGE_STATUS_CHANGED: MessageStatusChanged = "message_status_changed";
        /// A user submitted a flow. Django's `whatsapp_flow_completed`.
        ///
        /// The message that submitted it also fires [`MESSAGE_RECEIVED`], just
        /// before.
        FLOW_COMPLETED: FlowCompleted = "flow_completed";
        /// A user subscribed through a signup link. Django's
        /// `whatsapp_user_subscribed`.
        USER_SUBSCRIBED: UserSubscribed = "user_subscribed";
        /// Something in a webhook that this version does not know, or that
        /// does not look as it should.
        UNRECOGNIZED: Unrecognized = "unrecognized";
    }
    manual {
        /// You sent a message. Django's `whatsapp_message_sent`; fired by your
        /// code.
        MESSAGE_SENT: MessageSent = "message_sent";
        /// A campaign of yours has run to its end. Django's
        /// `whatsapp_campaign_completed`; fired by your code.
        CAMPAIGN_COMPLETED: CampaignCompleted = "campaign_completed";
    }
}
