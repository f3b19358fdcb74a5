//! The decisions and queries behind the methods of `Records`.

use std::sync::Arc;

use crate::engine::EngineCall;
use crate::engine::contacts::{ContactEntry, Contacts};
use crate::engine::tenants::OwnerKey;
use crate::engine::transaction::{Draft, FirstAttempt, Undecided, transact};
use crate::model::{
    Contact, Identity, Message, MessageId, RawJson, Signup, SignupId, SignupStatus, Timestamp,
};
use crate::store::{
    ContactId, ContactRow, ConversationKey, Durability, MessageKey, MessageQuery, NumberKey, Scope,
    SignupKey, Snapshot, StoreError, StoreErrorKind, StoredMessage, Tenant, UnreadQuery,
};

/// The owner of records: a tenant, or one of its numbers.
pub(crate) struct Owner {
    pub(crate) tenant: Tenant,
    number: Option<NumberKey>,
}

impl Owner {
    fn conversation(&self, contact: ContactId) -> ConversationKey {
        ConversationKey::new(contact, self.number.clone())
    }

    fn scope(&self) -> Scope {
        match &self.number {
            Some(number) => Scope::Number(number.clone()),
            None => Scope::Tenant(self.tenant.clone()),
        }
    }
}

impl EngineCall<'_> {
    /// Runs a decision about the records of an owner.
    pub(crate) async fn decide<T>(
        self,
        owner: &OwnerKey,
        mut decide: impl FnMut(&mut Draft<'_, '_>, Option<&Owner>) -> Result<T, Undecided>,
    ) -> Result<T, StoreError> {
        let decide = |draft: &mut Draft<'_, '_>| {
            let owner = self.owner(draft, owner)?;
            decide(draft, owner.as_ref())
        };
        let known = Snapshot::default();
        transact(
            self.access,
            known,
            FirstAttempt::Loaded,
            Durability::Disk,
            decide,
        )
        .await
    }

    /// Returns the tenant of records.
    pub(crate) async fn tenant(self, owner: &OwnerKey) -> Result<Tenant, StoreError> {
        let tenant = self.decide(
            owner,
            |_, owner| Ok(owner.map(|owner| owner.tenant.clone())),
        );
        tenant.await?.ok_or_else(unknown_number)
    }

    /// Returns the owner of records; `None` if the number has no row.
    fn owner(
        self,
        draft: &mut Draft<'_, '_>,
        owner: &OwnerKey,
    ) -> Result<Option<Owner>, Undecided> {
        let (number, account) = match owner {
            OwnerKey::Tenant(tenant) => {
                let (tenant, number) = (tenant.clone(), None);
                return Ok(Some(Owner { tenant, number }));
            }
            OwnerKey::Number(number) => (number.clone(), None),
            OwnerKey::Account(account) => (NumberKey::of(account), Some(account)),
        };
        let tenant = match (draft.tenant(&number)?, account) {
            (Some(tenant), _) => tenant,
            (None, Some(account)) => self.core.tenant_resolver().tenant_of(account)?,
            (None, None) => return Ok(None),
        };
        let number = Some(number);
        Ok(Some(Owner { tenant, number }))
    }

    /// Returns the tenant of records that are changed. Adds the row of a new account's number.
    pub(crate) fn ensure_tenant(
        draft: &mut Draft<'_, '_>,
        owner: Option<&Owner>,
    ) -> Result<Tenant, Undecided> {
        let Some(owner) = owner else {
            return Err(unknown_number().into());
        };
        if let Some(number) = &owner.number
            && draft.tenant(number)?.is_none()
        {
            draft.add_number(number.clone(), owner.tenant.clone());
        }
        Ok(owner.tenant.clone())
    }

    async fn find(
        self,
        owner: &OwnerKey,
        user: &Identity,
    ) -> Result<Option<(Owner, ContactEntry)>, StoreError> {
        self.decide(owner, |draft, owner| {
            let Some(owner) = owner else { return Ok(None) };
            let entry = find_contact(draft, &owner.tenant, user)?;
            let Owner { tenant, number } = owner;
            let (tenant, number) = (tenant.clone(), number.clone());
            Ok(entry.map(|entry| (Owner { tenant, number }, entry)))
        })
        .await
    }

    async fn scope(self, owner: &OwnerKey) -> Result<Option<Scope>, StoreError> {
        self.decide(owner, |_, owner| Ok(owner.map(Owner::scope)))
            .await
    }

    pub(super) async fn message(
        self,
        owner: &OwnerKey,
        id: &MessageId,
    ) -> Result<Option<Message>, StoreError> {
        let stored = self.stored_message(owner, id).await?;
        Ok(stored.map(|stored| stored.message))
    }

    pub(super) async fn raw_payload(
        self,
        owner: &OwnerKey,
        id: &MessageId,
    ) -> Result<Option<RawJson>, StoreError> {
        let stored = self.stored_message(owner, id).await?;
        Ok(stored.and_then(|stored| stored.raw_payload))
    }

    async fn stored_message(
        self,
        owner: &OwnerKey,
        id: &MessageId,
    ) -> Result<Option<StoredMessage>, StoreError> {
        let Some(scope) = self.scope(owner).await? else {
            return Ok(None);
        };
        Ok(self.messages(scope, id).await?.into_iter().next())
    }

    pub(super) async fn messages(
        self,
        scope: Scope,
        id: &MessageId,
    ) -> Result<Vec<StoredMessage>, StoreError> {
        let id = id.clone();
        self.access
            .messages(&MessageQuery::Wamid { scope, id })
            .await
    }

    pub(super) async fn replies(
        self,
        owner: &OwnerKey,
        id: &MessageId,
    ) -> Result<Vec<Message>, StoreError> {
        let Some(scope) = self.scope(owner).await? else {
            return Ok(Vec::new());
        };
        let id = id.clone();
        let query = MessageQuery::Replies { scope, id };
        Ok(messages_of(self.access.messages(&query).await?))
    }

    pub(super) async fn conversation(
        self,
        owner: &OwnerKey,
        user: &Identity,
        before: Option<&MessageId>,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        let Some((owner, (contact, _))) = self.find(owner, user).await? else {
            return Ok(Vec::new());
        };
        let before = match (before, &owner.number) {
            (None, _) => None,
            (Some(id), Some(number)) => Some(MessageKey {
                number: number.clone(),
                id: id.clone(),
            }),
            (Some(id), None) => {
                let found = self.messages(owner.scope(), id).await?;
                let Some(first) = found.into_iter().next() else {
                    return Ok(Vec::new());
                };
                Some(MessageKey {
                    number: first.number,
                    id: id.clone(),
                })
            }
        };
        let query = MessageQuery::Conversation {
            key: owner.conversation(contact),
            before,
            limit,
        };
        Ok(messages_of(self.access.messages(&query).await?))
    }

    pub(super) async fn contact(
        self,
        owner: &OwnerKey,
        user: &Identity,
    ) -> Result<Option<Contact>, StoreError> {
        let found = self.find(owner, user).await?;
        Ok(found.map(|(_, (_, contact))| Arc::unwrap_or_clone(contact)))
    }

    pub(super) async fn update_contact(
        self,
        owner: &OwnerKey,
        user: &Identity,
        mut change: impl FnMut(&mut Contact),
    ) -> Result<Contact, StoreError> {
        let now = Timestamp::now();
        self.decide(owner, |draft, owner| {
            let tenant = Self::ensure_tenant(draft, owner)?;
            request_user(draft, &tenant, user)?;
            let change = |row: &mut ContactRow| change(Arc::make_mut(&mut row.contact));
            let mut contacts = Contacts::new(now);
            let (_, contact) = contacts.upsert(draft, &tenant, user, None, now, change)?;
            Ok(Contact::clone(&contact))
        })
        .await
    }

    pub(super) async fn unread_count(
        self,
        owner: &OwnerKey,
        user: &Identity,
    ) -> Result<u64, StoreError> {
        let Some((owner, (contact, _))) = self.find(owner, user).await? else {
            return Ok(0);
        };
        let query = UnreadQuery::new(owner.scope()).of(contact);
        let unread = self.access.unread(&query).await?;
        Ok(unread.first().map_or(0, |unread| unread.count))
    }

    pub(super) async fn unread_counts(
        self,
        owner: &OwnerKey,
    ) -> Result<Vec<(Contact, u64)>, StoreError> {
        let Some(scope) = self.scope(owner).await? else {
            return Ok(Vec::new());
        };
        let unread = self.access.unread(&UnreadQuery::new(scope)).await?;
        let unread = unread.into_iter();
        Ok(unread
            .map(|unread| (Arc::unwrap_or_clone(unread.row.contact), unread.count))
            .collect())
    }

    pub(super) async fn mark_read(
        self,
        owner: &OwnerKey,
        user: &Identity,
    ) -> Result<(), StoreError> {
        self.decide(owner, |draft, owner| {
            if let Some(owner) = owner
                && let Some((contact, _)) = find_contact(draft, &owner.tenant, user)?
            {
                draft.mark_read(owner.conversation(contact));
            }
            Ok(())
        })
        .await
    }

    pub(super) async fn save_signup(
        self,
        owner: &OwnerKey,
        signup: &Signup,
    ) -> Result<(), StoreError> {
        self.decide(owner, |draft, owner| {
            let tenant = Self::ensure_tenant(draft, owner)?;
            let id = signup.signup_id.clone();
            draft.put_signup(&SignupKey { tenant, id }, signup.clone())
        })
        .await
    }

    pub(super) async fn signup(
        self,
        owner: &OwnerKey,
        id: &SignupId,
    ) -> Result<Option<Signup>, StoreError> {
        self.decide(owner, |draft, owner| match owner {
            None => Ok(None),
            Some(owner) => {
                let (tenant, id) = (owner.tenant.clone(), id.clone());
                draft.signup(&SignupKey { tenant, id })
            }
        })
        .await
    }

    pub(super) async fn signups(self, owner: &OwnerKey) -> Result<Vec<Signup>, StoreError> {
        let tenant = self.decide(
            owner,
            |_, owner| Ok(owner.map(|owner| owner.tenant.clone())),
        );
        match tenant.await? {
            Some(tenant) => self.access.signups(&tenant).await,
            None => Ok(Vec::new()),
        }
    }

    pub(super) async fn disable_signup(
        self,
        owner: &OwnerKey,
        id: &SignupId,
    ) -> Result<bool, StoreError> {
        self.decide(owner, |draft, owner| {
            let Some(owner) = owner else { return Ok(false) };
            let (tenant, id) = (owner.tenant.clone(), id.clone());
            let key = SignupKey { tenant, id };
            let Some(mut signup) = draft.signup(&key)? else {
                return Ok(false);
            };
            signup.status = SignupStatus::Disabled;
            draft.put_signup(&key, signup)?;
            Ok(true)
        })
        .await
    }
}

fn unknown_number() -> StoreError {
    let source = "it has received no event";
    StoreError::new(StoreErrorKind::UnknownNumber, source)
}

fn request_user(
    draft: &mut Draft<'_, '_>,
    tenant: &Tenant,
    user: &Identity,
) -> Result<(), Undecided> {
    Contacts::request(draft, tenant, user);
    draft.load_requested()
}

fn find_contact(
    draft: &mut Draft<'_, '_>,
    tenant: &Tenant,
    user: &Identity,
) -> Result<Option<ContactEntry>, Undecided> {
    request_user(draft, tenant, user)?;
    let now = Timestamp::now();
    // An id whose tenure ended in this second still names its contact for events of this second.
    let at = Timestamp::from_secs(now.as_secs().saturating_add(1));
    Contacts::new(now).find(draft, tenant, user, at)
}

fn messages_of(stored: Vec<StoredMessage>) -> Vec<Message> {
    stored.into_iter().map(|stored| stored.message).collect()
}
