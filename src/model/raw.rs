//! The raw JSON of an event.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// The JSON text of the item that an event was made from, byte for byte.
///
/// New members of Meta's are available here before a type has them. All events of a webhook share
/// one copy of its body, so a clone is cheap, and one event keeps the whole body (at most 4 MiB) in
/// memory.
///
/// It serializes as a string, so that every format keeps the text unchanged.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::model::RawJson;
///
/// #[derive(serde::Deserialize)]
/// struct Tomorrow { shiny: u32 }
///
/// let raw = RawJson::new(r#"{"type":"text", "shiny": 7}"#)?;
/// assert_eq!(raw.parse::<Tomorrow>()?.shiny, 7);
/// assert_eq!(raw.as_str(), r#"{"type":"text", "shiny": 7}"#);
/// assert!(RawJson::new(r#"{"type": "#).is_err());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone)]
pub struct RawJson {
    body: Arc<str>,
    item: Range<usize>,
}

impl RawJson {
    /// Creates a value from a JSON text.
    ///
    /// # Errors
    ///
    /// When the text is not one JSON value.
    pub fn new(json: &str) -> serde_json::Result<Self> {
        let raw: &RawValue = serde_json::from_str(json)?;
        Ok(Self::whole(raw.get().into()))
    }

    /// Returns `null`.
    pub(crate) fn null() -> Self {
        Self::whole("null".into())
    }

    /// Creates a value from a text that is known to be JSON.
    fn whole(body: Arc<str>) -> Self {
        let item = 0..body.len();
        Self { body, item }
    }

    /// Returns the part of a webhook's body with an item.
    #[inline]
    pub(crate) fn part_of(body: &Arc<str>, item: Range<usize>) -> Self {
        debug_assert!(
            body.get(item.clone()).is_some(),
            "an item lies within its body"
        );
        Self {
            body: Arc::clone(body),
            item,
        }
    }

    /// Returns a copy without the body of the webhook.
    pub(crate) fn detached(&self) -> Self {
        Self::whole(self.as_str().into())
    }

    /// Returns the text of the item.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.body[self.item.clone()]
    }

    /// Returns the body of the item's webhook; after serialization of the event, the text of the
    /// item.
    ///
    /// The body contains the members beside the items, such as a new member of `entry` or of a
    /// change.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let body = &std::fs::read_to_string("tests/payloads/text.json")?;
    /// let webhook = whatsapp_signals::parse(body.as_bytes())?;
    /// let [WebhookEvent::MessageReceived(event)] = webhook.events() else { panic!("a message") };
    /// assert_eq!(event.raw.body(), body);
    /// assert!(event.raw.as_str().len() < body.len());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Parses the item as your own type, which may borrow from it.
    ///
    /// # Errors
    ///
    /// When the item does not match the type. The error's text may quote the item.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::RawJson;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Colour<'a> { frame: &'a str }
    ///
    /// let raw = RawJson::new(r#"{"frame": "mint green"}"#)?;
    /// assert_eq!(raw.parse::<Colour>()?.frame, "mint green");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn parse<'a, T: Deserialize<'a>>(&'a self) -> serde_json::Result<T> {
        serde_json::from_str(self.as_str())
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawJson({} bytes)", self.item.len())
    }
}

impl PartialEq for RawJson {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for RawJson {}

impl Hash for RawJson {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for RawJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        Self::new(&text).map_err(|_| serde::de::Error::custom("expected the text of a JSON value"))
    }
}
