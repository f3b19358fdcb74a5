//! Files and places.

use crate::json::object::object;
use crate::model::MediaId;

object! {
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
    #[derive(Default, Eq, Hash)]
    pub struct Media {
        /// With which it is downloaded.
        pub id: Option<MediaId>,
        /// Its MIME type, perhaps with parameters.
        pub mime_type: Option<Box<str>>,
        /// Of the file, in base64.
        pub sha256: Option<Box<str>>,
        /// Where it can be fetched with your token, for some minutes. Since late
        /// 2025.
        pub url: Option<Box<str>>,
        /// The address that WhatsApp loads a file from that you send without an id.
        pub link: Option<Box<str>>,
        /// What the user wrote under an image, video or document.
        pub caption: Option<Box<str>>,
        /// The name of a document.
        pub filename: Option<Box<str>>,
        /// Whether an audio was recorded in the chat.
        pub voice: Option<bool>,
        /// Whether a sticker moves.
        pub animated: Option<bool>,
    }
}

impl Media {
    /// The MIME type without its parameters.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::Media;
    ///
    /// let mut voice = Media::default();
    /// voice.mime_type = Some("audio/ogg; codecs=opus".into());
    /// assert_eq!(voice.media_type(), Some("audio/ogg"));
    /// ```
    #[must_use]
    pub fn media_type(&self) -> Option<&str> {
        self.mime_type.as_deref()?.split(';').next().map(str::trim)
    }
}

object! {
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
    #[derive(Default)]
    pub struct Location {
        /// In degrees, north positive.
        pub latitude: f64,
        /// In degrees, east positive.
        pub longitude: f64,
        /// What the place is called.
        pub name: Option<Box<str>>,
        /// Where it is.
        pub address: Option<Box<str>>,
        /// Its web site.
        pub url: Option<Box<str>>,
    }
}
