//! Open string enums, each declared by a table: the documented variants with their spellings, and
//! `Other` for values that Meta adds later.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

/// Declares an open string enum. A `|` separates further spellings, which are parsed, and
/// serialized as the first one.
///
/// Only `From<&str>` creates `Other`, so it never contains the spelling of another variant.
macro_rules! text_enum {
    (
        $(#[$doc:meta])*
        pub enum $name:ident {
            $($(#[$variant_doc:meta])* $variant:ident = $text:literal $(| $also:literal)*,)+
        }
    ) => {
        $(#[$doc])*
        ///
        /// # Examples
        ///
        /// ```
        /// # use whatsapp_signals::{event::*, model::*};
        #[doc = concat!("let tomorrow = ", stringify!($name), "::from(\"NEW_IN_2031\");")]
        #[doc = concat!("assert!(matches!(tomorrow, ", stringify!($name), "::Other(..)));")]
        /// assert_eq!(tomorrow.as_str(), "NEW_IN_2031");
        /// ```
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* #[doc = concat!("\n\nOn the wire: `", $text, "`.")] $variant,)+
            /// A value that is unknown to this version of the crate, as Meta wrote it.
            ///
            #[doc = concat!("Only `", stringify!($name), "::from` makes it, and never of a ")]
            /// text that has a variant of its own.
            Other($crate::model::OtherText<Self>),
        }

        impl $name {
            /// Returns the spelling on the wire.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            #[inline]
            fn from(text: &str) -> Self {
                match text {
                    $($text $(| $also)* => Self::$variant,)+
                    other => Self::Other($crate::model::OtherText::new(other)),
                }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::from(&*text)
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.as_str() == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.as_str() == *other
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::json::scalar::text(deserializer, |text| Self::from(text))
            }
        }

        $crate::json::object::text_member! {
            $name,
            serde::Deserialize::deserialize,
            |text| Some(Self::from(text))
        }
    };
}

pub(crate) use text_enum;

/// The text of a value for which the enum `E` has no variant.
///
/// There is no constructor, and the type differs for each enum, so `Other` is never a second form
/// of a value with a variant. Convert the text to get the variant or `Other`.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::model::MessageStatus;
///
/// fn label(status: &MessageStatus) -> &str {
///     match status {
///         MessageStatus::Read => "seen",
///         MessageStatus::Other(text) => text,
///         status => status.as_str(),
///     }
/// }
///
/// assert_eq!(label(&MessageStatus::from("read")), "seen");
/// assert_eq!(label(&MessageStatus::from("teleported")), "teleported");
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OtherText<E>(Box<str>, PhantomData<fn() -> E>);

impl<E> OtherText<E> {
    /// Returns the text. Only `From<&str>` of the enum calls it, once no variant matches.
    #[inline]
    pub(crate) fn new(text: &str) -> Self {
        Self(text.into(), PhantomData)
    }
}

impl<E> Deref for OtherText<E> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<E> fmt::Debug for OtherText<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl<E> fmt::Display for OtherText<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
