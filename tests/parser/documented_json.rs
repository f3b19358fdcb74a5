//! Meta's JSON, as the docs show it, against `Deserialize` of the type that it stands at.

use crate::support;
use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fs;
use std::path::Path;

use crate::support::malformed::malformed_bodies;
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use whatsapp_signals::event::{WebhookEvent, *};
use whatsapp_signals::model::*;
use whatsapp_signals::parse;

use crate::fidelity::{Unique, leaves, said_by};

/// Values in the docs that the type does not have, as the docs say there.
const NOT_KEPT: &[(&str, &str)] = &[
    // The product is the one that this crate is for.
    ("AccountSettingsUpdate", "messaging_product"),
    // The messages are events of their own, and the threads are in the raw JSON.
    ("History", "threads[].id"),
    ("History", "threads[].messages[].from"),
    ("History", "threads[].messages[].history_context.status"),
    ("History", "threads[].messages[].id"),
    ("History", "threads[].messages[].text.body"),
    ("History", "threads[].messages[].timestamp"),
    ("History", "threads[].messages[].type"),
    // The event has the number of the business, beside the message.
    ("MessageEcho", "from"),
];

/// The types with JSON in their docs: payloads of a `FieldEvent`, each of which has a variant of
/// `WebhookEvent`, and others, with the type that reads the JSON where it is another.
macro_rules! types {
    (
        changes { $($change:ident)+ }
        others { $($other:ident $(by $reader:ident)?,)+ }
    ) => {
        /// Checks a value from the docs of a type, and calls `missing` with the path of each
        /// scalar that was lost.
        fn check(name: &str, json: &Value, missing: &mut dyn FnMut(&str)) {
            match name {
                $(stringify!($change) => check_as::<$change>(json, missing),)+
                $(stringify!($other) => check_as::<types!(@reader $other $($reader)?)>(json, missing),)+
                _ => panic!("the docs of {name} have JSON: it needs a row in the table of types"),
            }
        }

        /// The types of the table.
        const TYPES: &[&str] = &[$(stringify!($change),)+ $(stringify!($other),)+];

        /// Checks that the payload of an event of a change is read from its raw JSON.
        fn check_change(event: &WebhookEvent, is_whole: bool) -> bool {
            match event {
                $(WebhookEvent::$change(change) => {
                    check_item(change.raw.as_str(), &change.value, is_whole)
                })+
                _ => false,
            }
        }
    };
    (@reader $other:ident) => { $other };
    (@reader $other:ident $reader:ident) => { $reader };
}

types! {
    changes {
        AccountAlert AccountReviewUpdate AccountSettingsUpdate AccountUpdate AutomaticEvent
        BusinessCapabilityUpdate BusinessStatusUpdate BusinessUsernameUpdate Call CallStatus
        ConversationContext FlowUpdate GroupLifecycleUpdate GroupParticipantsUpdate
        GroupSettingsUpdate GroupStatusUpdate History MessageTemplateComponentsUpdate
        MessageTemplateQualityUpdate MessageTemplateStatusUpdate MessagingHandover MetaError
        PartnerSolution PaymentConfigurationUpdate PhoneNumberNameUpdate
        PhoneNumberQualityUpdate Security SmbAppStateSync StandbyEcho TemplateCategoryUpdate
        TemplateCorrectCategoryDetection TrackingEvent UserAction UserIdUpdate UserPreference
    }
    others {
        ActionParameters, Button, Contact, ContactCard, Edit, GraphError, Interactive,
        InteractiveAction, InteractiveButton, InteractiveCard, InteractiveHeader,
        InteractiveSection, Location, Media, Message, MessageContext, MessageEcho by Message,
        NfmReply, Order, OutboundInteractive, Reaction, Referral, Revoke, StatusUpdate, System,
        TemplateCard, TemplateComponent, TemplateParameter, Text, Unsupported,
    }
}

trait Type: DeserializeOwned + Serialize + PartialEq + Debug {}
impl<T: DeserializeOwned + Serialize + PartialEq + Debug> Type for T {}

fn check_as<T: Type>(json: &Value, missing: &mut dyn FnMut(&str)) {
    let read: T =
        serde_json::from_value(json.clone()).unwrap_or_else(|error| panic!("{error}: {json}"));
    comes_back(&read);
    let written = serde_json::to_value(&read).unwrap();
    let said = said_by("content", &written);
    let mut shown = Vec::new();
    leaves("", json, &mut shown);
    for (path, scalar) in shown {
        if !said.contains(&scalar) {
            missing(&path[1..]);
        }
    }
}

/// Checks that a value is read again from its own form, in any order of members.
fn comes_back<T: Type>(value: &T) {
    let text = serde_json::to_string(value).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), value, "{text}");
    let sorted = serde_json::to_value(value).unwrap();
    assert_eq!(
        &serde_json::from_value::<T>(sorted).unwrap(),
        value,
        "{text}"
    );
}

/// JSON in the docs of a type.
struct Shown {
    /// The name of the type.
    of: String,
    at: String,
    values: Vec<Value>,
}

/// Returns all JSON in the docs of this crate.
fn shown() -> Vec<Shown> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    find_sources(&root.join("src"), &mut files);
    let mut found = Vec::new();
    for file in files {
        let source = fs::read_to_string(&file).unwrap();
        let before = found.len();
        shown_in(&source, &file, &mut found);
        let (read, there) = (found.len() - before, source.matches("```json").count());
        assert_eq!(
            read,
            there,
            "{}: JSON beside the docs of a type",
            file.display()
        );
    }
    found
}

fn find_sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find_sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Finds the blocks of JSON in doc comments, and the type that follows each.
fn shown_in(source: &str, file: &Path, found: &mut Vec<Shown>) {
    let mut lines = source.lines().map(str::trim).enumerate();
    while let Some((at, line)) = lines.next() {
        if line != "/// ```json" {
            continue;
        }
        let docs = lines
            .by_ref()
            .map(|(_, line)| line.strip_prefix("///").expect("docs"));
        let block: Vec<_> = docs.take_while(|line| line.trim() != "```").collect();
        let block = block.join("\n");
        let values = serde_json::Deserializer::from_str(&block).into_iter();
        let at = format!("{}:{}", file.display(), at + 1);
        let values: Result<Vec<Value>, _> = values.collect();
        found.push(Shown {
            of: type_behind(lines.clone().map(|(_, line)| line))
                .unwrap_or_else(|| panic!("{at}: no type")),
            values: values.unwrap_or_else(|error| panic!("{at}: {error}")),
            at,
        });
    }
}

/// Returns the name of the type whose docs and attributes these lines begin with.
fn type_behind<'a>(mut lines: impl Iterator<Item = &'a str>) -> Option<String> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    lines.find_map(|line| {
        let item = line
            .strip_prefix("pub struct ")
            .or(line.strip_prefix("pub enum "))?;
        item.split(|c| !is_name(c)).next().map(str::to_owned)
    })
}

/// A new block of JSON is checked at any type.
#[test]
fn documented_json_is_parsed_and_written_back() {
    let mut lost = BTreeSet::new();
    for Shown { of, at, values } in shown() {
        assert!(!values.is_empty(), "{at}: no JSON");
        for json in values {
            check(&of, &json, &mut |path| {
                lost.insert((of.clone(), path.to_owned()));
            });
            // With scalars that stand nowhere else, so that nothing is found by chance.
            let mut unique = json;
            Unique::default().replace("", &mut unique);
            check(&of, &unique, &mut |path| {
                lost.insert((of.clone(), path.to_owned()));
            });
        }
    }
    let not_kept = NOT_KEPT
        .iter()
        .map(|(of, path)| ((*of).to_owned(), (*path).to_owned()));
    assert_eq!(lost, not_kept.collect());
}

#[test]
fn every_type_of_the_table_shows_json() {
    let shown: BTreeSet<String> = shown().into_iter().map(|shown| shown.of).collect();
    let types: BTreeSet<String> = TYPES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(types, shown);
}

/// Checks that a value of the parser's is read from its item alone, and returns whether it was.
/// An item that is not whole may be refused.
fn check_item<T: Type>(item: &str, parsed: &T, is_whole: bool) -> bool {
    match serde_json::from_str::<T>(item) {
        Ok(read) => {
            assert_eq!(&read, parsed, "{item}");
            comes_back(&read);
            true
        }
        Err(error) => {
            assert!(!is_whole, "{error}: {item}");
            false
        }
    }
}

fn check_event(event: &WebhookEvent, is_whole: bool) -> bool {
    let item = event.raw().as_str();
    match event {
        WebhookEvent::MessageReceived(event) => check_item(item, &event.message, is_whole),
        WebhookEvent::StandbyMessage(event) => check_item(item, &event.message, is_whole),
        WebhookEvent::MessageEcho(event) => check_item(item, &event.message, is_whole),
        WebhookEvent::MessageStatusChanged(event) => check_item(item, &event.update, is_whole),
        WebhookEvent::StandbyStatus(event) => check_item(item, &event.update, is_whole),
        // The parser completes a missing `type`.
        WebhookEvent::MessagingHandover(_) if !item.contains("\"type\": \"control_") => false,
        event => check_change(event, is_whole),
    }
}

/// Checks all events of a body and their contacts, and returns the number of values that were
/// read. Those of a body with reports, or if they all `may_refuse`, may be refused.
fn check_body(body: &str, may_refuse: bool) -> usize {
    // Half a surrogate pair, or a body that was reported since it is no webhook.
    let (Ok(_), Ok(webhook)) = (serde_json::from_str::<Value>(body), parse(body.as_bytes())) else {
        return 0;
    };
    let is_report = |event: &WebhookEvent| matches!(event, WebhookEvent::Unrecognized(_));
    let is_whole = !may_refuse && !webhook.iter().any(is_report);
    let contact_of = |event: &WebhookEvent| {
        // A signup, and a report of it, completes the contact.
        let WebhookEvent::MessageReceived(event) = event else {
            return None;
        };
        let mut contact = Contact::clone(event.contact.as_ref()?);
        let raw = contact.raw.take()?;
        Some(check_item(raw.as_str(), &contact, is_whole))
    };
    // An echo without a recipient is known by its list alone. Answers that are no string are kept
    // as they are spelled.
    let is_item_enough = |event: &&WebhookEvent| match event {
        WebhookEvent::MessageEcho(event) => event.message.user.is_some(),
        WebhookEvent::MessageReceived(event) => !may_refuse || event.message.nfm_reply().is_none(),
        _ => true,
    };
    let events = webhook.iter().filter(is_item_enough);
    events
        .map(|event| {
            usize::from(check_event(event, is_whole)) + usize::from(contact_of(event) == Some(true))
        })
        .sum()
}

#[test]
fn deserialize_gives_the_values_of_the_parser() {
    let all = support::all();
    let has_collection = all.len() > support::payloads().len();
    let bodies = all.into_iter().chain(support::reported());
    let checked: usize = bodies.map(|(_, body)| check_body(&body, false)).sum();
    // The bodies of the repository alone have 265.
    let least = if has_collection { 300 } else { 264 };
    assert!(checked > least, "{checked}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2048) })]

    /// It may refuse a malformed or repeated member.
    #[test]
    fn deserialize_gives_the_values_of_the_parser_for_malformed_items(body in malformed_bodies(&support::all())) {
        check_body(&body, true);
    }
}

#[test]
fn a_malformed_member_is_an_error_and_quotes_nothing() {
    fn refuses<T: Type>(json: &str, expected: &str) {
        let error = serde_json::from_str::<T>(json).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
        assert!(!error.contains("Ada"), "{error}");
    }
    refuses::<StatusUpdate>(
        r#"{"id": "wamid.A", "status": "read", "recipient_id": ["Ada"]}"#,
        "unexpected JSON type of a member",
    );
    refuses::<StatusUpdate>(
        r#"{"id": "wamid.A", "recipient_id": "Ada"}"#,
        "missing field `status`",
    );
    refuses::<Contact>(
        r#"{"wa_id": "15550101001", "profile": {"name": ["Ada"]}}"#,
        "unexpected JSON type of a member",
    );
    refuses::<Call>(
        r#"{"id": "wacid.A", "event": "connect", "session": ["offer"]}"#,
        "unexpected JSON type of a member",
    );
    refuses::<Contact>(r#"{"profile": {"name": "Ada"}}"#, "missing field `wa_id`");
    refuses::<Message>(
        r#"{"id": "wamid.A", "type": "Ada", "Ada": {}}"#,
        "unknown `type`",
    );
    refuses::<Message>(
        r#"{"id": "wamid.A", "type": "text"}"#,
        "missing field `text`",
    );
    refuses::<Message>(r#"{"id": "wamid.A", "id": "wamid.B"}"#, "duplicate field");
    refuses::<EditedMessage>(
        r#"{"type": "edit", "edit": {"original_message_id": "wamid.A"}}"#,
        "unknown `type`",
    );
    refuses::<Interactive>(
        r#"{"type": "button_reply", "button_reply": {"title": "Ada"}}"#,
        "missing field `id`",
    );
}
