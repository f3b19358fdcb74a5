//! Where a message comes from: what it answers, and what led the user here.

use serde::{Deserialize, Serialize};

use crate::model::{CatalogId, MessageId, ProductRetailerId, SourceId, WaId, scalar};

/// What a message answers, or that it was forwarded.
///
/// An answer has `from` and `id`; a forwarded message has neither; a question
/// about a product has all three.
///
/// ```json
/// {"from": "15550100200", "id": "wamid.HBgL…"}
/// {"forwarded": true}
/// {"from": "15550100200", "id": "wamid.HBgL…",
///  "referred_product": {"catalog_id": "194", "product_retailer_id": "bell-7"}}
/// ```
///
/// ```
/// use whatsapp_signals::model::Context;
///
/// let forwarded: Context = serde_json::from_str(r#"{"frequently_forwarded": true}"#)?;
/// assert!(forwarded.is_forwarded());
/// assert_eq!(forwarded.id, None);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Context {
    /// Who sent the message that is answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<WaId>,
    /// The message that is answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<MessageId>,
    /// Forwarded.
    #[serde(
        deserialize_with = "scalar::parsed_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub forwarded: Option<bool>,
    /// Forwarded more than five times.
    #[serde(
        deserialize_with = "scalar::parsed_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub frequently_forwarded: Option<bool>,
    /// The product that the user asks about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referred_product: Option<ReferredProduct>,
}

impl Context {
    /// Whether the message was forwarded, often or not.
    #[must_use]
    pub fn is_forwarded(&self) -> bool {
        self.forwarded == Some(true) || self.frequently_forwarded == Some(true)
    }
}

/// A product of your catalog.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct ReferredProduct {
    /// The catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalog_id: Option<CatalogId>,
    /// Your id of the product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_retailer_id: Option<ProductRetailerId>,
}

/// The advertisement or post through which the user came.
///
/// ```json
/// {"source_url": "https://fb.me/…", "source_id": "120226305854810726", "source_type": "ad",
///  "headline": "Chat with us", "body": "Spring tune-up", "media_type": "image",
///  "image_url": "https://…", "ctwa_clid": "Aff-n8…", "ref": "spring"}
/// ```
///
/// ```
/// use whatsapp_signals::model::Referral;
///
/// let ad: Referral = serde_json::from_str(r#"{"source_type": "ad", "ctwa_clid": "Aff"}"#)?;
/// assert_eq!(ad.ctwa_clid.as_deref(), Some("Aff"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Referral {
    /// Where the advertisement or post is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_url: Option<Box<str>>,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_id: Option<SourceId>,
    /// `ad` or `post`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_type: Option<Box<str>>,
    /// Its headline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headline: Option<Box<str>>,
    /// Its text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Box<str>>,
    /// `image` or `video`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<Box<str>>,
    /// Its picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_url: Option<Box<str>>,
    /// Its film.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video_url: Option<Box<str>>,
    /// The picture of its film.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail_url: Option<Box<str>>,
    /// The click, for Meta's Conversions API. Missing for advertisements in
    /// WhatsApp's status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ctwa_clid: Option<Box<str>>,
    /// What you gave the link to know it by.
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<Box<str>>,
    /// The greeting that the user saw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub welcome_message: Option<WelcomeMessage>,
}

/// The greeting of an advertisement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct WelcomeMessage {
    /// Its words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<Box<str>>,
}
