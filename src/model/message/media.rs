//! Files and places.

use serde::{Deserialize, Serialize};

use crate::model::{MediaId, scalar};

/// `image`, `audio`, `video`, `document`, `sticker`: a file.
///
/// ```json
/// {"id": "1003383421387256", "mime_type": "image/jpeg", "sha256": "SfInY0g…",
///  "url": "https://…", "caption": "The new gears"}
/// ```
///
/// ```
/// use whatsapp_signals::model::Media;
///
/// let media: Media = serde_json::from_str(r#"{"id": 42, "mime_type": "audio/ogg; codecs=opus"}"#)?;
/// assert_eq!(media.id.as_ref().unwrap(), "42");
/// assert_eq!(media.media_type(), Some("audio/ogg"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Media {
    /// With which it is downloaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<MediaId>,
    /// Its MIME type, perhaps with parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<Box<str>>,
    /// Of the file, in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Box<str>>,
    /// Where it can be fetched with your token, for some minutes. Since late
    /// 2025.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<Box<str>>,
    /// What the user wrote under an image, video or document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caption: Option<Box<str>>,
    /// The name of a document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<Box<str>>,
    /// Whether an audio was recorded in the chat.
    #[serde(
        deserialize_with = "scalar::parsed_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub voice: Option<bool>,
    /// Whether a sticker moves.
    #[serde(
        deserialize_with = "scalar::parsed_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub animated: Option<bool>,
}

impl Media {
    /// The MIME type without its parameters.
    #[must_use]
    pub fn media_type(&self) -> Option<&str> {
        self.mime_type.as_deref()?.split(';').next().map(str::trim)
    }
}

/// `location`: a place.
///
/// ```json
/// {"latitude": 37.44, "longitude": -122.16, "name": "Juniper Yard", "address": "…"}
/// ```
///
/// ```
/// use whatsapp_signals::model::Location;
///
/// let pin: Location = serde_json::from_str(r#"{"latitude": "37.5", "longitude": -122}"#)?;
/// assert_eq!((pin.latitude, pin.longitude), (37.5, -122.0));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Location {
    /// In degrees, north positive.
    #[serde(deserialize_with = "scalar::fraction")]
    pub latitude: f64,
    /// In degrees, east positive.
    #[serde(deserialize_with = "scalar::fraction")]
    pub longitude: f64,
    /// What the place is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Box<str>>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Box<str>>,
    /// Its web site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Box<str>>,
}
