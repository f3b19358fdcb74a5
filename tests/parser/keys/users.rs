//! The partitions of users that are named by every item in which Meta names users.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};
use whatsapp_signals::event::WebhookEvent;
use whatsapp_signals::parse;

const USERS: [[&str; 3]; 2] = [
    ["15550101001", "US.7001", "US.ENT.7001"],
    ["31970100202", "NL.8102", "NL.ENT.8102"],
];

/// The kinds of ids, as the templates of the table have them.
const KINDS: [&str; 3] = ["WA", "USER", "PARENT"];

/// A kind of item that names a user.
#[derive(Debug)]
struct NamingItem {
    field: &'static str,
    value: &'static str,
    item: &'static str,
    /// Pointers: a member that the item needs, one that it does not need, and its type if
    /// there are unknown ones.
    needed: &'static str,
    part: &'static str,
    kind: Option<&'static str>,
}

macro_rules! naming_items {
    ($($field:literal $value:literal $item:literal needs $needed:literal part $part:literal $(of $kind:literal)?;)+) => {
        &[$(NamingItem {
            field: $field,
            value: $value,
            item: $item,
            needed: $needed,
            part: $part,
            kind: [$(Some($kind),)? None][0],
        }),+]
    };
}

const NAMING_ITEMS: &[NamingItem] = naming_items! {
    "messages" r#"{"messages":ITEMS}"#
        r#"{"id":"N","timestamp":"9","type":"text","text":{"body":"Hi"},"from":"WA",
            "from_user_id":"USER","from_parent_user_id":"PARENT"}"#
        needs "/id" part "/errors" of "/type";
    "messages" r#"{"messages":ITEMS}"#
        r#"{"id":"N","timestamp":"9","type":"system","system":{"type":"user_changed_user_id",
            "user_id":"US.N","customer":"WA","previous_user_id":"USER",
            "previous_parent_user_id":"PARENT"}}"#
        needs "/id" part "/context";
    "messages" r#"{"statuses":ITEMS}"#
        r#"{"id":"N","timestamp":"9","status":"read","recipient_id":"WA",
            "recipient_user_id":"USER","parent_recipient_user_id":"PARENT"}"#
        needs "/status" part "/errors";
    "messages" r#"{"statuses":ITEMS}"#
        r#"{"id":"N","timestamp":"9","status":"read","recipient_type":"group","recipient_id":"G",
            "recipient_participant_id":"WA","recipient_participant_user_id":"USER"}"#
        needs "/status" part "/pricing";
    "smb_message_echoes" r#"{"message_echoes":ITEMS}"#
        r#"{"id":"N","timestamp":"9","type":"text","text":{"body":"Hi"},"from":"15550100200",
            "to":"WA","to_user_id":"USER","to_parent_user_id":"PARENT"}"#
        needs "/id" part "/errors" of "/type";
    "calls" r#"{"calls":ITEMS}"#
        r#"{"id":"N","timestamp":"9","event":"connect","direction":"BUSINESS_INITIATED",
            "from":"15550100200","to":"WA","to_user_id":"USER","to_parent_user_id":"PARENT"}"#
        needs "/event" part "/session";
    "calls" r#"{"calls":ITEMS}"#
        r#"{"id":"N","timestamp":"9","event":"connect","to":"15550100200","from":"WA",
            "from_user_id":"USER","from_parent_user_id":"PARENT"}"#
        needs "/event" part "/direction";
    "calls" r#"{"statuses":ITEMS}"#
        r#"{"id":"N","timestamp":"9","status":"RINGING","recipient_id":"WA",
            "recipient_user_id":"USER","recipient_parent_user_id":"PARENT"}"#
        needs "/status" part "/type";
    "user_preferences" r#"{"user_preferences":ITEMS}"#
        r#"{"category":"N","timestamp":"9","value":"stop","wa_id":"WA","user_id":"USER",
            "parent_user_id":"PARENT"}"#
        needs "/value" part "/detail";
    "user_preferences" r#"{"user_preferences":ITEMS}"#
        r#"{"signup_id":"N","timestamp":"9","value":"signup","wa_id":"WA","user_id":"USER",
            "parent_user_id":"PARENT"}"#
        needs "/signup_id" part "/detail";
    "in_app_signup" r#"{"in_app_signup":ITEMS}"#
        r#"{"signup_id":"N","wa_id":"WA","user_id":"USER","parent_user_id":"PARENT"}"#
        needs "/signup_id" part "/timestamp";
    "smb_app_state_sync" r#"{"state_sync":ITEMS}"#
        r#"{"action":"add","contact":{"full_name":"N","phone_number":"WA","user_id":"USER",
            "parent_user_id":"PARENT"},"metadata":{"timestamp":"9"}}"#
        needs "/action" part "/metadata/timestamp";
    "messaging_handovers" "ITEM"
        r#"{"type":"control_passed","timestamp":"9","sender":{"phone_number":"WA"},
            "control_passed":{"metadata":"N"}}"#
        needs "/control_passed" part "/recipient";
    "history" r#"{"history":[{"metadata":{"phase":0,"chunk_order":1},"threads":ITEMS}]}"#
        r#"{"id":"WA","context":{"wa_id":"WA","user_id":"USER","parent_user_id":"PARENT"},
            "messages":[{"id":"N","timestamp":"9","type":"text","text":{"body":"Hi"},
            "from":"15550100200","to":"WA","to_user_id":"USER"}]}"#
        needs "/messages/0/id" part "/messages/0/errors" of "/messages/0/type";
    "history" r#"{"history":[{"metadata":{"phase":0,"chunk_order":1},"threads":ITEMS}]}"#
        r#"{"id":"WA","context":{"user_id":"USER"},"messages":[{"id":"N","timestamp":"9",
            "type":"text","text":{"body":"Hi"},"from":"WA","from_user_id":"USER",
            "from_parent_user_id":"PARENT"}]}"#
        needs "/messages" part "/context/username" of "/messages/0/type";
    "standby" r#"{"standby":{"messages":ITEMS}}"#
        r#"{"id":"N","timestamp":"9","type":"text","text":{"body":"Hi"},"from":"WA",
            "from_user_id":"USER","from_parent_user_id":"PARENT"}"#
        needs "/text" part "/referral" of "/type";
    "standby" r#"{"standby":{"message_echoes":ITEMS}}"#
        r#"{"id":"N","timestamp":"9","message":{"type":"text","to":"WA","recipient":"USER"}}"#
        needs "/id" part "/template";
    "group_participants_update" r#"{"groups":ITEMS}"#
        r#"{"type":"group_join_request_created","group_id":"G","timestamp":"9",
            "join_request_id":"N","wa_id":"WA","user_id":"USER","parent_user_id":"PARENT"}"#
        needs "/type" part "/reason";
};

/// A contact, or the list of what a value is about.
const CONTACT: &str = r#"{"wa_id":"WA","user_id":"USER","parent_user_id":"PARENT"}"#;

/// A user, and the kinds of ids that are used.
type Named = (usize, [bool; 3]);

/// The part of an item that is malformed.
#[derive(Clone, Copy, Debug)]
enum State {
    Good,
    /// A member that it does not need is malformed.
    Part,
    Malformed,
    UnknownType,
}

/// A template with the ids of a user, and without the members of other ids.
fn filled(template: &str, (user, has): Named, number: usize) -> Value {
    fn fill(value: &mut Value, ids: &dyn Fn(&str) -> Option<Value>, number: usize) -> bool {
        match value {
            Value::Object(members) => members.retain(|_, member| fill(member, ids, number)),
            Value::Array(items) => items
                .iter_mut()
                .for_each(|item| _ = fill(item, ids, number)),
            Value::String(text) if KINDS.contains(&text.as_str()) => match ids(text) {
                Some(id) => *value = id,
                None => return false,
            },
            Value::String(text) if text.ends_with('N') => {
                *text = text.replace('N', &format!("n{number}"));
            }
            _ => {}
        }
        true
    }
    let ids = |kind: &str| {
        let at = KINDS.iter().position(|known| *known == kind).unwrap();
        has[at].then(|| USERS[user][at].into())
    };
    let mut item = serde_json::from_str(template).unwrap();
    fill(&mut item, &ids, number);
    item
}

fn set(item: &mut Value, pointer: &str, value: Value) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = item.pointer_mut(parent).and_then(Value::as_object_mut);
    parent.unwrap().insert(name.to_owned(), value);
}

impl NamingItem {
    fn item(&self, named: Named, state: State, number: usize) -> Value {
        let mut item = filled(self.item, self.fitting(named), number);
        let malformed = || json!([[1]]);
        match (state, self.kind) {
            (State::Good, _) | (State::UnknownType, None) => {}
            (State::Part, _) => {
                let name = self.part.rsplit('/').next().unwrap();
                let is_in_contact = name == "username" && item.get("context").is_none();
                if !is_in_contact {
                    set(&mut item, self.part, malformed());
                }
            }
            (State::Malformed, _) => set(&mut item, self.needed, malformed()),
            (State::UnknownType, Some(kind)) => set(&mut item, kind, "hologram".into()),
        }
        item
    }

    /// An id of a kind that the item has a member for.
    fn fitting(&self, (user, mut has): Named) -> Named {
        let mut fits = KINDS.iter().zip(has).filter(|(_, has)| *has);
        if !fits.any(|(kind, _)| self.item.contains(&format!("\"{kind}\""))) {
            has[0] = true;
        }
        // A handover names the number only, and a thread has it as its id.
        if ["messaging_handovers", "history"].contains(&self.field) {
            has[0] = true;
        }
        (user, has)
    }

    fn value(&self, items: &[(Named, State)], contacts: &[Named], first: usize) -> Value {
        let items = items.iter().enumerate();
        let items: Vec<_> = items
            .map(|(at, (named, state))| self.item(*named, *state, first + at))
            .collect();
        let text = self.value.replace("ITEMS", &json!(items).to_string());
        let text = text.replace("ITEM", &items[0].to_string());
        let mut value: Value = serde_json::from_str(&text).unwrap();
        value["metadata"] =
            json!({"phone_number_id": "300", "display_phone_number": "15550100200"});
        if !contacts.is_empty() && self.field != "messaging_handovers" {
            let at = match self.field {
                "standby" => &mut value["standby"],
                _ => &mut value,
            };
            at["contacts"] = contacts
                .iter()
                .map(|named| filled(CONTACT, *named, 0))
                .collect();
        }
        value
    }
}

fn named() -> impl Strategy<Value = Named> {
    let has = subsequence(vec![0, 1, 2], 1..=3);
    (0..2_usize, has).prop_map(|(user, has)| (user, [0, 1, 2].map(|at| has.contains(&at))))
}

fn change() -> impl Strategy<Value = (usize, Vec<(Named, State)>, Vec<Named>)> {
    use State::{Good, Malformed, Part, UnknownType};
    let state = select(vec![Good, Part, Malformed, UnknownType]);
    let items = prop::collection::vec((named(), state), 1..4);
    (
        0..NAMING_ITEMS.len(),
        items,
        prop::collection::vec(named(), 0..3),
    )
}

/// The user whose ids are innermost on the way along a path, or in the item itself.
fn user_of(event: &WebhookEvent, body: &Value) -> Option<usize> {
    let user_in = |text: &str| {
        let is_in = |ids: &[&str; 3]| ids.iter().any(|id| text.contains(&format!("\"{id}\"")));
        USERS.iter().position(is_in)
    };
    let WebhookEvent::Unrecognized(event) = event else {
        return user_in(event.raw().as_str());
    };
    let steps = event.path.split(['.', '[', ']']);
    let mut found = None;
    let mut at = body;
    for step in steps.filter(|step| !step.is_empty()) {
        let index = step.parse::<usize>();
        at = index.map_or_else(|_| &at[step], |index| &at[index]);
        found = user_in(&at.to_string()).or(found);
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn all_events_of_one_user_have_one_partition_wherever_the_user_is_named(
        changes in prop::collection::vec(change(), 1..5),
        index_of_all in 0..5_usize,
    ) {
        let mut values = Vec::new();
        let mut count = 0;
        for (at, (kind, mut items, mut contacts)) in changes.into_iter().enumerate() {
            let kind = &NAMING_ITEMS[kind];
            if kind.field == "messaging_handovers" {
                items.truncate(1);
            }
            // A contact is of a user of the value, once.
            contacts.retain(|(user, _)| items.iter().any(|((of, _), _)| of == user));
            contacts.sort_by_key(|(user, _)| *user);
            contacts.dedup_by_key(|(user, _)| *user);
            count += items.len();
            values.push((kind.field, kind.value(&items, &contacts, 10 * at)));
        }
        // One item of each user has all ids, so that the others can be known.
        let all = [0, 1].map(|user| ((user, [true; 3]), State::Good));
        let at = index_of_all.min(values.len());
        values.insert(at, ("messages", NAMING_ITEMS[0].value(&all, &[], 900)));

        let changes = values
            .iter()
            .map(|(field, value)| json!({"field": field, "value": value}));
        let body = json!({"object": "whatsapp_business_account",
            "entry": [{"id": "900", "changes": changes.collect::<Vec<_>>()}]});
        let webhook = parse(body.to_string().as_bytes()).unwrap();
        // A chunk of old messages is of several users.
        for event in webhook.iter().filter(|event| event.name() != "history") {
            let user = user_of(event, &body).map(|user| format!("300:{}", USERS[user][1]));
            let raw = event.raw().as_str();
            prop_assert_eq!(Some(event.partition_key()), user, "{} in {}", raw, body);
        }
        prop_assert!(webhook.events().len() >= count + 2);
    }
}
