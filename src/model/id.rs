//! Identifiers: one newtype each, so that a phone number id cannot be passed as a phone number.

use std::borrow::Cow;
use std::ops::Deref;

use crate::json::Fault;
use crate::json::object::{FromNode, Lenient};
use crate::json::scalar::{id, is_id};

/// Declares newtypes over strings. A JSON integer becomes its digits.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)+) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Box<str>);

        impl $name {
            /// Returns the id as text, exactly as Meta wrote it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            #[inline]
            fn from(id: &str) -> Self {
                Self(id.into())
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self(id.into())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.into()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                &*self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                &*self.0 == *other
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::json::scalar::id(deserializer, |id| Self::from(id))
            }
        }

        $crate::json::object::text_member! {
            $name,
            serde::Deserialize::deserialize,
            |id| $crate::json::scalar::is_id(id).then(|| Self::from(id))
        }
    )+ };
}

ids! {
    /// The id of a message, a *wamid*: `wamid.HBgL…`. Voicemails have one that
    /// starts with `wacid.`.
    ///
    /// ```
    /// use whatsapp_signals::model::MessageId;
    ///
    /// let wamid = MessageId::from("wamid.HBgLMTU1");
    /// assert_eq!(wamid, "wamid.HBgLMTU1");
    /// ```
    MessageId;

    /// The id of a media file at Meta, with which it is downloaded.
    ///
    /// ```
    /// use whatsapp_signals::model::MediaId;
    ///
    /// let from_number: MediaId = serde_json::from_str("1003383421387256")?;
    /// assert_eq!(from_number, "1003383421387256");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    MediaId;

    /// The id of one of your business numbers (not the number itself).
    PhoneNumberId;

    /// The id of a WhatsApp Business Account, which Meta calls a *Messaging
    /// account* since the second half of 2026. One business number may belong to
    /// several of these.
    WabaId;

    /// A user's phone number as WhatsApp knows it, in digits only.
    ///
    /// The text is as Meta wrote it. In Mexico, Argentina and Brazil it differs from the dialed
    /// number, and every rule to convert it has exceptions. In Meta's response to an outbound
    /// message it is the `wa_id`, never the `input`.
    /// [`Identity::from_phone`](crate::model::Identity::from_phone) accepts formatted numbers.
    WaId;

    /// A business-scoped user id (BSUID), `US.13491208655302741918`, which identifies a user
    /// without a phone number.
    UserId;

    /// The id of a group conversation.
    GroupId;

    /// The id of an in-app signup, the last part of its deep link.
    SignupId;

    /// Your own id of a campaign.
    CampaignId;

    /// The token that your code put into a flow message, and gets back.
    FlowToken;

    /// The id of a product catalog at Meta.
    CatalogId;

    /// Your own id of a product, its SKU; Meta calls it the retailer's id.
    ProductRetailerId;

    /// Your own id of a payable order.
    ReferenceId;

    /// A payment provider's id of a transaction.
    TransactionId;

    /// The id of a conversation that messages are billed under.
    ConversationId;

    /// The id of an advertisement or post.
    SourceId;

    /// Meta's internal id of a sender or recipient.
    LogicalId;

    /// The id of a call: `wacid.…`.
    CallId;

    /// The id of a message template.
    TemplateId;

    /// The id of a flow, a form that users fill in.
    FlowId;

    /// The id of a business portfolio, above its WhatsApp Business Accounts.
    BusinessId;

    /// The id of an app at Meta.
    AppId;

    /// The id of a solution that several partners offer together.
    SolutionId;

    /// The code of one of Meta's errors. A number, except on some group pages.
    ///
    /// See [Meta's list of error codes](https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes).
    ///
    /// ```
    /// use whatsapp_signals::model::ErrorCode;
    ///
    /// assert_eq!(ErrorCode::from("131026").as_u32(), Some(131_026));
    /// ```
    ErrorCode;
}

impl ErrorCode {
    /// Returns the code as a number, if numeric.
    #[must_use]
    pub fn as_u32(&self) -> Option<u32> {
        self.0.parse().ok()
    }
}

/// An id in the body, copied only if it has escapes or is a number.
///
/// Not a plain `Cow`: other texts than ids may be longer, and may contain U+FFFD.
#[derive(Clone)]
pub(crate) struct IdText<'a>(Cow<'a, str>);

impl<'a> FromNode<'a> for IdText<'a> {
    #[inline]
    fn read_into(slot: &mut Option<Self>, json: Lenient<'_, 'a>) -> Result<(), Fault> {
        *slot = Some(match json.plain_text() {
            Some(text) if is_id(text) => Self(Cow::Borrowed(text)),
            Some(_) => return Err(Fault::Malformed),
            None => id(json, |id| Self(Cow::Owned(id.to_owned())))?,
        });
        Ok(())
    }
}

impl<'a> From<&'a str> for IdText<'a> {
    fn from(id: &'a str) -> Self {
        Self(Cow::Borrowed(id))
    }
}

impl Deref for IdText<'_> {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        &self.0
    }
}
