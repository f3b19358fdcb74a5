//! Messages: a function for each `type`.

use serde::Serialize;
use serde_json::{Value, json};

use super::item::{SampleKind, Settings, wa_id};
use super::sample::Sample;
use crate::event::MessageReceived;

const MESSAGE: SampleKind = SampleKind {
    field: "messages",
    list: Some("messages"),
    fill,
    has_contact: true,
};

/// News about a user, which Meta sends without a contact.
const SYSTEM: SampleKind = SampleKind {
    has_contact: false,
    ..MESSAGE
};

/// Writes the members of a message of any type.
pub(super) fn fill(s: &Settings) -> Value {
    json!({
        "from": s.phone, "from_user_id": s.user_id, "from_parent_user_id": s.parent_user_id,
        "id": s.id("wamid"), "timestamp": s.time(), "context": s.context(), "group_id": s.group_id,
    })
}

samples! {
    "webhooks/reference/messages/text" MESSAGE -> MessageReceived {
        /// Creates a text message.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::text("Is my bike ready?").event();
        /// assert_eq!(event.message.text(), Some("Is my bike ready?"));
        /// ```
        text(body: &str) {"type": "text", "text": {"body": body}}
    }

    "webhooks/reference/messages/image" MESSAGE -> MessageReceived {
        /// Creates an image.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::image().caption("The new gears").event();
        /// assert_eq!(event.message.media().unwrap().caption.as_deref(), Some("The new gears"));
        /// ```
        image() {"type": "image", "image": {
            "id": "7137021601430931", "mime_type": "image/jpeg",
            "sha256": "kE8IrKcwkHn4xpHNeMtMDSfQ7/fbG3/uIEOggFj39xs="
        }}
    }

    "webhooks/reference/messages/audio" MESSAGE -> MessageReceived {
        /// Creates a voice message.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::audio().event();
        /// assert_eq!(event.message.media().unwrap().voice, Some(true));
        /// ```
        audio() {"type": "audio", "audio": {
            "id": "7274029601447808", "mime_type": "audio/ogg; codecs=opus", "voice": true,
            "sha256": "YPCZLxNQKmbmxPYBhlnD5mhBN6GHQDBs2bUMrkQpTsQ="
        }}
    }

    "webhooks/reference/messages/video" MESSAGE -> MessageReceived {
        /// Creates a video.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::video().event();
        /// assert_eq!(event.message.body(), "[Video]");
        /// ```
        video() {"type": "video", "video": {
            "id": "7748899849670469", "mime_type": "video/mp4",
            "sha256": "NLrYnfxZBAAZwNe5/kT+0Q7aKjA7897rm2vzhCIUuiI="
        }}
    }

    "webhooks/reference/messages/document" MESSAGE -> MessageReceived {
        /// Creates a document.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::document("invoice.pdf").event();
        /// assert_eq!(event.message.media().unwrap().filename.as_deref(), Some("invoice.pdf"));
        /// ```
        document(filename: &str) {"type": "document", "document": {
            "id": "7622684793477189", "mime_type": "application/pdf", "filename": filename,
            "sha256": "V5OPpLD/gEG6Xjg0MbmQDLFgcKsL+j5LfY4ny/pZ4MY="
        }}
    }

    "webhooks/reference/messages/sticker" MESSAGE -> MessageReceived {
        /// Creates a sticker.
        ///
        /// ```
        /// assert!(whatsapp_signals::testing::sticker().event().message.has_media());
        /// ```
        sticker() {"type": "sticker", "sticker": {
            "id": "7962030611963041", "mime_type": "image/webp", "animated": false,
            "sha256": "6F7BE7BKvuC6mvxljVBETFfZZYfUfsK90jx6MBlCphs="
        }}
    }

    "webhooks/reference/messages/location" MESSAGE -> MessageReceived {
        /// Creates a location.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::location(52.37, 4.9).set("/location/name", "The yard").event();
        /// let location = event.message.location().unwrap();
        /// assert_eq!((location.latitude, location.name.as_deref()), (52.37, Some("The yard")));
        /// ```
        location(latitude: f64, longitude: f64) {"type": "location", "location": {
            "latitude": latitude, "longitude": longitude
        }}
    }

    "webhooks/reference/messages/contacts" MESSAGE -> MessageReceived {
        /// Creates a contact card with a name and a phone number.
        ///
        /// ```
        /// use whatsapp_signals::{model::Content, testing};
        ///
        /// let event = testing::contact_card("Chiyo Tanaka", "15550101777").event();
        /// let Content::Contacts(cards) = event.message.content else { panic!("cards") };
        /// assert_eq!(cards[0].phones[0].wa_id.as_ref().unwrap(), "15550101777");
        /// ```
        contact_card(name: &str, phone: &str) {"type": "contacts", "contacts": [{
            "name": {"formatted_name": name, "first_name": name},
            "phones": [{
                "phone": format!("+{}", wa_id(phone)), "wa_id": wa_id(phone), "type": "MOBILE"
            }]
        }]}
    }

    "webhooks/reference/messages/reaction" MESSAGE -> MessageReceived {
        /// Creates a reaction to a message of the business.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::reaction("wamid.OFFER", "🚴").event();
        /// assert_eq!(event.message.body(), "🚴");
        /// ```
        reaction(id: impl AsRef<str>, emoji: &str) {"type": "reaction", "reaction": {
            "message_id": id.as_ref(), "emoji": emoji
        }}

        /// Creates the removal of a reaction.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::reaction_removed("wamid.OFFER").event();
        /// assert_eq!(event.message.body(), "");
        /// ```
        reaction_removed(id: impl AsRef<str>) {"type": "reaction", "reaction": {
            "message_id": id.as_ref()
        }}
    }

    "webhooks/reference/messages/button" MESSAGE -> MessageReceived {
        /// Creates a tap on a template's quick-reply button.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::button("pickup", "I come tomorrow").event();
        /// assert_eq!(event.message.body(), "I come tomorrow");
        /// ```
        button(payload: &str, text: &str) {"type": "button", "button": {
            "payload": payload, "text": text
        }}
    }

    "webhooks/reference/messages/interactive" MESSAGE -> MessageReceived {
        /// Creates a tap on a reply button.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::button_reply("yes", "Yes, please").reply_to("wamid.OFFER").event();
        /// assert_eq!(event.message.body(), "Yes, please");
        /// assert_eq!(event.message.reply_to().unwrap(), "wamid.OFFER");
        /// ```
        button_reply(id: &str, title: &str) {"type": "interactive", "interactive": {
            "type": "button_reply", "button_reply": {"id": id, "title": title}
        }}

        /// Creates the choice of a row in a list.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::list_reply("svc_brakes", "Brake service").event();
        /// assert_eq!(event.message.body(), "Brake service");
        /// ```
        list_reply(id: &str, title: &str) {"type": "interactive", "interactive": {
            "type": "list_reply", "list_reply": {"id": id, "title": title}
        }}

        /// Creates the choice of a product.
        ///
        /// ```
        /// use whatsapp_signals::testing;
        ///
        /// let event = testing::product_reply("bell-7").event();
        /// assert_eq!(event.message.message_type(), "interactive");
        /// ```
        product_reply(id: &str) {"type": "interactive", "interactive": {
            "type": "product",
            "product": {"catalog_id": "640500400300200", "product_retailer_id": id}
        }}

        /// Creates the choice of a way to pay.
        ///
        /// ```
        /// use whatsapp_signals::testing;
        ///
        /// let event = testing::payment_method("offsite_card_pay").event();
        /// assert_eq!(event.message.message_type(), "interactive");
        /// ```
        payment_method(method: &str) {"type": "interactive", "interactive": {
            "type": "payment_method",
            "payment_method": {
                "payment_method": method, "payment_timestamp": 1_784_999_000,
                "reference_id": "invoice-1", "last_four_digits": "9073", "credential_id": "80550417"
            }
        }}

        /// Creates the answer to a call permission request: `accept` or `reject`.
        ///
        /// ```
        /// use whatsapp_signals::model::{Content, Interactive};
        ///
        /// let event = whatsapp_signals::testing::call_permission_reply("accept").event();
        /// let Content::Interactive(reply) = event.message.content else { panic!("a reply") };
        /// assert!(matches!(*reply, Interactive::CallPermissionReply(_)));
        /// ```
        call_permission_reply(response: &str) {"type": "interactive", "interactive": {
            "type": "call_permission_reply",
            "call_permission_reply": {
                "response": response, "is_permanent": false, "response_source": "user_action",
                "expiration_timestamp": "1785600000"
            }
        }}
    }

    "webhooks/reference/messages/order" MESSAGE -> MessageReceived {
        /// Creates a shopping cart with one product, at a price in US dollars.
        ///
        /// ```
        /// use whatsapp_signals::{model::Content, testing};
        ///
        /// let event = testing::order("bell-7", 2, 9.5).event();
        /// let Content::Order(order) = event.message.content else { panic!("an order") };
        /// assert_eq!(order.product_items[0].quantity, Some(2));
        /// ```
        order(id: &str, quantity: u64, price: f64) {"type": "order", "order": {
            "catalog_id": "640500400300200",
            "product_items": [{
                "product_retailer_id": id, "quantity": quantity, "item_price": price,
                "currency": "USD"
            }]
        }}
    }

    "webhooks/reference/messages/system" SYSTEM -> MessageReceived {
        /// Creates the notification that the user has another phone number.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::number_changed("31970100299").from("31970100202").event();
        /// assert_eq!(event.message.sender().unwrap().phone(), Some("31970100202"));
        /// assert_eq!(event.message.message_type(), "system");
        /// ```
        number_changed(phone: &str) {"type": "system", "system": {
            "type": "user_changed_number", "wa_id": wa_id(phone),
            "body": format!("The user has the new number {}", wa_id(phone))
        }}

        /// Creates the notification that the user has another business-scoped user id.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::user_id_changed("US.7001", "US.7002").event();
        /// assert_eq!(event.message.sender().unwrap().user_id().unwrap(), "US.7001");
        /// ```
        user_id_changed(previous: &str, current: &str) {"type": "system", "system": {
            "type": "user_changed_user_id", "user_id": current, "previous_user_id": previous,
            "body": "The user has a new user id"
        }}
    }

    "webhooks/reference/messages/edit" MESSAGE -> MessageReceived {
        /// Creates an edit of a message, with the new text.
        ///
        /// ```
        /// use whatsapp_signals::testing;
        ///
        /// let first = testing::text("Tuesday, please").event();
        /// let edit = testing::edit(&first.message.id, "Thursday, please").event();
        /// assert_eq!(edit.message.body(), "Thursday, please");
        /// ```
        edit(id: impl AsRef<str>, body: &str) {"type": "edit", "edit": {
            "original_message_id": id.as_ref(), "message": {"type": "text", "text": {"body": body}}
        }}
    }

    "webhooks/reference/messages/revoke" MESSAGE -> MessageReceived {
        /// Creates the deletion of a message.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::revoke("wamid.A").event();
        /// assert_eq!(event.message.body(), "[Deleted]");
        /// ```
        revoke(id: impl AsRef<str>) {"type": "revoke", "revoke": {
            "original_message_id": id.as_ref()
        }}
    }

    "webhooks/reference/messages/unsupported" MESSAGE -> MessageReceived {
        /// Creates a message that WhatsApp does not forward to businesses, of a type such as
        /// `poll_creation`.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::unsupported("poll_creation").event();
        /// assert_eq!(event.message.errors[0].code.as_ref().unwrap(), "131051");
        /// ```
        unsupported(kind: &str) {
            "type": "unsupported", "unsupported": {"type": kind},
            "errors": [{
                "code": 131_051, "title": "Message type unknown", "message": "Message type unknown",
                "error_data": {"details": "Message type is currently not supported."}
            }]
        }
    }

    "webhooks/reference/messages" MESSAGE -> MessageReceived {
        /// Creates the first opening of a chat, an item of older API versions.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::request_welcome().event();
        /// assert_eq!(event.message.message_type(), "request_welcome");
        /// ```
        request_welcome() {"type": "request_welcome"}

        /// Creates a message of any type, by the `type` and the member of that name.
        ///
        /// ```
        /// use serde_json::json;
        /// use whatsapp_signals::testing;
        ///
        /// let text = json!({"body": "https://example.com", "preview_url": true});
        /// let event = testing::message("text", text).event();
        /// assert_eq!(event.message.text(), Some("https://example.com"));
        /// ```
        message(kind: &str, content: impl Into<Value>) {"type": kind, kind: Into::<Value>::into(content)}
    }

    "webhooks/reference/history" MESSAGE -> MessageReceived {
        /// Creates a file of an old conversation, which has a separate webhook;
        /// [`historic`](Sample::historic) puts it into the field `history`.
        ///
        /// ```
        /// let event = whatsapp_signals::testing::media_placeholder().historic().event();
        /// assert_eq!(event.message.body(), "[Media]");
        /// ```
        media_placeholder() {"type": "media_placeholder"}
    }
}

/// Creates the answers of a submitted flow: a map, a struct or a JSON object.
///
/// The webhook fires two events: [`event`](Sample::event) returns the message, and that of
/// [`flow`](Sample::flow) the submitted flow.
///
/// Meta's page: [receive flow response](https://developers.facebook.com/docs/whatsapp/flows/guides/receiveflowresponse).
///
/// ```
/// use serde_json::json;
/// use whatsapp_signals::testing;
///
/// let reply = testing::flow_reply(&json!({"flow_token": "booking-1", "bikes": 2}));
/// let names: Vec<_> = reply.webhook().iter().map(|event| event.name()).collect();
/// assert_eq!(names, ["message_received", "flow_completed"]);
/// assert_eq!(reply.flow().event().response.flow_token.unwrap(), "booking-1");
/// ```
///
/// # Panics
///
/// If the answers have no JSON. The terminal method panics if they are no JSON object.
#[track_caller]
pub fn flow_reply(answers: &(impl Serialize + ?Sized)) -> Sample<MessageReceived> {
    let answers = match serde_json::to_string(answers) {
        Ok(answers) => answers,
        Err(error) => panic!("the answers have no JSON: {error}"),
    };
    let reply = json!({"name": "flow", "body": "Sent", "response_json": answers});
    message(
        "interactive",
        json!({"type": "nfm_reply", "nfm_reply": reply}),
    )
}
