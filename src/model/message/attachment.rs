//! Media, locations, contact cards and orders.

use crate::json::object::json_object;
use crate::model::{CatalogId, MediaId, ProductRetailerId, WaId};

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
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct Media {
    /// The id for the download.
    pub id: Option<MediaId>,
    /// The MIME type, possibly with parameters.
    pub mime_type: Option<Box<str>>,
    /// The SHA-256 of the file, in base64.
    pub sha256: Option<Box<str>>,
    /// The address for a download with your token, valid for some minutes. Since late 2025.
    pub url: Option<Box<str>>,
    /// The address of an outbound file without an id.
    pub link: Option<Box<str>>,
    /// The caption of an image, video or document.
    pub caption: Option<Box<str>>,
    /// The file name of a document.
    pub filename: Option<Box<str>>,
    /// Whether the audio is a voice message.
    pub voice: Option<bool>,
    /// Whether the sticker is animated.
    pub animated: Option<bool>,
}

impl Media {
    /// Returns the MIME type without its parameters.
    #[must_use]
    pub fn media_type(&self) -> Option<&str> {
        self.mime_type.as_deref()?.split(';').next().map(str::trim)
    }
}

/// `location`: a point on the map.
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
#[json_object]
#[derive(Default)]
pub struct Location {
    /// The latitude in degrees, north positive.
    pub latitude: f64,
    /// The longitude in degrees, east positive.
    pub longitude: f64,
    /// The name of the location.
    pub name: Option<Box<str>>,
    /// The address of the location.
    pub address: Option<Box<str>>,
    /// The web site of the location.
    pub url: Option<Box<str>>,
}

/// One card of a `contacts` message.
///
/// All members are optional: a card may consist of a name and a phone number, or of a
/// [`vcard`](Self::vcard) alone.
///
/// ```json
/// {"name": {"formatted_name": "Barbara J. Johnson", "first_name": "Barbara"},
///  "phones": [{"phone": "+1 555-010-0829", "wa_id": "15550100829", "type": "MOBILE"}]}
/// ```
///
/// Meta's page: [contacts messages](https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/messages/contacts).
///
/// ```
/// use whatsapp_signals::model::ContactCard;
///
/// let card: ContactCard = serde_json::from_str(
///     r#"{"name": {"formatted_name": "Bram de Wit", "first_name": "Bram"},
///         "org": {"company": "Rainproof Panniers"},
///         "emails": [{"email": "bram@dewit.example", "type": "HOME"}],
///         "phones": [{"phone": "+1 555 010 1661"},
///                    {"phone": "+1 555 010 1660", "wa_id": "15550101660"}]}"#,
/// )?;
/// assert_eq!(card.name.unwrap().first_name.as_deref(), Some("Bram"));
/// assert_eq!(card.emails[0].email.as_deref(), Some("bram@dewit.example"));
/// let on_whatsapp = card.phones.iter().find_map(|phone| phone.wa_id.as_ref());
/// assert_eq!(on_whatsapp.unwrap(), "15550101660");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct ContactCard {
    /// The name.
    pub name: Option<CardName>,
    /// The whole card as a vCard text.
    pub vcard: Option<Box<str>>,
    /// The phone numbers.
    pub phones: Vec<CardPhone>,
    /// The email addresses.
    pub emails: Vec<CardEmail>,
    /// The postal addresses.
    pub addresses: Vec<CardAddress>,
    /// The web sites.
    pub urls: Vec<CardUrl>,
    /// The workplace.
    pub org: Option<CardOrg>,
    /// The birthday, usually `YYYY-MM-DD`.
    pub birthday: Option<Box<str>>,
}

/// The name on a card.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct CardName {
    /// The formatted name.
    pub formatted_name: Option<Box<str>>,
    /// First name.
    pub first_name: Option<Box<str>>,
    /// Middle name.
    pub middle_name: Option<Box<str>>,
    /// Last name.
    pub last_name: Option<Box<str>>,
    /// The prefix: `Dr.`
    pub prefix: Option<Box<str>>,
    /// The suffix: `Jr.`
    pub suffix: Option<Box<str>>,
}

/// A phone number on a card.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct CardPhone {
    /// The number as on the card.
    pub phone: Option<Box<str>>,
    /// The WhatsApp id of the number, if it has one.
    pub wa_id: Option<WaId>,
    /// `HOME`, `MOBILE`, …
    #[json(rename = "type")]
    pub kind: Option<Box<str>>,
}

/// An email address on a card.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct CardEmail {
    /// The address.
    pub email: Option<Box<str>>,
    /// `HOME`, `WORK`, …
    #[json(rename = "type")]
    pub kind: Option<Box<str>>,
}

/// A postal address on a card.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct CardAddress {
    /// Street and number.
    pub street: Option<Box<str>>,
    /// City.
    pub city: Option<Box<str>>,
    /// State or province.
    pub state: Option<Box<str>>,
    /// Postal code.
    pub zip: Option<Box<str>>,
    /// Country.
    pub country: Option<Box<str>>,
    /// Country, a two-letter code.
    pub country_code: Option<Box<str>>,
    /// `HOME`, `WORK`, …
    #[json(rename = "type")]
    pub kind: Option<Box<str>>,
}

/// A web site on a card.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct CardUrl {
    /// The address.
    pub url: Option<Box<str>>,
    /// `HOME`, `WORK`, …
    #[json(rename = "type")]
    pub kind: Option<Box<str>>,
}

/// The workplace on a card.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct CardOrg {
    /// The name of the company.
    pub company: Option<Box<str>>,
    /// The department.
    pub department: Option<Box<str>>,
    /// The title of the person.
    pub title: Option<Box<str>>,
}

/// `order`: a shopping cart.
///
/// ```json
/// {"catalog_id": "194836987003835", "text": "For Friday, please",
///  "product_items": [{"product_retailer_id": "bell-7", "quantity": 2,
///                     "item_price": 9.5, "currency": "USD"}]}
/// ```
///
/// ```
/// use whatsapp_signals::model::Order;
///
/// let order: Order = serde_json::from_str(
///     r#"{"product_items": [{"quantity": "2", "item_price": "9.5", "currency": "USD"}]}"#,
/// )?;
/// let item = &order.product_items[0];
/// assert_eq!((item.quantity, item.item_price), (Some(2), Some(9.5)));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[json_object]
#[derive(Default)]
pub struct Order {
    /// The catalog of the products.
    pub catalog_id: Option<CatalogId>,
    /// The text of the user.
    pub text: Option<Box<str>>,
    /// The products.
    pub product_items: Vec<ProductItem>,
}

/// One line of an [`Order`].
#[json_object]
#[derive(Default)]
pub struct ProductItem {
    /// Your id of the product.
    pub product_retailer_id: Option<ProductRetailerId>,
    /// The quantity.
    pub quantity: Option<u64>,
    /// The price of one piece, in units of the currency.
    pub item_price: Option<f64>,
    /// The ISO 4217 code of the currency.
    pub currency: Option<Box<str>>,
}
