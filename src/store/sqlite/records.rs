//! The records' rows.

use rusqlite::{Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::odd_row;
use super::{Rows, limit};
use crate::model::{
    Contact, Identity, Message, MessageId, MessageStatus, Signup, SignupId, Timestamp,
};
use crate::store::records::ids_by_kind;
use crate::store::{ContactId, MessageState, NewMessage, Records, StoreError, StoredContact};

impl Records for Rows<'_> {
    fn message_state(&mut self, id: &MessageId) -> Result<MessageState, StoreError> {
        let sql = "SELECT status, message IS NOT NULL, is_unread FROM message WHERE wamid = ?1";
        let state = self.first(sql, [id.as_str()], |row| {
            let status: Option<String> = row.get(0)?;
            Ok(MessageState {
                is_stored: row.get(1)?,
                is_unread: row.get(2)?,
                status: status.map(MessageStatus::from),
            })
        })?;
        Ok(state.unwrap_or_default())
    }

    fn message(&mut self, id: &MessageId) -> Result<Option<Message>, StoreError> {
        let sql = "SELECT message, status FROM message
            WHERE wamid = ?1 AND message IS NOT NULL";
        let found = self.first(sql, [id.as_str()], texts)?;
        found.map(read_message).transpose()
    }

    fn add_message(&mut self, new: NewMessage<'_>) -> Result<bool, StoreError> {
        let added = self.write_message(
            "INSERT INTO message (wamid, contact, at, is_unread, status, reply_to, message)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (wamid) DO NOTHING",
            new,
        )?;
        Ok(added > 0)
    }

    fn put_message(&mut self, new: NewMessage<'_>) -> Result<(), StoreError> {
        self.write_message(
            "UPDATE message SET contact = ?2, at = ?3, is_unread = ?4, status = ?5,
                reply_to = ?6, message = ?7
            WHERE wamid = ?1",
            new,
        )?;
        Ok(())
    }

    fn put_status(
        &mut self,
        id: &MessageId,
        status: &MessageStatus,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO message (wamid, at, is_unread, status) VALUES (?1, ?2, 0, ?3)
            ON CONFLICT (wamid) DO UPDATE SET status = ?3",
            params![id.as_str(), now.as_secs(), status.as_str()],
        )?;
        Ok(())
    }

    fn conversation(
        &mut self,
        contact: ContactId,
        before: Option<&MessageId>,
        most: usize,
    ) -> Result<Vec<Message>, StoreError> {
        let end = match before {
            None => (i64::MAX, i64::MAX),
            Some(id) => {
                let sql = "SELECT at, id FROM message WHERE wamid = ?1";
                let end = self.first(sql, [id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
                let Some(end) = end else {
                    return Ok(Vec::new());
                };
                end
            }
        };
        let found = self.all(
            "SELECT message, status FROM message
            WHERE contact = ?1 AND (at, id) < (?2, ?3) AND message IS NOT NULL
            ORDER BY at DESC, id DESC LIMIT ?4",
            [contact.0, end.0, end.1, limit(most)],
            texts,
        )?;
        found.into_iter().map(read_message).collect()
    }

    fn replies(&mut self, id: &MessageId) -> Result<Vec<Message>, StoreError> {
        let sql = "SELECT message, status FROM message
            WHERE reply_to = ?1 AND message IS NOT NULL ORDER BY id";
        let found = self.all(sql, [id.as_str()], texts)?;
        found.into_iter().map(read_message).collect()
    }

    fn contacts(&mut self, identity: &Identity) -> Result<Vec<StoredContact>, StoreError> {
        let mut found: Vec<StoredContact> = Vec::new();
        for (kind, id) in ids_by_kind(identity) {
            let stored = self.first(
                "SELECT id, contact FROM contact
                WHERE id = (SELECT contact FROM contact_id WHERE id = ?1 AND kind = ?2)",
                params![id, kind],
                contact_parts,
            )?;
            if let Some(stored) = stored
                && found.iter().all(|known| known.id.0 != stored.0)
            {
                found.push(read_contact(stored)?);
            }
        }
        found.sort_by_key(|stored| stored.id);
        Ok(found)
    }

    fn add_contact(&mut self, contact: &Contact) -> Result<ContactId, StoreError> {
        self.execute(
            "INSERT INTO contact (contact) VALUES (?1)",
            [json(contact)?],
        )?;
        let id = ContactId(self.0.last_insert_rowid());
        self.add_ids(id, contact)?;
        Ok(id)
    }

    fn put_contact(&mut self, id: ContactId, contact: &Contact) -> Result<(), StoreError> {
        let sql = "UPDATE contact SET contact = ?2 WHERE id = ?1";
        if self.execute(sql, params![id.0, json(contact)?])? > 0 {
            self.execute("DELETE FROM contact_id WHERE contact = ?1", [id.0])?;
            self.add_ids(id, contact)?;
        }
        Ok(())
    }

    fn merge_contact(&mut self, from: ContactId, into: ContactId) -> Result<(), StoreError> {
        let sql = "UPDATE message SET contact = ?2 WHERE contact = ?1";
        self.execute(sql, [from.0, into.0])?;
        self.execute("DELETE FROM contact_id WHERE contact = ?1", [from.0])?;
        self.execute("DELETE FROM contact WHERE id = ?1", [from.0])?;
        Ok(())
    }

    fn unread(&mut self, contact: ContactId) -> Result<u64, StoreError> {
        let sql = "SELECT count(*) FROM message WHERE contact = ?1 AND is_unread = 1";
        let unread = self.first(sql, [contact.0], |row| row.get(0))?;
        Ok(unread.unwrap_or(0))
    }

    fn unread_contacts(&mut self) -> Result<Vec<(StoredContact, u64)>, StoreError> {
        let sql = "SELECT contact.id, contact.contact, count(*)
            FROM message JOIN contact ON contact.id = message.contact
            WHERE is_unread = 1 GROUP BY message.contact ORDER BY message.contact";
        let found = self.all(sql, [], |row| Ok((contact_parts(row)?, row.get(2)?)))?;
        let found = found.into_iter();
        found
            .map(|(parts, unread)| Ok((read_contact(parts)?, unread)))
            .collect()
    }

    fn mark_read(&mut self, contact: ContactId) -> Result<(), StoreError> {
        let sql = "UPDATE message SET is_unread = 0 WHERE contact = ?1 AND is_unread = 1";
        self.execute(sql, [contact.0])?;
        Ok(())
    }

    fn signup(&mut self, id: &SignupId) -> Result<Option<Signup>, StoreError> {
        let sql = "SELECT signup FROM signup WHERE id = ?1";
        let found = self.first(sql, [id.as_str()], |row| row.get::<_, String>(0))?;
        found.map(|signup| read_json(&signup)).transpose()
    }

    fn put_signup(&mut self, signup: &Signup) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO signup (id, signup) VALUES (?1, ?2)
            ON CONFLICT (id) DO UPDATE SET signup = ?2",
            params![signup.signup_id.as_str(), json(signup)?],
        )?;
        Ok(())
    }

    fn signups(&mut self) -> Result<Vec<Signup>, StoreError> {
        let sql = "SELECT signup FROM signup ORDER BY id";
        let found = self.all(sql, [], |row| row.get::<_, String>(0))?;
        found.iter().map(|signup| read_json(signup)).collect()
    }
}

impl Rows<'_> {
    fn write_message(&self, sql: &str, new: NewMessage<'_>) -> Result<usize, StoreError> {
        let message = new.message;
        self.execute(
            sql,
            params![
                message.id.as_str(),
                new.contact.map(|contact| contact.0),
                new.at.as_secs(),
                new.is_unread,
                message.status.as_ref().map(MessageStatus::as_str),
                message.reply_to().map(MessageId::as_str),
                json(message)?,
            ],
        )
    }

    fn add_ids(&self, contact: ContactId, of: &Contact) -> Result<(), StoreError> {
        for (kind, id) in ids_by_kind(&of.identity) {
            self.execute(
                "INSERT INTO contact_id (id, kind, contact) VALUES (?1, ?2, ?3)
                ON CONFLICT (id, kind) DO UPDATE SET contact = ?3",
                params![id, kind, contact.0],
            )?;
        }
        Ok(())
    }
}

fn texts(row: &Row<'_>) -> rusqlite::Result<(String, Option<String>)> {
    Ok((row.get(0)?, row.get(1)?))
}

/// A message as it was stored, with the status that it has now.
fn read_message((json, status): (String, Option<String>)) -> Result<Message, StoreError> {
    let mut message: Message = read_json(&json)?;
    message.status = status.map(MessageStatus::from);
    Ok(message)
}

fn contact_parts(row: &Row<'_>) -> rusqlite::Result<(i64, String)> {
    Ok((row.get(0)?, row.get(1)?))
}

fn read_contact((id, json): (i64, String)) -> Result<StoredContact, StoreError> {
    Ok(StoredContact {
        id: ContactId(id),
        contact: read_json(&json)?,
    })
}

fn json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| odd_row())
}

fn read_json<T: DeserializeOwned>(json: &str) -> Result<T, StoreError> {
    serde_json::from_str(json).map_err(|_| odd_row())
}
