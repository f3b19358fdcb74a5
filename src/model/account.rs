//! The account and business number of an event.

use serde::{Deserialize, Serialize};

use super::{PhoneNumberId, WabaId};

/// The WhatsApp Business Account and business number of an event.
///
/// The members are the webhook's `entry[].id` and `value.metadata`; each may be missing. All events
/// of one change share the account.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::model::Account;
///
/// let account = Account::new("102290129340398").with_number("106540352242922", "15550783881");
/// assert_eq!(account.phone_number_id.unwrap(), "106540352242922");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Account {
    /// The WhatsApp Business Account, by `entry[].id`. In a few account-level
    /// webhooks Meta puts the business portfolio's id here.
    ///
    /// Since the second half of 2026 it is the id of a *Messaging account*, and
    /// one business number may belong to several of these. Identify a number by
    /// [`phone_number_id`](Self::phone_number_id) alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waba_id: Option<WabaId>,
    /// The id of the business number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_number_id: Option<PhoneNumberId>,
    /// The business number, formatted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_phone_number: Option<Box<str>>,
}

impl Account {
    /// Returns the account of an event that names no account.
    pub(crate) const fn none() -> Self {
        Self {
            waba_id: None,
            phone_number_id: None,
            display_phone_number: None,
        }
    }

    /// Returns an account without a number.
    #[must_use]
    pub fn new(waba_id: impl Into<WabaId>) -> Self {
        Self {
            waba_id: Some(waba_id.into()),
            ..Self::default()
        }
    }

    /// Sets the business number.
    #[must_use]
    pub fn with_number(
        mut self,
        phone_number_id: impl Into<PhoneNumberId>,
        display_phone_number: impl Into<Box<str>>,
    ) -> Self {
        self.phone_number_id = Some(phone_number_id.into());
        self.display_phone_number = Some(display_phone_number.into());
        self
    }
}
