//! What a store has of a contact.

use serde::{Deserialize, Serialize};

use crate::model::Contact;

/// The number of a contact in a store.
///
/// ```
/// use whatsapp_signals::store::ContactId;
///
/// assert!(ContactId(1) < ContactId(2), "it was there first");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ContactId(pub i64);

/// A contact as a store has it.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::model::Identity;
/// use whatsapp_signals::store::{MemoryStore, Mode, Store, StoreExt};
///
/// let store = MemoryStore::new();
/// let ada = Identity::from_phone("15550101001").unwrap();
/// let contact = store.update_contact(&ada, |ada| ada.labels.push("gravel".into()))?;
/// store.transact(Mode::Read, &mut |tx| {
///     assert_eq!(tx.contacts(&ada)?[0].contact, contact);
///     Ok(())
/// })?;
/// # Ok::<(), whatsapp_signals::store::StoreError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredContact {
    /// Its number.
    pub id: ContactId,
    /// The contact.
    pub contact: Contact,
}

impl StoredContact {
    /// A contact with its number.
    ///
    /// ```
    /// use whatsapp_signals::model::{Contact, Identity};
    /// use whatsapp_signals::store::{ContactId, StoredContact};
    ///
    /// let ada = Contact::new(Identity::from_phone("15550101001").unwrap());
    /// let stored = StoredContact::new(ContactId(1), ada.clone());
    /// assert_eq!((stored.id, stored.contact), (ContactId(1), ada));
    /// ```
    #[must_use]
    pub fn new(id: ContactId, contact: Contact) -> Self {
        Self { id, contact }
    }
}
