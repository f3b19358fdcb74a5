//! Where in an old conversation a message stands.

use super::text_enum::text_enum;
use crate::json::object::object;

object! {
    /// Which piece of the history this is.
    ///
    /// ```
    /// use whatsapp_signals::model::HistoryProgress;
    ///
    /// let last: HistoryProgress = serde_json::from_str(r#"{"phase": 2, "progress": 100}"#)?;
    /// assert!(last.is_complete());
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Copy, Default, Eq, Hash)]
    pub struct HistoryProgress {
        /// 0: the last day, 1: the last 90 days, 2: the last 180 days.
        pub phase: Option<u64>,
        /// Its number within the phase; pieces come in any order.
        pub chunk_order: Option<u64>,
        /// How much of the whole is done, in per cent.
        pub progress: Option<u64>,
    }
}

impl HistoryProgress {
    /// Whether the whole history has been sent.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::HistoryProgress;
    ///
    /// let mut progress = HistoryProgress::default();
    /// assert!(!progress.is_complete());
    /// progress.progress = Some(100);
    /// assert!(progress.is_complete());
    /// ```
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.progress == Some(100)
    }
}

object! {
    /// How far an old message had come.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::model::{HistoryContext, HistoryStatus};
    ///
    /// let context: HistoryContext = serde_json::from_str(r#"{"status": "READ"}"#)?;
    /// assert_eq!(context.status, Some(HistoryStatus::Read));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct HistoryContext {
        /// Its last status.
        pub status: Option<HistoryStatus>,
    }
}

text_enum! {
    /// The last status of an old message.
    pub enum HistoryStatus {
        /// Not sent yet.
        Pending = "PENDING",
        /// On its way.
        Sent = "SENT",
        /// On the other's phone.
        Delivered = "DELIVERED",
        /// Seen.
        Read = "READ",
        /// Listened to.
        Played = "PLAYED",
        /// Not delivered.
        Error = "ERROR",
    }
}
