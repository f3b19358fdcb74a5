//! Open enums: a text has one value, and no value is the second form of another one.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::select;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use whatsapp_signals::event::*;
use whatsapp_signals::model::*;

/// A row for each open enum: its name, and the check of a text.
type Row = (&'static str, fn(&str) -> String);

macro_rules! open_enums {
    ($($name:ident)+) => { &[$((stringify!($name), one_value::<$name>)),+] };
}

const ENUMS: &[Row] = open_enums! {
    AccountEvent AlertSeverity AlertState BanState CallDirection CallEvent CallOutcome
    CallPermission CallStage CampaignStatus CategoryAppealStatus Decision Direction FlowEvent
    FlowStatus GroupLifecycle GroupState HandoverKind HistoryStatus MessageStatus MessagingLimit
    PacingStatus ParticipantsEvent PaymentConfigurationStatus PreferenceValue PricingCategory
    PricingModel PricingSubtype PricingType QualityEvent QualityScore SecurityEvent SignupStatus
    SolutionStatus SyncAction SystemKind TemplateCategory TemplateEvent UserActionType
    UsernameContext UsernameStatus
};

/// Checks that each way from a text to a value gives the same value, and returns its variant.
#[track_caller]
fn one_value<E>(text: &str) -> String
where
    E: for<'a> From<&'a str> + From<String> + AsRef<str>,
    E: PartialEq + Debug + Serialize + DeserializeOwned,
{
    let value = E::from(text);
    assert_eq!(E::from(value.as_ref()), value, "{text:?}");
    assert_eq!(E::from(text.to_owned()), value, "{text:?}");
    assert_eq!(
        serde_json::from_value::<E>(json!(text)).unwrap(),
        value,
        "{text:?}"
    );
    let stored = serde_json::to_string(&value).unwrap();
    assert_eq!(
        serde_json::from_str::<E>(&stored).unwrap(),
        value,
        "{text:?}"
    );
    let variant = format!("{value:?}");
    match variant.strip_prefix("Other(") {
        Some(_) => {
            assert_eq!(value.as_ref(), text);
            "Other".into()
        }
        None => variant,
    }
}

/// The tables of the source: an enum's name, and each spelling with its variant.
fn tables() -> Vec<(String, Vec<(String, String)>)> {
    fn read(folder: &Path, tables: &mut Vec<(String, Vec<(String, String)>)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, tables);
                continue;
            }
            let source = fs::read_to_string(&path).unwrap();
            for table in source.split("\ntext_enum! {\n").skip(1) {
                let (table, _) = table.split_once("\n}\n").unwrap();
                tables.push(rows(table));
            }
        }
    }
    fn rows(table: &str) -> (String, Vec<(String, String)>) {
        let lines = table.lines().map(str::trim);
        let mut lines = lines.filter(|line| !line.starts_with("///"));
        let name = lines
            .find_map(|line| line.strip_prefix("pub enum "))
            .unwrap();
        let rows = lines.filter_map(|line| line.split_once(" = "));
        let rows = rows.flat_map(|(variant, texts)| {
            let texts = texts.trim_end_matches(',').split(" | ");
            texts.map(|text| (text.trim_matches('"').to_owned(), variant.to_owned()))
        });
        (name.trim_end_matches(" {").to_owned(), rows.collect())
    }
    let mut tables = Vec::new();
    read(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut tables,
    );
    tables
}

#[test]
fn each_spelling_of_a_table_is_its_variant() {
    let tables = tables();
    let names: BTreeSet<_> = tables.iter().map(|(name, _)| &**name).collect();
    let checked: BTreeSet<_> = ENUMS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, checked, "all open enums are in the list");
    for (name, rows) in &tables {
        let (_, check) = ENUMS.iter().find(|(of, _)| of == name).unwrap();
        assert!(!rows.is_empty(), "{name}");
        for (text, variant) in rows {
            assert_eq!(&check(text), variant, "{name}: {text}");
        }
        for text in ["NEW_IN_2031", "", " ", "other", "Other"] {
            if rows.iter().all(|(known, _)| known != text) {
                assert_eq!(check(text), "Other", "{name}: {text:?}");
            }
        }
    }
}

proptest! {
    /// Each text, and those of any table in other letters, is read alike in every way.
    #[test]
    fn each_text_is_one_value_of_each_enum(text in texts()) {
        for (_, check) in ENUMS {
            check(&text);
        }
    }
}

fn texts() -> impl Strategy<Value = String> {
    let known = tables().into_iter().flat_map(|(_, rows)| rows);
    let known = select(known.map(|(text, _)| text).collect::<Vec<_>>());
    prop_oneof![
        known.clone(),
        known.clone().prop_map(|text| text.to_lowercase()),
        known.clone().prop_map(|text| text.to_uppercase()),
        known.prop_map(|text| format!(" {text}")),
        ".*",
    ]
}

/// A queue may hold what an earlier version wrote, which did not know the type yet.
#[test]
fn a_stored_reply_of_a_known_type_is_read_as_its_variant() {
    for (kind, content) in [
        ("button_reply", json!({"id": "yes", "title": "Yes"})),
        ("list_reply", json!({"id": "svc_brakes"})),
        ("nfm_reply", json!({"response_json": "{}"})),
        ("call_permission_reply", json!({"response": "accept"})),
        ("product", json!({"product_retailer_id": "bell-7"})),
        ("payment_method", json!({"last_four_digits": "9073"})),
    ] {
        let own = json!({kind: content});
        let own: Interactive = serde_json::from_value(own).unwrap();
        let stored = json!({"other": {"type": kind, "content": content}});
        let stored: Interactive = serde_json::from_value(stored).unwrap();
        assert!(!matches!(stored, Interactive::Other(..)), "{kind}");
        assert_eq!(stored, own, "{kind}");

        let reply = json!({"type": kind, "content": content});
        let reply = serde_json::from_value::<OtherReply>(reply);
        assert!(reply.is_err(), "{kind}");

        let malformed = json!({"other": {"type": kind, "content": 7}});
        assert!(
            serde_json::from_value::<Interactive>(malformed).is_err(),
            "{kind}"
        );
    }
    for kind in ["new_reply", "other", "outbound", "Button_Reply", ""] {
        let stored = json!({"other": {"type": kind, "content": {"a": [1]}}});
        let reply: Interactive = serde_json::from_value(stored.clone()).unwrap();
        assert!(matches!(&reply, Interactive::Other(reply) if reply.kind() == kind));
        assert_eq!(serde_json::to_value(&reply).unwrap(), stored);
    }
}
