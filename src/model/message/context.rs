//! The context of a message: its reply target, and the advertisement or post before it.

use crate::json::object::json_object;
use crate::model::{CatalogId, MediaId, MessageId, ProductRetailerId, SourceId, WaId};

/// The reply target of a message, or the mark of a forwarded one.
///
/// A reply has `from` and `id`; a forwarded message has neither; a question about a product has
/// `from`, `id` and `referred_product`.
///
/// ```json
/// {"from": "15550100200", "id": "wamid.HBgL…"}
/// {"forwarded": true}
/// {"from": "15550100200", "id": "wamid.HBgL…",
///  "referred_product": {"catalog_id": "194", "product_retailer_id": "bell-7"}}
/// ```
///
/// ```
/// use whatsapp_signals::model::MessageContext;
///
/// let forwarded: MessageContext = serde_json::from_str(r#"{"frequently_forwarded": true}"#)?;
/// assert!(forwarded.is_forwarded());
/// assert_eq!(forwarded.id, None);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct MessageContext {
    /// The sender of the reply target.
    pub from: Option<WaId>,
    /// The reply target.
    pub id: Option<MessageId>,
    /// The message was forwarded.
    pub forwarded: Option<bool>,
    /// The message was forwarded more than five times.
    pub frequently_forwarded: Option<bool>,
    /// The product of the question.
    pub referred_product: Option<ReferredProduct>,
}

impl MessageContext {
    /// Returns whether the message was forwarded, once or often.
    #[must_use]
    pub fn is_forwarded(&self) -> bool {
        self.forwarded == Some(true) || self.frequently_forwarded == Some(true)
    }
}

/// A product of your catalog.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::event::WebhookEvent;
///
/// let body = &std::fs::read("tests/payloads/text-product-enquiry.json")?;
/// let webhook = whatsapp_signals::parse(body)?;
/// let [WebhookEvent::MessageReceived(event)] = webhook.events() else { panic!("a message") };
/// let product = event.message.context.as_ref().and_then(|of| of.referred_product.as_ref());
/// let id = product.and_then(|product| product.product_retailer_id.as_ref());
/// assert_eq!(id.unwrap(), "jy-pedal-flat-08");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct ReferredProduct {
    /// The catalog.
    pub catalog_id: Option<CatalogId>,
    /// Your id of the product.
    pub product_retailer_id: Option<ProductRetailerId>,
}

/// The advertisement or post that led the user to the conversation.
///
/// ```json
/// {"source_url": "https://fb.me/…", "source_id": "120226305854810726", "source_type": "ad",
///  "headline": "Chat with us", "body": "Spring tune-up", "media_type": "image",
///  "image_url": "https://…", "ctwa_clid": "Aff-n8…", "ref": "spring"}
/// ```
///
/// ```
/// use whatsapp_signals::event::WebhookEvent;
///
/// let body = &std::fs::read("tests/payloads/text-from-ad.json")?;
/// let webhook = whatsapp_signals::parse(body)?;
/// let [WebhookEvent::MessageReceived(event)] = webhook.events() else { panic!("a message") };
/// let ad = event.message.referral.as_ref().unwrap();
/// assert_eq!(ad.source_type.as_deref(), Some("ad"));
/// assert_eq!(ad.reference.as_deref(), Some("tune-up-week-poster"));
/// let greeting = ad.welcome_message.as_ref().and_then(|message| message.text.as_deref());
/// assert!(greeting.unwrap().starts_with("Welcome to Juniper Yard."));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct Referral {
    /// The address of the advertisement or post.
    pub source_url: Option<Box<str>>,
    /// The id of the advertisement or post.
    pub source_id: Option<SourceId>,
    /// `ad` or `post`.
    pub source_type: Option<Box<str>>,
    /// The headline.
    pub headline: Option<Box<str>>,
    /// The text.
    pub body: Option<Box<str>>,
    /// `image` or `video`.
    pub media_type: Option<Box<str>>,
    /// The image.
    pub image_url: Option<Box<str>>,
    /// The image as a media file, in older webhooks.
    pub image: Option<ReferralImage>,
    /// The video.
    pub video_url: Option<Box<str>>,
    /// The preview image of the video.
    pub thumbnail_url: Option<Box<str>>,
    /// The click, for Meta's Conversions API. Missing for advertisements in
    /// WhatsApp's status.
    pub ctwa_clid: Option<Box<str>>,
    /// Your reference in the link.
    #[json(rename = "ref")]
    pub reference: Option<Box<str>>,
    /// The greeting of the advertisement.
    pub welcome_message: Option<WelcomeMessage>,
}

/// The image of an advertisement, as a media file.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct ReferralImage {
    /// Id of the file.
    pub id: Option<MediaId>,
}

/// The greeting of an advertisement.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct WelcomeMessage {
    /// The text of the greeting.
    pub text: Option<Box<str>>,
}
