//! The check of a store's tables.

use super::BacklogRow;

/// The result of a check of a store: [`SqliteStore::check`](super::SqliteStore::check), and the
/// method of the same name of other stores.
///
/// It holds names of tables and numbers, and no personal data.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::store::StoreCheck;
///
/// let mut check = StoreCheck::new(2);
/// check.version = Some(3);
/// check.add_version_fault();
/// assert!(!check.is_ok());
/// assert_eq!(
///     check.faults,
///     ["expected version 2 of the tables, found version 3 of a newer whatsapp-signals"]
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreCheck {
    /// The version of the tables that this version of the store reads and writes.
    pub expected_version: i64,
    /// The version of the tables that are there; `None` without any.
    pub version: Option<i64>,
    /// The faults, one sentence each. A store without faults can be used.
    pub faults: Vec<String>,
    /// Facts that are no faults, by name, such as `journal_mode`.
    pub facts: Vec<(&'static str, String)>,
    /// The open and dead events; `None` if there is a fault, as their tables may not be readable.
    pub backlog: Option<BacklogRow>,
}

impl StoreCheck {
    /// Returns a check that has found nothing yet, for a store of your own.
    #[must_use]
    pub fn new(expected_version: i64) -> Self {
        Self {
            expected_version,
            version: None,
            faults: Vec::new(),
            facts: Vec::new(),
            backlog: None,
        }
    }

    /// Returns whether no fault was found.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.faults.is_empty()
    }

    /// Adds a fault if the tables are missing or have another version.
    pub fn add_version_fault(&mut self) {
        let expected = self.expected_version;
        let found = match self.version {
            Some(version) if version == expected => return,
            Some(version) if version > expected => {
                format!("version {version} of a newer whatsapp-signals")
            }
            Some(version) => format!("version {version} of an older whatsapp-signals"),
            None => "none".to_owned(),
        };
        let fault = format!("expected version {expected} of the tables, found {found}");
        self.faults.push(fault);
    }
}
