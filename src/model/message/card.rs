//! Contact cards that users share.

use serde::{Deserialize, Serialize};

use crate::model::WaId;

/// One card of a `contacts` message.
///
/// Everything is optional: a card may consist of a name and a phone, or of a
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
/// let card: ContactCard = serde_json::from_str(r#"{"phones": [{"phone": "+1 555-010-0829"}]}"#)?;
/// assert_eq!(card.phones[0].phone.as_deref(), Some("+1 555-010-0829"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct ContactCard {
    /// What they are called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<CardName>,
    /// The whole card as a vCard text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vcard: Option<Box<str>>,
    /// Their telephone numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<CardPhone>,
    /// Their mail addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<CardEmail>,
    /// Where they live and work.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<CardAddress>,
    /// Their web sites.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<CardUrl>,
    /// Where they work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org: Option<CardOrg>,
    /// As the card has it, usually `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birthday: Option<Box<str>>,
}

/// Declares the parts of a card: structs of optional texts.
macro_rules! parts {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty $(= $wire:literal)?,)+ })+) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        #[serde(default)]
        pub struct $name { $(
            $(#[$field_doc])*
            #[serde($(rename = $wire,)? skip_serializing_if = "Option::is_none")]
            pub $field: Option<$type>,
        )+ }
    )+ };
}

parts! {
    /// The name on a card.
    CardName {
        /// As it is shown.
        formatted_name: Box<str>,
        /// First name.
        first_name: Box<str>,
        /// Middle name.
        middle_name: Box<str>,
        /// Last name.
        last_name: Box<str>,
        /// `Dr.`
        prefix: Box<str>,
        /// `Jr.`
        suffix: Box<str>,
    }

    /// A telephone number on a card.
    CardPhone {
        /// As the card has it.
        phone: Box<str>,
        /// The same as WhatsApp knows it, when it does.
        wa_id: WaId,
        /// `HOME`, `MOBILE`, …
        kind: Box<str> = "type",
    }

    /// A mail address on a card.
    CardEmail {
        /// The address.
        email: Box<str>,
        /// `HOME`, `WORK`, …
        kind: Box<str> = "type",
    }

    /// A postal address on a card.
    CardAddress {
        /// Street and number.
        street: Box<str>,
        /// City.
        city: Box<str>,
        /// State or province.
        state: Box<str>,
        /// Postal code.
        zip: Box<str>,
        /// Country.
        country: Box<str>,
        /// Country, in two letters.
        country_code: Box<str>,
        /// `HOME`, `WORK`, …
        kind: Box<str> = "type",
    }

    /// A web site on a card.
    CardUrl {
        /// Its address.
        url: Box<str>,
        /// `HOME`, `WORK`, …
        kind: Box<str> = "type",
    }

    /// The workplace on a card.
    CardOrg {
        /// Its name.
        company: Box<str>,
        /// Which part of it.
        department: Box<str>,
        /// The person's title there.
        title: Box<str>,
    }
}
