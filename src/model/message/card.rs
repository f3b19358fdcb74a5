//! Contact cards that users share.

use crate::json::object::object;
use crate::model::WaId;

object! {
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
    #[derive(Default, Eq, Hash)]
    pub struct ContactCard {
        /// What they are called.
        pub name: Option<CardName>,
        /// The whole card as a vCard text.
        pub vcard: Option<Box<str>>,
        /// Their telephone numbers.
        pub phones: Vec<CardPhone>,
        /// Their mail addresses.
        pub emails: Vec<CardEmail>,
        /// Where they live and work.
        pub addresses: Vec<CardAddress>,
        /// Their web sites.
        pub urls: Vec<CardUrl>,
        /// Where they work.
        pub org: Option<CardOrg>,
        /// As the card has it, usually `YYYY-MM-DD`.
        pub birthday: Option<Box<str>>,
    }
}

object! {
    /// The name on a card.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::ContactCard;
    ///
    /// let card: ContactCard = serde_json::from_str(
    ///     r#"{"name": {"formatted_name": "Dr. Tomas Vesely", "first_name": "Tomas", "prefix": "Dr."}}"#,
    /// )?;
    /// let name = card.name.unwrap_or_default();
    /// assert_eq!(name.first_name.as_deref(), Some("Tomas"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct CardName {
        /// As it is shown.
        pub formatted_name: Option<Box<str>>,
        /// First name.
        pub first_name: Option<Box<str>>,
        /// Middle name.
        pub middle_name: Option<Box<str>>,
        /// Last name.
        pub last_name: Option<Box<str>>,
        /// `Dr.`
        pub prefix: Option<Box<str>>,
        /// `Jr.`
        pub suffix: Option<Box<str>>,
    }
}

object! {
    /// A telephone number on a card.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::ContactCard;
    ///
    /// let card: ContactCard = serde_json::from_str(
    ///     r#"{"phones": [{"phone": "+1 555 010 1661"}, {"phone": "+1 555 010 1660", "wa_id": "15550101660"}]}"#,
    /// )?;
    /// let on_whatsapp = card.phones.iter().find_map(|phone| phone.wa_id.as_ref());
    /// assert_eq!(on_whatsapp.unwrap(), "15550101660");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct CardPhone {
        /// As the card has it.
        pub phone: Option<Box<str>>,
        /// The same as WhatsApp knows it, when it does.
        pub wa_id: Option<WaId>,
        /// `HOME`, `MOBILE`, …
        pub kind = "type": Option<Box<str>>,
    }
}

object! {
    /// A mail address on a card.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::ContactCard;
    ///
    /// let card: ContactCard = serde_json::from_str(
    ///     r#"{"emails": [{"email": "tomas@vesely-home.example", "type": "HOME"}]}"#,
    /// )?;
    /// assert_eq!(card.emails[0].email.as_deref(), Some("tomas@vesely-home.example"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct CardEmail {
        /// The address.
        pub email: Option<Box<str>>,
        /// `HOME`, `WORK`, …
        pub kind = "type": Option<Box<str>>,
    }
}

object! {
    /// A postal address on a card.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::ContactCard;
    ///
    /// let card: ContactCard = serde_json::from_str(
    ///     r#"{"addresses": [{"street": "80 Sprocket Row", "city": "Brookhaven", "type": "WORK"}]}"#,
    /// )?;
    /// let work = card.addresses.iter().find(|place| place.kind.as_deref() == Some("WORK"));
    /// assert_eq!(work.unwrap().street.as_deref(), Some("80 Sprocket Row"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
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
        /// Country, in two letters.
        pub country_code: Option<Box<str>>,
        /// `HOME`, `WORK`, …
        pub kind = "type": Option<Box<str>>,
    }
}

object! {
    /// A web site on a card.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::ContactCard;
    ///
    /// let card: ContactCard =
    ///     serde_json::from_str(r#"{"urls": [{"url": "https://vesely-home.example/"}]}"#)?;
    /// assert_eq!(card.urls[0].url.as_deref(), Some("https://vesely-home.example/"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct CardUrl {
        /// Its address.
        pub url: Option<Box<str>>,
        /// `HOME`, `WORK`, …
        pub kind = "type": Option<Box<str>>,
    }
}

object! {
    /// The workplace on a card.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::ContactCard;
    ///
    /// let card: ContactCard = serde_json::from_str(
    ///     r#"{"org": {"company": "Rainproof Panniers", "title": "Pattern maker"}}"#,
    /// )?;
    /// assert_eq!(card.org.unwrap().company.as_deref(), Some("Rainproof Panniers"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct CardOrg {
        /// Its name.
        pub company: Option<Box<str>>,
        /// Which part of it.
        pub department: Option<Box<str>>,
        /// The person's title there.
        pub title: Option<Box<str>>,
    }
}
