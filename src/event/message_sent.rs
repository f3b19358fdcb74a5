use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Keys;
use crate::model::{Account, Identity, Message};

/// You sent a message, and Meta accepted it.
///
/// Your code fires this one: sending is not this crate's business.
///
/// # Examples
///
/// ```standalone_crate
/// use whatsapp_signals::event::MessageSent;
/// use whatsapp_signals::model::{Account, Content, Identity, Message};
/// use whatsapp_signals::{receiver, signals::MESSAGE_SENT};
///
/// #[receiver(MESSAGE_SENT)]
/// fn log(event: &MessageSent) {
///     assert_eq!(event.message.id, "wamid.HBgL");
/// }
///
/// # fn main() -> Result<(), whatsapp_signals::Failure> {
/// let ada = Identity::from_phone("15550101001").unwrap();
/// let message = Message::outbound("wamid.HBgL", ada, Content::text("Your bike is ready")).build();
/// let account = Account::new("102290129340398").with_number("106540352242922", "15550783881");
/// let report = MESSAGE_SENT.send(&MessageSent::new(message).with_account(account))?;
/// assert_eq!(report.called(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct MessageSent {
    /// The message.
    pub message: Message,
    /// The number that it was sent from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
}

impl MessageSent {
    /// The event for this message.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::MessageSent;
    /// use whatsapp_signals::model::{Content, Identity, Message};
    ///
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// let event = MessageSent::new(Message::outbound("wamid.A", ada, Content::text("Hello")).build());
    /// assert_eq!((event.message.body(), event.account), ("Hello", None));
    /// ```
    #[must_use]
    pub fn new(message: Message) -> Self {
        Self {
            message,
            account: None,
        }
    }

    /// The same event with the number that the message was sent from.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::MessageSent;
    /// use whatsapp_signals::model::{Account, Content, Identity, Message};
    ///
    /// let ada = Identity::from_phone("15550101001").unwrap();
    /// let message = Message::outbound("wamid.A", ada, Content::text("Hello")).build();
    /// let event = MessageSent::new(message).with_account(Account::new("900800700600500"));
    /// assert_eq!(event.account.unwrap().waba_id.unwrap(), "900800700600500");
    /// ```
    #[must_use]
    pub fn with_account(mut self, account: Account) -> Self {
        self.account = Some(account);
        self
    }
}

impl Keys for MessageSent {
    fn key(&self) -> String {
        self.message.id.to_string()
    }

    fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    fn user(&self) -> Option<Cow<'_, Identity>> {
        self.message.user.as_ref().map(Cow::Borrowed)
    }
}
