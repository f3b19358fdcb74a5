use crate::model::text_enum::text_enum;

text_enum! {
    /// How many users you may write to in a day.
    ///
    /// Meta writes a tier in some versions and a number in others;
    /// [`messages`](Self::messages) reads both.
    ///
    /// ```
    /// use whatsapp_signals::event::MessagingLimit;
    ///
    /// let tier: MessagingLimit = serde_json::from_str(r#""TIER_10K""#)?;
    /// assert_eq!(tier.messages(), Some(10_000));
    /// let number: MessagingLimit = serde_json::from_str("2000")?;
    /// assert_eq!(number.messages(), Some(2_000));
    /// let unlimited: MessagingLimit = serde_json::from_str("-1")?;
    /// assert!(unlimited.is_unlimited());
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub enum MessagingLimit {
        /// Nothing was sent yet.
        NotSet = "TIER_NOT_SET",
        /// 50.
        Tier50 = "TIER_50",
        /// 250.
        Tier250 = "TIER_250",
        /// 1,000.
        Tier1K = "TIER_1K",
        /// 2,000.
        Tier2K = "TIER_2K",
        /// 10,000.
        Tier10K = "TIER_10K",
        /// 100,000.
        Tier100K = "TIER_100K",
        /// As many as you like.
        Unlimited = "TIER_UNLIMITED" | "-1",
    }
}

impl MessagingLimit {
    /// The limit as a number; `None` when there is no limit or it is not
    /// known.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::MessagingLimit;
    ///
    /// assert_eq!(MessagingLimit::Tier1K.messages(), Some(1_000));
    /// assert_eq!(MessagingLimit::from("3500").messages(), Some(3_500));
    /// assert_eq!(MessagingLimit::Unlimited.messages(), None);
    /// ```
    #[must_use]
    pub fn messages(&self) -> Option<u64> {
        match self {
            Self::NotSet | Self::Unlimited => None,
            Self::Tier50 => Some(50),
            Self::Tier250 => Some(250),
            Self::Tier1K => Some(1_000),
            Self::Tier2K => Some(2_000),
            Self::Tier10K => Some(10_000),
            Self::Tier100K => Some(100_000),
            Self::Other(number) => number.parse().ok(),
        }
    }

    /// Whether there is no limit.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::MessagingLimit;
    ///
    /// assert!(MessagingLimit::from("TIER_UNLIMITED").is_unlimited());
    /// assert!(!MessagingLimit::NotSet.is_unlimited());
    /// ```
    #[must_use]
    pub fn is_unlimited(&self) -> bool {
        *self == Self::Unlimited
    }
}
