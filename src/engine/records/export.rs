//! The export of a person's data as JSON.

use serde_json::{Value, json};

use super::erase::{SCANNED, WEBHOOKS, key_of};
use super::person::{Person, PersonalData};
use crate::engine::EngineCall;
use crate::engine::tenants::OwnerKey;
use crate::model::Identity;
use crate::store::{
    EventState, LoadQuery, MessageKey, MessageQuery, MessageScan, ScanFilter, Scope, StoreError,
    StoredMessage, WebhookQuery,
};

impl EngineCall<'_> {
    pub(crate) async fn export(
        self,
        owner: &OwnerKey,
        user: &Identity,
    ) -> Result<Value, StoreError> {
        self.write_kept_updates().await?;
        let person = self.person(owner, user).await?;
        let contacts = person.contacts.iter();
        let contacts = contacts.map(|(_, row)| json!({"contact": *row.contact, "ids": row.ids}));
        let contacts: Vec<_> = contacts.collect();
        let mut messages = Vec::new();
        for (contact, _) in &person.contacts {
            let mut before = None;
            loop {
                let found = self.conversation_page(*contact, before).await?;
                let Some(last) = found.last() else { break };
                before = Some(key_of(last));
                messages.extend(found.iter().map(message_json));
            }
        }
        let mut statuses = Vec::new();
        let mut step = MessageScan::new(ScanFilter::Unassigned, SCANNED);
        loop {
            let found = self.access.scan_messages(&step).await?;
            for found in found
                .rows
                .iter()
                .filter(|found| person.takes_part_in(found))
            {
                let MessageKey { number, id } = &found.key;
                if found.message.is_none() {
                    statuses.push(json!({
                        "number": number.as_str(),
                        "id": id,
                        "status": found.status,
                    }));
                    continue;
                }
                let query = MessageQuery::Wamid {
                    scope: Scope::Number(number.clone()),
                    id: id.clone(),
                };
                messages.extend(self.access.messages(&query).await?.iter().map(message_json));
            }
            step.after = found.next;
            if found.next.is_none() {
                break;
            }
        }
        let (events, unreadable) = self.export_bodies(&person).await?;
        Ok(json!({
            "contacts": contacts,
            "messages": messages,
            "statuses": statuses,
            "events": events,
            "unreadable": unreadable,
        }))
    }

    /// Returns the events of a person in stored bodies, and the unreadable bodies.
    async fn export_bodies(
        self,
        person: &Person<'_>,
    ) -> Result<(Vec<Value>, Vec<Value>), StoreError> {
        let (mut events, mut unreadable) = (Vec::new(), Vec::new());
        let mut after = None;
        loop {
            let query = WebhookQuery::first(WEBHOOKS).after(after).with_bodies();
            let page = self.access.webhooks(&query).await?;
            let Some((last, ..)) = page.last() else {
                return Ok((events, unreadable));
            };
            after = Some(*last);
            for (id, row, body) in &page {
                let body = body.as_deref().unwrap_or_default();
                let received_at = row.received_at;
                match self.personal_data(person, row, body)? {
                    PersonalData::None => {}
                    PersonalData::Unreadable => {
                        let body = String::from_utf8_lossy(body);
                        unreadable.push(json!({"received_at": received_at, "body": body}));
                    }
                    PersonalData::Events(batch, own) => {
                        let mut query = LoadQuery::default();
                        let keys = own.iter().map(|at| batch.fingerprint(*at));
                        query.events.extend(keys);
                        let loaded = self.access.load(&query).await?;
                        for at in own {
                            let key = batch.fingerprint(at);
                            let is_of = loaded.events.get(&key) == Some(&Some(*id));
                            let progress = loaded.progress.get(&key).and_then(Option::as_ref);
                            let state = match progress.map(|progress| progress.state) {
                                Some(EventState::Dead) if is_of => "dead",
                                Some(EventState::Open) if is_of => "open",
                                None if is_of && row.open > 0 => "open",
                                _ => "finished",
                            };
                            events.push(json!({
                                "received_at": received_at,
                                "state": state,
                                "event": batch.events[at],
                            }));
                        }
                    }
                }
            }
        }
    }
}

fn message_json(stored: &StoredMessage) -> Value {
    json!({
        "number": stored.number.as_str(),
        "message": stored.message,
        "raw_payload": stored.raw_payload,
        "campaign": stored.campaign,
    })
}
