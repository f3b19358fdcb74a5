//! The changes of a commit.
//!
//! A fixed number of [functions](crate::calls) writes each kind of rows, however many rows there are.
//! Their statement is a transaction, and fails if a row has another version than the decision read. A
//! function locks the rows that it checks or writes until the commit, so `READ COMMITTED` suffices;
//! [`reads`](crate::reads) locks absent keys.

use std::collections::HashMap;

use whatsapp_signals::store::{
    Changes, Durability, EventChange, StoreError, WebhookChange, WebhookRow,
};

use crate::calls::{Calls, Function, needs_begin};
use crate::counters;
use crate::row::{
    Param, due_columns, kind_number, number_column, params, state_number, to_json, unknown,
};
use crate::schema::Schema;
use crate::{contacts, messages, reads, turns};

/// Makes the settings of [`begin`](crate::session::begin), in 4 µs instead of a request.
///
/// The level of a transaction cannot be set in its first statement.
const CONFIGURE: Function = Function::new(
    "configure",
    "text",
    concat!(
        "DECLARE
        settings text;
    BEGIN
        IF current_setting('transaction_isolation') <> 'read committed'
            OR current_setting('transaction_read_only') <> 'off' THEN
            RAISE EXCEPTION 'the transaction is to be begun' USING ERRCODE = '",
        needs_begin!(),
        "';
        END IF;
        settings := set_config('synchronous_commit', $1, true)
            || set_config('plan_cache_mode', 'force_generic_plan', true)
            || set_config('enable_seqscan', 'off', true)
            || set_config('enable_hashjoin', 'off', true)
            || set_config('enable_mergejoin', 'off', true)
            || set_config('jit', 'off', true);
        RETURN true;
    END"
    ),
);

/// The end of a lease, and the time of a delay, from the commit on. Lengths of more than
/// 285 million years are cut, so that the sum does not overflow.
macro_rules! from_now {
    ($length:literal) => {
        concat!("schema.now() + least(", $length, ", 9000000000000000000)")
    };
}

/// The columns of a webhook that a commit writes, from those of `input`.
macro_rules! webhook_input {
    () => {
        concat!(
            "input.kind, input.received_at, input.open, input.dead, input.unclaimed,
            input.lease_holder, input.lease_length,
            CASE WHEN input.lease_length IS NOT NULL THEN ",
            from_now!("input.lease_length"),
            " END, CASE WHEN input.due_delay IS NOT NULL THEN coalesce(input.due_at, ",
            from_now!("input.due_delay"),
            ") END, input.due_delay, input.held_back"
        )
    };
}

/// The types of the columns of `input`.
macro_rules! webhook_types {
    () => {
        "bigint[], integer[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint[], \
        bigint[], bigint[], bigint[]"
    };
}

const ADD_WEBHOOKS: Function = Function::write(
    "add_webhooks",
    concat!(webhook_types!(), ", bytea[]"),
    concat!(
        "INSERT INTO schema.webhook (id, version, kind, received_at, open, dead, unclaimed,
            lease_holder, lease_length, lease_until, due_at, due_delay, held_back)
        SELECT input.id, 1, ",
        webhook_input!(),
        " FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
            AS input(id, kind, received_at, open, dead, unclaimed, lease_holder, lease_length,
                due_at, due_delay, held_back);
        INSERT INTO schema.body (webhook, body) SELECT * FROM unnest($1, $12) AS input"
    ),
);

const PUT_WEBHOOKS: Function = Function::write_all(
    "put_webhooks",
    concat!(webhook_types!(), ", bigint[]"),
    concat!(
        "UPDATE schema.webhook SET version = input.version + 1, (kind, received_at, open, dead,
            unclaimed, lease_holder, lease_length, lease_until, due_at, due_delay, held_back) = (",
        webhook_input!(),
        ") FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            AS input(id, kind, received_at, open, dead, unclaimed, lease_holder, lease_length,
                due_at, due_delay, held_back, version)
        WHERE webhook.id = input.id AND webhook.version = input.version"
    ),
);

const REPLACE_BODIES: Function = Function::write(
    "replace_bodies",
    "bigint[], bytea[]",
    "
        UPDATE schema.body SET body = input.body
        FROM unnest($1, $2) AS input(webhook, body) WHERE body.webhook = input.webhook",
);

const DELETE_WEBHOOKS: Function = Function::write_all(
    "delete_webhooks",
    "bigint[], bigint[]",
    "
        DELETE FROM schema.webhook USING unnest($1, $2) AS input(id, version)
        WHERE webhook.id = input.id AND webhook.version = input.version;
        DELETE FROM schema.body WHERE body.webhook = ANY($1);
        DELETE FROM schema.progress WHERE progress.webhook = ANY($1)",
);

const ADD_EVENTS: Function = Function::write(
    "add_events",
    "bytea[], bigint[]",
    "INSERT INTO schema.event (fingerprint, webhook) SELECT * FROM unnest($1, $2) AS input",
);

const MOVE_EVENTS: Function = Function::write_all(
    "move_events",
    "bytea[], bigint[], bigint[]",
    "
        UPDATE schema.event SET webhook = input.webhook
        FROM unnest($1, $2, $3) AS input(fingerprint, before, webhook)
        WHERE event.fingerprint = input.fingerprint AND event.webhook = input.before",
);

const DELETE_PROGRESS: Function = Function::write(
    "delete_progress",
    "bytea[]",
    "DELETE FROM schema.progress WHERE progress.fingerprint = ANY($1)",
);

const ADD_NUMBERS: Function = Function::write(
    "add_numbers",
    "bytea[], bytea[]",
    "INSERT INTO schema.number (number, tenant) SELECT * FROM unnest($1, $2) AS input",
);

/// A dead event keeps its position among the dead events of its webhook.
const PUT_PROGRESS: Function = Function::write(
    "put_progress",
    "bytea[], bigint[], bytea[], integer[], bigint[], text[], bigint[], bigint[]",
    concat!(
        "INSERT INTO schema.progress AS stored (fingerprint, webhook, key, state, attempts, receivers,
            died, due_at, due_delay)
        SELECT input.fingerprint, input.webhook, input.key, input.state, input.attempts,
            input.receivers,
            CASE WHEN input.state = 2 THEN coalesce((SELECT max(dead.died) FROM schema.progress AS dead
                    WHERE dead.webhook = input.webhook AND dead.died IS NOT NULL), 0)
                + row_number() OVER (PARTITION BY input.webhook ORDER BY input.ordinal) END,
            CASE WHEN input.due_delay IS NOT NULL THEN coalesce(input.due_at, ",
        from_now!("input.due_delay"),
        ") END, input.due_delay
        FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) WITH ORDINALITY
            AS input(fingerprint, webhook, key, state, attempts, receivers, due_at, due_delay, ordinal)
        ON CONFLICT (fingerprint) DO UPDATE SET webhook = excluded.webhook, key = excluded.key,
            state = excluded.state, attempts = excluded.attempts, receivers = excluded.receivers,
            died = CASE WHEN excluded.state = 2 THEN coalesce(stored.died, excluded.died) END,
            due_at = excluded.due_at, due_delay = excluded.due_delay"
    ),
);

/// Writes a record to the log, so that a commit without rows waits for the disk.
const TOUCH: Function = Function::write(
    "touch",
    "",
    "PERFORM pg_logical_emit_message(true, 'whatsapp_signals', ''::text)",
);

const FUNCTIONS: &[&Function] = &[
    &CONFIGURE,
    &ADD_WEBHOOKS,
    &PUT_WEBHOOKS,
    &REPLACE_BODIES,
    &DELETE_WEBHOOKS,
    &ADD_EVENTS,
    &MOVE_EVENTS,
    &DELETE_PROGRESS,
    &ADD_NUMBERS,
    &PUT_PROGRESS,
    &TOUCH,
];

/// Returns the functions of all commits.
pub(crate) fn functions() -> impl Iterator<Item = &'static Function> {
    let lists = [
        reads::FUNCTIONS,
        FUNCTIONS,
        turns::FUNCTIONS,
        contacts::FUNCTIONS,
        messages::FUNCTIONS,
        counters::FUNCTIONS,
    ];
    lists.into_iter().flatten().copied()
}

/// Returns the calls of a commit, the most frequent conflicts first.
pub(crate) fn calls<'a>(
    schema: &Schema,
    changes: &'a Changes<'a>,
    durability: Durability,
) -> Result<Calls<'a>, StoreError> {
    let mut calls = Calls::default();
    let synchronous_commit = match durability {
        Durability::Process => "off",
        _ => "on",
    };
    calls.push(&CONFIGURE, params![synchronous_commit]);
    // Locks of ids come first, so that no commit waits for one while it has locked a row.
    reads::lock_ids(&mut calls, schema, changes);
    write_webhooks(&mut calls, changes)?;
    write_events(&mut calls, &changes.events);
    turns::write(&mut calls, &changes.turns)?;
    // Before writes to the rows by which other rows were read.
    reads::check(&mut calls, changes)?;
    if !changes.numbers.is_empty() {
        let numbers: Vec<_> = changes
            .numbers
            .iter()
            .map(|(key, _)| number_column(key))
            .collect();
        let tenants = changes.numbers.iter();
        let tenants = tenants.map(|(_, tenant)| tenant.as_str().as_bytes());
        calls.push(&ADD_NUMBERS, params![numbers, tenants.collect::<Vec<_>>()]);
    }
    write_progress(&mut calls, changes)?;
    contacts::write(&mut calls, changes)?;
    messages::write(&mut calls, changes)?;
    counters::write(&mut calls, &changes.signups, &changes.subscribers)?;
    counters::write(&mut calls, &changes.campaigns, &changes.refusals)?;
    if durability != Durability::Process && may_write_nothing(changes) {
        calls.push(&TOUCH, Vec::new());
    }
    Ok(calls)
}

/// Returns whether a commit may write no row, and so nothing that its end waits for.
fn may_write_nothing(changes: &Changes<'_>) -> bool {
    changes.numbers.is_empty()
        && changes.webhooks.is_empty()
        && changes.progress.is_empty()
        && changes.turns.is_empty()
        && changes.contacts.is_empty()
        && changes.messages.is_empty()
        && changes.statuses.is_empty()
        && changes.signups.is_empty()
        && changes.campaigns.is_empty()
}

/// Columns of webhooks.
#[derive(Default)]
struct WebhookColumns {
    ids: Vec<i64>,
    kinds: Vec<i32>,
    received_at: Vec<i64>,
    open: Vec<i64>,
    dead: Vec<i64>,
    unclaimed: Vec<i64>,
    holders: Vec<Option<i64>>,
    lengths: Vec<Option<i64>>,
    due_at: Vec<Option<i64>>,
    due_delays: Vec<Option<i64>>,
    held_back: Vec<i64>,
}

impl WebhookColumns {
    fn push(&mut self, id: i64, row: &WebhookRow) -> Result<(), StoreError> {
        let (due_at, due_delay) = due_columns(row.due)?;
        self.ids.push(id);
        self.kinds.push(kind_number(row.kind)?);
        self.received_at.push(row.received_at.as_secs());
        self.open.push(row.open.into());
        self.dead.push(row.dead.into());
        self.unclaimed.push(row.unclaimed.into());
        self.holders.push(row.lease.map(|lease| lease.holder));
        self.lengths.push(row.lease.map(|lease| lease.length));
        self.due_at.push(due_at);
        self.due_delays.push(due_delay);
        self.held_back.push(row.held_back.into());
        Ok(())
    }

    fn into_params<'a>(self) -> Vec<Param<'a>> {
        params![
            self.ids,
            self.kinds,
            self.received_at,
            self.open,
            self.dead,
            self.unclaimed,
            self.holders,
            self.lengths,
            self.due_at,
            self.due_delays,
            self.held_back,
        ]
    }
}

fn write_webhooks<'a>(calls: &mut Calls<'a>, changes: &'a Changes<'a>) -> Result<(), StoreError> {
    let mut changes: Vec<_> = changes.webhooks.iter().collect();
    // In the order of ids, so that two commits do not deadlock.
    changes.sort_by_key(|change| match change {
        WebhookChange::Insert { id, .. }
        | WebhookChange::Update { id, .. }
        | WebhookChange::Replace { id, .. }
        | WebhookChange::Delete { id, .. } => id.0,
        _ => 0,
    });
    let (mut added, mut bodies) = (WebhookColumns::default(), Vec::new());
    let (mut put, mut versions) = (WebhookColumns::default(), Vec::new());
    let (mut replaced, mut new_bodies) = (Vec::new(), Vec::new());
    let (mut deleted, mut deleted_versions) = (Vec::new(), Vec::new());
    for change in changes {
        match change {
            WebhookChange::Insert { id, row, body } => {
                added.push(id.0, row)?;
                bodies.push(*body);
            }
            WebhookChange::Update { id, version, row } => {
                put.push(id.0, row)?;
                versions.push(*version);
            }
            WebhookChange::Replace {
                id,
                version,
                row,
                body,
            } => {
                put.push(id.0, row)?;
                versions.push(*version);
                replaced.push(id.0);
                new_bodies.push(&body[..]);
            }
            WebhookChange::Delete { id, version } => {
                deleted.push(id.0);
                deleted_versions.push(*version);
            }
            _ => return Err(unknown("a change of a webhook")),
        }
    }
    if !added.ids.is_empty() {
        let mut params = added.into_params();
        params.push(Box::new(bodies));
        calls.push(&ADD_WEBHOOKS, params);
    }
    if !put.ids.is_empty() {
        let mut params = put.into_params();
        params.push(Box::new(versions));
        calls.push(&PUT_WEBHOOKS, params);
    }
    if !replaced.is_empty() {
        calls.push(&REPLACE_BODIES, params![replaced, new_bodies]);
    }
    if !deleted.is_empty() {
        calls.push(&DELETE_WEBHOOKS, params![deleted, deleted_versions]);
    }
    Ok(())
}

fn write_events<'a>(calls: &mut Calls<'a>, events: &'a [EventChange]) {
    let mut events: Vec<_> = events.iter().collect();
    events.sort_by_key(|event| event.key);
    let (mut added, mut added_webhooks) = (Vec::new(), Vec::new());
    let (mut moved, mut before, mut webhooks) = (Vec::new(), Vec::new(), Vec::new());
    let (mut kept, mut kept_webhooks) = (Vec::new(), Vec::new());
    for event in events {
        match event.before {
            None => {
                added.push(&event.key.0[..]);
                added_webhooks.push(event.webhook.0);
            }
            Some(webhook) if webhook == event.webhook => {
                kept.push(&event.key.0[..]);
                kept_webhooks.push(webhook.0);
            }
            Some(webhook) => {
                moved.push(&event.key.0[..]);
                before.push(webhook.0);
                webhooks.push(event.webhook.0);
            }
        }
    }
    if !added.is_empty() {
        calls.push(&ADD_EVENTS, params![added, added_webhooks]);
    }
    if !moved.is_empty() {
        calls.push(&MOVE_EVENTS, params![moved.clone(), before, webhooks]);
        calls.push(&DELETE_PROGRESS, params![moved]);
    }
    if !kept.is_empty() {
        calls.push(&reads::CHECK_EVENTS, params![kept, kept_webhooks]);
    }
}

fn write_progress<'a>(calls: &mut Calls<'a>, changes: &'a Changes<'a>) -> Result<(), StoreError> {
    if changes.progress.is_empty() {
        return Ok(());
    }
    // A statement cannot write a row twice, so only the last row of a key is written.
    let enumerated = changes.progress.iter().enumerate();
    let last: HashMap<_, _> = enumerated.map(|(n, (key, _))| (key, n)).collect();
    let (mut keys, mut webhooks, mut names) = (Vec::new(), Vec::new(), Vec::new());
    let (mut states, mut attempts, mut receivers) = (Vec::new(), Vec::new(), Vec::new());
    let (mut due_at, mut due_delays) = (Vec::new(), Vec::new());
    for (n, (key, row)) in changes.progress.iter().enumerate() {
        if last[key] != n {
            continue;
        }
        let due = due_columns(row.due)?;
        keys.push(&key.0[..]);
        webhooks.push(row.webhook.0);
        names.push(row.key.as_bytes());
        states.push(state_number(row.state)?);
        attempts.push(i64::from(row.attempts));
        receivers.push(if row.receivers.is_empty() {
            None
        } else {
            Some(to_json(&row.receivers)?)
        });
        due_at.push(due.0);
        due_delays.push(due.1);
    }
    let params = params![
        keys, webhooks, names, states, attempts, receivers, due_at, due_delays
    ];
    calls.push(&PUT_PROGRESS, params);
    Ok(())
}
