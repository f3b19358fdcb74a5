//! The partitions of users that are named in every place where Meta names users.

use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Map, Value, json};
use whatsapp_signals::event::WebhookEvent;
use whatsapp_signals::parse;

const BUSINESS: &str = "15550100200";

/// The ids by which an item names its user.
#[derive(Clone, Debug)]
struct Named {
    user: usize,
    has: [bool; 3],
}

const USERS: [[&str; 3]; 2] = [
    ["15550101001", "US.7001", "US.ENT.7001"],
    ["31970100202", "NL.8102", "NL.ENT.8102"],
];

impl Named {
    fn id(&self, at: usize) -> Option<&'static str> {
        self.has[at].then_some(USERS[self.user][at])
    }

    /// The ids under these names; `""` where a place has none.
    fn under(&self, names: [&str; 3]) -> Map<String, Value> {
        let named = names
            .into_iter()
            .enumerate()
            .filter(|(_, name)| !name.is_empty());
        named
            .filter_map(|(at, name)| Some((name.to_owned(), self.id(at)?.into())))
            .collect()
    }
}

/// Where an item stands, and how it names its user.
#[derive(Clone, Copy, Debug)]
enum Place {
    Message,
    News,
    Echo,
    Status,
    Participant,
    Call { is_outbound: bool },
    CallStatus,
    Preference,
    Signup,
    Sync,
    Handover,
    OldMessage { is_outbound: bool },
    StandbyEcho,
    JoinRequest,
}

const PLACES: [Place; 16] = [
    Place::Message,
    Place::News,
    Place::Echo,
    Place::Status,
    Place::Participant,
    Place::Call { is_outbound: true },
    Place::Call { is_outbound: false },
    Place::CallStatus,
    Place::Preference,
    Place::Signup,
    Place::Sync,
    Place::Handover,
    Place::OldMessage { is_outbound: true },
    Place::OldMessage { is_outbound: false },
    Place::StandbyEcho,
    Place::JoinRequest,
];

const FROM: [&str; 3] = ["from", "from_user_id", "from_parent_user_id"];
const TO: [&str; 3] = ["to", "to_user_id", "to_parent_user_id"];
const OWN: [&str; 3] = ["wa_id", "user_id", "parent_user_id"];

/// How well an item can be read.
#[derive(Clone, Copy, Debug)]
enum State {
    Good,
    /// A member of it is malformed.
    Part,
    /// It is malformed as a whole, or of an unknown type.
    Malformed,
    Unknown,
}

impl Place {
    fn field(self) -> &'static str {
        match self {
            Self::Message | Self::News | Self::Status | Self::Participant => "messages",
            Self::Echo => "smb_message_echoes",
            Self::Call { .. } | Self::CallStatus => "calls",
            Self::Preference | Self::Signup => "user_preferences",
            Self::Sync => "smb_app_state_sync",
            Self::Handover => "messaging_handovers",
            Self::OldMessage { .. } => "history",
            Self::StandbyEcho => "standby",
            Self::JoinRequest => "group_participants_update",
        }
    }

    /// An item that names its user, of this number.
    fn item(self, named: &Named, number: usize, state: State) -> Value {
        let id = format!("wamid.{number}");
        let mut item = match self {
            Self::Message => {
                let mut item =
                    json!({"id": id, "timestamp": "9", "type": "text", "text": {"body": "Hi"}});
                extend(&mut item, named.under(FROM));
                item
            }
            Self::News => {
                let previous = ["", "previous_user_id", "previous_parent_user_id"];
                let mut system =
                    json!({"type": "user_changed_user_id", "user_id": format!("US.{number}")});
                extend(&mut system, named.under(previous));
                if let Some(phone) = named.id(0) {
                    system["customer"] = phone.into();
                }
                json!({"id": id, "timestamp": "9", "type": "system", "system": system})
            }
            Self::Echo => {
                let mut item = json!({"id": id, "from": BUSINESS, "timestamp": "9", "type": "text",
                    "text": {"body": "Hi"}});
                extend(&mut item, named.under(TO));
                item
            }
            Self::Status => {
                let names = [
                    "recipient_id",
                    "recipient_user_id",
                    "parent_recipient_user_id",
                ];
                let mut item = json!({"id": id, "status": "read", "timestamp": "9"});
                extend(&mut item, named.under(names));
                item
            }
            Self::Participant => {
                let names = [
                    "recipient_participant_id",
                    "recipient_participant_user_id",
                    "",
                ];
                let mut item = json!({"id": id, "status": "read", "timestamp": "9",
                    "recipient_type": "group", "recipient_id": "G"});
                extend(&mut item, named.under(names));
                item
            }
            Self::Call { is_outbound } => {
                let (names, business, direction) = match is_outbound {
                    true => (TO, "from", "BUSINESS_INITIATED"),
                    false => (FROM, "to", "USER_INITIATED"),
                };
                let mut item = json!({"id": id, "event": "connect", "timestamp": "9",
                    "direction": direction, business: BUSINESS});
                extend(&mut item, named.under(names));
                item
            }
            Self::CallStatus => {
                let names = [
                    "recipient_id",
                    "recipient_user_id",
                    "recipient_parent_user_id",
                ];
                let mut item =
                    json!({"id": id, "status": "RINGING", "type": "call", "timestamp": "9"});
                extend(&mut item, named.under(names));
                item
            }
            Self::Preference | Self::Signup => {
                let is_signup = matches!(self, Self::Signup);
                let mut item = json!({"category": "marketing_messages", "timestamp": "9",
                    "value": if is_signup { "signup" } else { "stop" }, "signup_id": id});
                extend(&mut item, named.under(OWN));
                item
            }
            Self::Sync => {
                let mut contact = json!({"full_name": "A name"});
                extend(
                    &mut contact,
                    named.under(["phone_number", "user_id", "parent_user_id"]),
                );
                json!({"type": "contact", "action": "add", "contact": contact,
                    "metadata": {"timestamp": "9"}})
            }
            Self::Handover => {
                let sender = named.under(["phone_number", "", ""]);
                json!({"type": "control_passed", "timestamp": "9", "sender": sender,
                    "recipient": {"phone_number_id": "300"}, "control_passed": {}})
            }
            Self::OldMessage { is_outbound } => {
                let mut item =
                    json!({"id": id, "timestamp": "9", "type": "text", "text": {"body": "Hi"}});
                if is_outbound {
                    item["from"] = BUSINESS.into();
                }
                extend(&mut item, named.under(if is_outbound { TO } else { FROM }));
                item
            }
            Self::StandbyEcho => {
                let mut message = json!({"type": "text", "text": {"body": "Hi"}});
                extend(&mut message, named.under(["to", "recipient", ""]));
                json!({"id": id, "timestamp": "9", "message": message})
            }
            Self::JoinRequest => {
                let mut item = json!({"type": "group_join_request_created", "group_id": "G",
                    "timestamp": "9", "join_request_id": id});
                extend(&mut item, named.under(OWN));
                item
            }
        };
        self.spoil(&mut item, state);
        item
    }

    fn spoil(self, item: &mut Value, state: State) {
        let (essential, member) = match self {
            Self::Message | Self::Echo | Self::OldMessage { .. } => ("id", "errors"),
            Self::News => ("id", "context"),
            Self::Status | Self::Participant | Self::CallStatus => {
                ("status", "biz_opaque_callback_data")
            }
            Self::Call { .. } => ("event", "session"),
            Self::Preference | Self::Signup => ("value", "detail"),
            Self::Sync => ("action", "metadata"),
            Self::Handover => ("type", "control_taken"),
            Self::StandbyEcho => ("id", "template"),
            Self::JoinRequest => ("type", "reason"),
        };
        match state {
            State::Good => {}
            State::Part => item[member] = json!([[1]]),
            State::Malformed => {
                item[essential] = json!([[1]]);
                // Its kind would follow from this one.
                if let Self::Handover = self {
                    item["control_passed"] = json!(null);
                }
            }
            State::Unknown => match self {
                Self::Message | Self::Echo | Self::OldMessage { .. } => {
                    item["type"] = "hologram".into();
                }
                _ => {}
            },
        }
    }

    /// A value with these items.
    fn value(self, items: &[(Named, State)], first: usize, contacts: &[Value]) -> Value {
        let items: Vec<_> = items
            .iter()
            .enumerate()
            .map(|(at, (named, state))| (named, self.item(named, first + at, *state)))
            .collect();
        let list: Vec<_> = items.iter().map(|(_, item)| item.clone()).collect();
        let mut value = match self {
            Self::Message | Self::News => json!({"messages": list}),
            Self::Echo => json!({"message_echoes": list}),
            Self::Status | Self::Participant | Self::CallStatus => json!({"statuses": list}),
            Self::Call { .. } => json!({"calls": list}),
            Self::Preference | Self::Signup => json!({"user_preferences": list}),
            Self::Sync => json!({"state_sync": list}),
            Self::Handover => list[0].clone(),
            Self::OldMessage { .. } => {
                let threads = items.iter().map(|(named, item)| {
                    let context = named.under(OWN);
                    json!({"id": named.id(0), "context": context, "messages": [item]})
                });
                json!({"history": [{"metadata": {"phase": 0, "chunk_order": first, "progress": 5},
                    "threads": threads.collect::<Vec<_>>()}]})
            }
            Self::StandbyEcho => json!({"standby": {"message_echoes": list}}),
            Self::JoinRequest => json!({"groups": list}),
        };
        value["metadata"] = json!({"phone_number_id": "300", "display_phone_number": BUSINESS});
        if !contacts.is_empty() && !matches!(self, Self::Handover | Self::StandbyEcho) {
            value["contacts"] = contacts.into();
        }
        value
    }
}

fn extend(item: &mut Value, members: Map<String, Value>) {
    item.as_object_mut().unwrap().extend(members);
}

fn named() -> impl Strategy<Value = Named> {
    let has = subsequence(vec![0, 1, 2], 1..=3);
    (0..2_usize, has).prop_map(|(user, places)| Named {
        user,
        has: [0, 1, 2].map(|at| places.contains(&at)),
    })
}

fn state() -> impl Strategy<Value = State> {
    prop_oneof![
        Just(State::Good),
        Just(State::Part),
        Just(State::Malformed),
        Just(State::Unknown)
    ]
}

/// A value, and for each of its users whether a contact names the user by some of the ids.
fn change() -> impl Strategy<Value = (Place, Vec<(Named, State)>, Vec<Named>)> {
    let place = proptest::sample::select(PLACES.to_vec());
    let items = prop::collection::vec((named(), state()), 1..4);
    let contacts = prop::collection::vec(named(), 0..3);
    (place, items, contacts)
}

/// The place has no member for some ids: the item then names its user by another.
fn fitting(place: Place, mut named: Named) -> Named {
    match place {
        Place::Handover => named.has = [true, false, false],
        Place::StandbyEcho | Place::Participant if !named.has[0] && !named.has[1] => {
            named.has[0] = true;
        }
        // A thread has the number as its id.
        Place::OldMessage { .. } => named.has[0] = true,
        _ => {}
    }
    named
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn all_events_of_one_user_have_one_partition_wherever_the_user_is_named(
        changes in prop::collection::vec(change(), 1..5),
        place_of_all in 0..5_usize,
    ) {
        let mut expected = Vec::new();
        let mut values = Vec::new();
        for (at, (place, items, contacts)) in changes.into_iter().enumerate() {
            let mut items: Vec<_> = items
                .into_iter()
                .map(|(named, state)| (fitting(place, named), state))
                .collect();
            if let Place::Handover = place {
                items.truncate(1);
            }
            // A contact is of a user of the value, once.
            let mut contacts = contacts;
            contacts.retain(|contact| items.iter().any(|(item, _)| item.user == contact.user));
            contacts.sort_by_key(|contact| contact.user);
            contacts.dedup_by_key(|contact| contact.user);
            let contacts: Vec<_> = contacts.iter().map(|named| named.under(OWN).into()).collect();
            expected.extend(items.iter().map(|(named, _)| named.user));
            values.push((place.field(), place.value(&items, 10 * at, &contacts)));
        }
        // One item of each user has all ids, so that the others can be known.
        let all = [0, 1].map(|user| (Named { user, has: [true; 3] }, State::Good));
        let place = Place::Message;
        let known = (place.field(), place.value(&all, 900, &[]));
        values.insert(place_of_all.min(values.len()), known);

        let changes: Vec<_> = values
            .iter()
            .map(|(field, value)| json!({"field": field, "value": value}))
            .collect();
        let body = json!({"object": "whatsapp_business_account",
            "entry": [{"id": "900", "changes": changes}]});
        let webhook = parse(body.to_string().as_bytes()).unwrap();
        for event in &webhook {
            // A chunk is of several users.
            if event.name() == "history" {
                continue;
            }
            let raw = event.raw().as_str();
            let partition = event.partition_key();
            let of = USERS.map(|[_, user_id, _]| format!("300:{user_id}"));
            prop_assert!(of.contains(&partition), "{} of {} in {}", partition, raw, body);
            prop_assert_eq!(
                user_in(event, &body.to_string()),
                of.iter().position(|of| *of == partition),
                "{} in {}", raw, body
            );
        }
        prop_assert!(webhook.events().len() >= expected.len() + 2);
    }
}

/// The user whose ids stand in the item of an event.
fn user_in(event: &WebhookEvent, body: &str) -> Option<usize> {
    let raw = event.raw();
    let found = |text: &str| {
        let is_in = |ids: &[&str; 3]| ids.iter().any(|id| text.contains(&format!("\"{id}\"")));
        USERS.iter().position(is_in)
    };
    // A part of an item is found by the id of the item.
    found(raw.as_str()).or_else(|| {
        let WebhookEvent::Unrecognized(event) = event else {
            return None;
        };
        let body: Value = serde_json::from_str(body).unwrap();
        let item = item_at(&body, &event.path)?;
        found(&item.to_string())
    })
}

/// The innermost part of a body on the way along a path that has ids of a user.
fn item_at<'v>(body: &'v Value, path: &str) -> Option<&'v Value> {
    let mut at = body;
    let mut item = None;
    for step in path.split(['.', '[', ']']).filter(|step| !step.is_empty()) {
        at = match step.parse::<usize>() {
            Ok(index) => at.get(index)?,
            Err(_) => at.get(step)?,
        };
        let text = at.to_string();
        if USERS
            .iter()
            .flatten()
            .any(|id| text.contains(&format!("\"{id}\"")))
        {
            item = Some(at);
        }
    }
    item
}
