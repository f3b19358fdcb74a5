//! One table makes an enum of Meta's: documented variants, their spelling on
//! the wire, and `Other` for what Meta adds tomorrow.

/// Declares an open string enum. Behind a `|` stands another spelling of Meta's,
/// which is read, and written as the first one.
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
        #[doc = concat!("assert_eq!(tomorrow, ", stringify!($name), "::Other(\"NEW_IN_2031\".into()));")]
        /// assert_eq!(tomorrow.as_str(), "NEW_IN_2031");
        /// ```
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* #[doc = concat!("\n\nOn the wire: `", $text, "`.")] $variant,)+
            /// A value that this version of the crate does not know, as Meta
            /// wrote it.
            Other(Box<str>),
        }

        impl $name {
            /// The spelling on the wire.
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
                    other => Self::Other(other.into()),
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
