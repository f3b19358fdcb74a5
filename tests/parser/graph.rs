//! Requests of the kinds in Meta's documentation, with the responses to them, and the events that
//! they become.

use crate::support::json::Json;
use crate::support::malformed::malformed_bodies;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use whatsapp_signals::Event;
use whatsapp_signals::event::{
    GraphJsonError, GraphJsonErrorKind, MessageRefused, MessageSent, WebhookEvent,
};
use whatsapp_signals::model::{
    Account, Content, Identity, Interactive, Message, MessageStatus, OutboundInteractive,
    PacingStatus, RawJson, Timestamp,
};
use whatsapp_signals::parse;

/// A request and the response to it.
#[derive(Clone, Debug)]
struct Pair {
    name: String,
    request: String,
    response: String,
}

#[derive(serde::Deserialize)]
struct File<'a> {
    #[serde(borrow)]
    request: &'a RawValue,
    #[serde(borrow)]
    response: &'a RawValue,
}

fn pairs() -> Vec<Pair> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/payloads/graph");
    let files = fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    let pair = |path: &std::path::PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let file: File<'_> = serde_json::from_str(&text).unwrap();
        Pair {
            name: path.file_stem().unwrap().display().to_string(),
            request: file.request.get().to_owned(),
            response: file.response.get().to_owned(),
        }
    };
    files.iter().map(pair).collect()
}

fn pair(name: &str) -> Pair {
    let pair = pairs().into_iter().find(|pair| pair.name == name);
    pair.unwrap_or_else(|| panic!("{name}"))
}

fn sent(name: &str) -> MessageSent {
    let Pair {
        request, response, ..
    } = pair(name);
    let mut sent = MessageSent::from_graph(request, response).unwrap();
    assert_eq!(sent.len(), 1);
    sent.remove(0)
}

/// Returns the messages of a text to Ada, with this response.
fn sent_with(response: &Value) -> Result<Vec<MessageSent>, GraphJsonError> {
    let request = json!({"to": "15550101001", "text": {"body": "Hi"}});
    MessageSent::from_graph(request.to_string(), response.to_string())
}

/// Returns the event without the texts that are as in the request, and without the time.
fn summary(event: &impl serde::Serialize) -> String {
    let mut event = serde_json::to_value(event).unwrap();
    let members = event.as_object_mut().unwrap();
    for name in ["request", "raw", "timestamp"] {
        members.remove(name);
    }
    if let Some(message) = members.get_mut("message") {
        message.as_object_mut().unwrap().remove("timestamp");
    }
    Json::parse(&event.to_string()).sorted().to_string()
}

fn interactive(message: &Message) -> Option<&OutboundInteractive> {
    match &message.content {
        Content::Interactive(interactive) => match &**interactive {
            Interactive::Outbound(message) => Some(message),
            _ => None,
        },
        _ => None,
    }
}

/// Returns a text on one line.
fn one_line(summary: &str) -> String {
    let text = summary.split_whitespace().collect::<Vec<_>>().join(" ");
    text.replace(" : ", ": ").replace(" ,", ",")
}

#[test]
fn each_request_and_its_response_become_the_events_that_the_name_promises() {
    let mut text = String::new();
    for Pair {
        name,
        request,
        response,
    } in pairs()
    {
        writeln!(text, "{name}").unwrap();
        if name.starts_with("refused") {
            let error = MessageSent::from_graph(&request, &response).unwrap_err();
            assert_eq!(error.kind(), GraphJsonErrorKind::Refused, "{name}");
            let refused = MessageRefused::from_graph_error(&request, &response).unwrap();
            if let Some(event) = refused {
                assert_eq!(event.request.as_str(), request);
                writeln!(text, "  {}", one_line(&summary(&event))).unwrap();
            }
        } else {
            let error = MessageRefused::from_graph_error(&request, &response).unwrap_err();
            assert_eq!(error.kind(), GraphJsonErrorKind::NoError, "{name}");
            for event in MessageSent::from_graph(&request, &response).unwrap() {
                assert_eq!(event.request.as_ref().unwrap().as_str(), request);
                writeln!(text, "  {:?}", event.message.body()).unwrap();
                writeln!(text, "  {}", one_line(&summary(&event))).unwrap();
                if let Some(message) = interactive(&event.message) {
                    let parts = json!({
                        "header": message.header(),
                        "footer": message.footer(),
                        "action": message.action(),
                    });
                    let parts = Json::parse(&parts.to_string()).sorted().to_string();
                    writeln!(text, "  {} {}", message.kind(), one_line(&parts)).unwrap();
                }
            }
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn at_least_25_kinds_of_request_are_typed() {
    let mut kinds = BTreeSet::new();
    for pair in pairs() {
        for event in MessageSent::from_graph(&pair.request, &pair.response).unwrap_or_default() {
            let kind = event.message.message_type();
            assert_eq!(kind == "unsupported", pair.name == "pin", "{}", pair.name);
            kinds.insert(pair.name.clone());
        }
    }
    assert!(kinds.len() >= 40, "{kinds:?}");
}

#[test]
fn events_of_requests_survive_serialization() {
    fn comes_back<E>(event: &E)
    where
        E: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
    {
        let text = serde_json::to_string(event).unwrap();
        assert_eq!(&serde_json::from_str::<E>(&text).unwrap(), event);
        let value = serde_json::to_value(event).unwrap();
        assert_eq!(&serde_json::from_value::<E>(value).unwrap(), event);
    }
    for pair in pairs() {
        let Pair {
            request, response, ..
        } = &pair;
        for event in MessageSent::from_graph(request, response).unwrap_or_default() {
            comes_back(&event);
            comes_back(&event.message);
        }
        if let Ok(Some(event)) = MessageRefused::from_graph_error(request, response) {
            comes_back(&event);
        }
    }
}

/// Rows that were written before these members were there.
#[test]
fn events_and_messages_of_earlier_versions_are_read() {
    let message = r#"{"id":"wamid.A","direction":"outbound","user":{"wa_id":"15550101001"},
        "status":"sent","content":{"template":{"name":"offer","language":"en_US"}}}"#;
    let read: Message = serde_json::from_str(message).unwrap();
    assert_eq!(read.content, Content::template("offer", "en_US"));
    let event = format!(r#"{{"message":{message}}}"#);
    let read: MessageSent = serde_json::from_str(&event).unwrap();
    assert_eq!((read.request, read.message_status), (None, None));

    let interactive = r#"{"outbound":{"type":"list","body":["Hi"],"shiny":{"a":[1]}}}"#;
    let read: Interactive = serde_json::from_str(interactive).unwrap();
    assert_eq!(
        serde_json::to_string(&read).unwrap().len(),
        interactive.len()
    );
}

/// The stored form of a plain template is the one of earlier versions.
#[test]
fn a_template_without_parameters_is_written_as_before() {
    let content = serde_json::to_value(Content::template("offer", "en_US")).unwrap();
    assert_eq!(
        content,
        json!({"template": {"name": "offer", "language": "en_US"}})
    );
}

#[test]
fn the_user_is_the_wa_id_and_never_the_input() {
    let event = sent("text-other-digits");
    assert_eq!(
        event.message.recipient().unwrap().phone(),
        Some("525550101001")
    );
    let wa_id = |contacts: Value| {
        let response = json!({"contacts": contacts, "messages": [{"id": "wamid.A"}]});
        let sent = sent_with(&response).unwrap();
        let user = sent[0].message.user.clone();
        user.map(|user| user.ids_of_test())
    };
    // Of the request, where the contacts have none.
    for contacts in [
        json!(null),
        json!([]),
        json!({}),
        json!([7]),
        json!([{"input": "15559990000"}]),
        json!([{"input": "15559990000", "wa_id": ""}]),
        json!([{"input": "15559990000", "wa_id": null}]),
        json!([{"input": "15559990000", "wa_id": ["15559990000"]}]),
        // It is unknown which of the two it is.
        json!([{"wa_id": "15559990000"}, {"wa_id": "15559990001"}]),
    ] {
        assert_eq!(
            wa_id(contacts.clone()),
            Some("15550101001".into()),
            "{contacts}"
        );
    }
    for (contacts, user) in [
        (
            json!([{"input": "1", "wa_id": "15550101009"}]),
            "15550101009",
        ),
        (json!([{"wa_id": 15_550_101_009_u64}]), "15550101009"),
        (
            json!([{"wa_id": "1", "user_id": "US.7", "parent_user_id": "US.ENT.8"}]),
            "1 US.7 US.ENT.8",
        ),
        (json!([{"user_id": "US.7"}]), "US.7"),
        (json!([{"user_id": "US.ENT.8"}]), "US.ENT.8"),
    ] {
        assert_eq!(wa_id(contacts.clone()), Some(user.into()), "{contacts}");
    }
}

trait IdsOfTest {
    fn ids_of_test(&self) -> String;
}

impl IdsOfTest for Identity {
    fn ids_of_test(&self) -> String {
        let ids = [self.wa_id(), self.user_id(), self.parent_user_id()];
        ids.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn the_recipient_of_the_request_is_cleaned_as_an_identity_is() {
    for (request, user) in [
        (json!({"to": "+1 (555) 010-1001"}), Some("15550101001")),
        (json!({"to": 15_550_101_001_u64}), Some("15550101001")),
        (json!({"to": "US.7"}), Some("US.7")),
        (json!({"recipient": "US.7"}), Some("US.7")),
        (json!({"recipient": "US.ENT.8"}), Some("US.ENT.8")),
        (json!({"to": ["+1 555 010-1001"]}), Some("15550101001")),
        (json!({"to": ["1", "2"]}), None),
        (json!({"to": {}}), None),
        (json!({}), None),
    ] {
        let response = r#"{"messages": [{"id": "wamid.A"}]}"#;
        let sent = MessageSent::from_graph(request.to_string(), response).unwrap();
        let named = sent[0].message.user.as_ref().map(Identity::ids_of_test);
        assert_eq!(named.as_deref(), user, "{request}");
        // The parent id is of another kind than the id in the portfolio.
        let parent = user.filter(|id| id.contains("ENT"));
        let found = sent[0].message.user.as_ref();
        assert_eq!(found.and_then(Identity::parent_user_id), parent);
    }
}

#[test]
fn a_message_to_a_group_has_the_group_and_no_user() {
    let event = sent("text-to-group");
    let group = "Y2FwaV9ncm91cDoxNTU1MDEwMDIwMDoxMjAzNjMwMDAwMDAwMDAwMDAZD";
    assert_eq!(event.message.group_id.as_ref().unwrap(), group);
    assert_eq!(event.message.user, None);
    let account = Account::new("900800700600500").with_number("300200100500600", "15550100200");
    let key = event.with_account(account).partition_key();
    assert_eq!(key, format!("300200100500600:{group}"));
    // The `wa_id` is the group's even if the request has no id of it.
    let (request, response) = (
        pair("text-to-group").request,
        pair("text-to-group").response,
    );
    let request = request.replace(group, "");
    let message = MessageSent::from_graph(request, response)
        .unwrap()
        .remove(0)
        .message;
    assert_eq!(message.user, None);
    // Or of the response.
    let response =
        json!({"contacts": [{"wa_id": "1"}], "messages": [{"id": "wamid.A", "group_id": "G"}]});
    let message = sent_with(&response).unwrap().remove(0).message;
    assert_eq!(
        (message.group_id.unwrap().as_str(), message.user),
        ("G", None)
    );
}

#[test]
fn each_of_several_messages_has_its_own_user() {
    let response = |messages: Value| json!({"contacts": [{"wa_id": "1"}, {"wa_id": "2"}, {"wa_id": "3"}], "messages": messages});
    let users = |response: Value| {
        let sent = sent_with(&response).unwrap().into_iter();
        let named = sent.map(|sent| {
            let user = sent.message.user.as_ref().map(Identity::ids_of_test);
            (sent.message.id.to_string(), user.unwrap_or_default())
        });
        named.collect::<Vec<_>>()
    };
    let expected = |pairs: &[(&str, &str)]| {
        let pairs = pairs
            .iter()
            .map(|(id, user)| ((*id).to_owned(), (*user).to_owned()));
        pairs.collect::<Vec<_>>()
    };
    // A malformed or repeated one costs itself, and moves no other to another user.
    for (second, named) in [
        (
            json!({"id": "wamid.B"}),
            &[("wamid.A", "1"), ("wamid.B", "2"), ("wamid.C", "3")][..],
        ),
        (
            json!({"id": ["wamid.B"]}),
            &[("wamid.A", "1"), ("wamid.C", "3")],
        ),
        (json!({"id": ""}), &[("wamid.A", "1"), ("wamid.C", "3")]),
        (json!("wamid.B"), &[("wamid.A", "1"), ("wamid.C", "3")]),
        (
            json!({"id": "wamid.A"}),
            &[("wamid.A", "1"), ("wamid.C", "3")],
        ),
    ] {
        let messages = json!([{"id": "wamid.A"}, second, {"id": "wamid.C"}]);
        assert_eq!(users(response(messages)), expected(named));
    }
    let two = json!([{"id": "wamid.A"}, {"id": "wamid.B"}]);
    // Two messages of three contacts: the request has the only recipient.
    let ada = "15550101001";
    assert_eq!(
        users(response(two.clone())),
        expected(&[("wamid.A", ada), ("wamid.B", ada)])
    );
    let one = json!({"contacts": [{"wa_id": "1"}], "messages": two});
    assert_eq!(users(one), expected(&[("wamid.A", "1"), ("wamid.B", "1")]));
}

#[test]
fn a_held_message_is_not_sent_yet() {
    for (status, message_status, expected) in [
        (None, None, MessageStatus::Sent),
        (
            Some("accepted"),
            Some(PacingStatus::Accepted),
            MessageStatus::Sent,
        ),
        (
            Some("held_for_quality_assessment"),
            Some(PacingStatus::HeldForQualityAssessment),
            "held_for_quality_assessment".into(),
        ),
        (Some("paused"), Some(PacingStatus::Paused), "paused".into()),
        (Some("pondered"), Some("pondered".into()), "pondered".into()),
    ] {
        let response = json!({"messages": [{"id": "wamid.A", "message_status": status}]});
        let event = sent_with(&response).unwrap().remove(0);
        assert_eq!(event.message_status, message_status);
        let status = event.message.status.unwrap();
        assert!(status == expected && MessageStatus::Delivered.supersedes(&status));
    }
}

#[test]
fn a_malformed_or_new_member_costs_itself() {
    let plain = json!({"to": "15550101001", "type": "text", "text": {"body": "Hi"}});
    let of = |request: &Value| {
        let response = r#"{"messages": [{"id": "wamid.A", "shiny": 1}], "shiny": {}}"#;
        let mut sent = MessageSent::from_graph(request.to_string(), response).unwrap();
        let sent = sent.remove(0).with_timestamp(Timestamp::from_secs(1));
        assert_eq!(
            sent.request,
            Some(RawJson::new(&request.to_string()).unwrap())
        );
        sent.message
    };
    for (name, value) in [
        ("shiny", json!({"a": [1]})),
        ("context", json!(7)),
        ("context", json!({"message_id": ["wamid.Q"]})),
        ("biz_opaque_callback_data", json!(["job"])),
        ("recipient_type", json!(["group"])),
        ("recipient", json!({})),
        ("status", json!("read")),
        ("typing_indicator", json!({"type": "text"})),
    ] {
        let mut request = plain.clone();
        request[name] = value;
        assert_eq!(of(&request), of(&plain), "{name}");
    }
    // The wamid is there, so the message is, with its JSON.
    for (name, value, kind) in [
        ("text", json!(["Hi"]), Some("text")),
        ("type", json!("hologram"), Some("hologram")),
        ("type", json!("system"), Some("system")),
        ("type", json!(["text"]), None),
    ] {
        let mut request = plain.clone();
        request[name] = value;
        let Content::Unsupported(content) = of(&request).content else {
            panic!("{request}")
        };
        assert_eq!(content.kind.as_deref(), kind);
    }
}

#[test]
fn a_request_without_a_message_gives_none() {
    let receipt = json!({"status": "read", "message_id": "wamid.A"});
    let typing = json!({"typing_indicator": {"type": "text"}, "message_id": "wamid.A"});
    for request in [receipt, typing] {
        for response in [r#"{"success": true}"#, "{}"] {
            let sent = MessageSent::from_graph(request.to_string(), response);
            assert_eq!(sent, Ok(Vec::new()));
        }
        let refused = r#"{"error": {"code": 131009}}"#;
        let event = MessageRefused::from_graph_error(request.to_string(), refused);
        assert_eq!(event, Ok(None));
    }
}

#[test]
fn a_malformed_request_is_an_error_without_quotations() {
    let request = r#"{"to": "15550101001", "text": {"body": "Ada"}}"#;
    let (accepted, refused) = (
        r#"{"messages": [{"id": "wamid.A"}]}"#,
        r#"{"error": {"code": 1}}"#,
    );
    let errors = [(
        MessageSent::from_graph(
            request,
            r#"{"messages": [{"id": "A"}], "messages": [{"id": "B"}]}"#,
        ),
        GraphJsonErrorKind::NoMessages,
    )];
    for (result, expected) in errors {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), expected);
        assert!(!error.to_string().contains("Ada"));
    }
    for (request, response, expected) in [
        ("", refused, GraphJsonErrorKind::Request),
        (request, "", GraphJsonErrorKind::Response),
        (request, accepted, GraphJsonErrorKind::NoError),
        (request, r#"{"error": "Ada"}"#, GraphJsonErrorKind::NoError),
        (request, r#"{"error": null}"#, GraphJsonErrorKind::NoError),
        (
            request,
            r#"{"error": {}, "error": {}}"#,
            GraphJsonErrorKind::NoError,
        ),
    ] {
        let error = MessageRefused::from_graph_error(request, response).unwrap_err();
        assert_eq!(error.kind(), expected, "{response}");
    }
}

#[test]
fn a_refusal_has_a_key() {
    let refused = |response: &str| {
        let request = r#"{"to": "15550101001", "text": {"body": "Hi"}}"#;
        let event = MessageRefused::from_graph_error(request, response).unwrap();
        event.unwrap().with_timestamp(Timestamp::from_secs(1))
    };
    let traced = refused(r#"{"error": {"fbtrace_id": "Az8or"}}"#);
    assert_eq!(traced.dedup_key(), "message_refused:Az8or");
    assert_eq!(traced.partition_key(), ":15550101001");
    let [first, again, other] = [1, 1, 2].map(|code| {
        let error = json!({"error": {"code": code, "fbtrace_id": "", "error_data": "odd"}});
        refused(&error.to_string()).dedup_key()
    });
    assert!(first == again && first != other);
}

/// An echo has the content of the request that sent the message.
#[test]
fn an_echo_has_the_same_content() {
    let mut contents = 0;
    for pair in pairs() {
        let Ok(sent) = MessageSent::from_graph(&pair.request, &pair.response) else {
            continue;
        };
        let Some(sent) = sent.into_iter().next() else {
            continue;
        };
        if sent.message.message_type() == "unsupported" {
            continue;
        }
        let mut item: Value = serde_json::from_str(&pair.request).unwrap();
        item["id"] = "wamid.A".into();
        item["to"] = "15550101001".into();
        item["type"] = sent.message.message_type().into();
        item.as_object_mut().unwrap().remove("context");
        let echo = json!({"object": "whatsapp_business_account", "entry": [{"changes": [
            {"field": "smb_message_echoes", "value": {"message_echoes": [item]}}]}]});
        let webhook = parse(echo.to_string().as_bytes()).unwrap();
        let [WebhookEvent::MessageEcho(event)] = webhook.events() else {
            panic!("{}: {webhook:?}", pair.name)
        };
        assert_eq!(event.message.content, sent.message.content, "{}", pair.name);
        contents += 1;
    }
    assert!(contents > 35, "{contents}");
}

/// Nested cards do not end the stack.
#[test]
fn depth_costs_the_part_alone() {
    let deep =
        |open: &str, close: &str| format!("{}{}", open.repeat(100_000), close.repeat(100_000));
    let cards = deep(r#"{"cards":[{"components":["#, "]}]}");
    let action = deep(r#"{"action":{"cards":["#, "]}}");
    let response = r#"{"messages": [{"id": "wamid.A"}]}"#;
    for (kind, content) in [
        (
            "template",
            format!(r#"{{"name":"a","language":{{"code":"en"}},"components":[{cards}]}}"#),
        ),
        (
            "interactive",
            format!(r#"{{"type":"carousel","body":{{"text":"Hi"}},"action":{action}}}"#),
        ),
    ] {
        let request = format!(r#"{{"to":"15550101001","type":"{kind}","{kind}":{content}}}"#);
        assert_eq!(
            MessageSent::from_graph(&request, response).unwrap().len(),
            1,
            "{kind}"
        );
    }
}

fn odd_texts(part: fn(&Pair) -> &String) -> impl Strategy<Value = String> {
    let texts: Vec<_> = pairs()
        .iter()
        .map(|pair| (pair.name.clone(), part(pair).clone()))
        .collect();
    malformed_bodies(&texts)
}

/// Reads all that a caller can ask of the events.
fn look_at(request: &[u8], response: &[u8]) {
    for event in MessageSent::from_graph(request, response).unwrap_or_default() {
        assert!(!event.message.id.as_str().is_empty());
        assert!(event.dedup_key().starts_with("message_sent:"));
        let _ = (event.partition_key(), event.message.body());
        if let Some(message) = interactive(&event.message) {
            let _ = (
                message.kind(),
                message.header(),
                message.text(),
                message.footer(),
                message.action(),
            );
        }
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<MessageSent>(&text).unwrap(), event);
    }
    if let Ok(Some(event)) = MessageRefused::from_graph_error(request, response) {
        let _ = (
            event.dedup_key(),
            event.partition_key(),
            event.content.body(),
        );
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(
            serde_json::from_str::<MessageRefused>(&text).unwrap(),
            event
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2048) })]

    #[test]
    fn malformed_requests_and_responses_never_panic(
        request in odd_texts(|pair| &pair.request),
        response in odd_texts(|pair| &pair.response),
    ) {
        look_at(request.as_bytes(), response.as_bytes());
    }

    #[test]
    fn a_malformed_request_that_meta_accepted_is_a_message(
        request in odd_texts(|pair| &pair.request),
    ) {
        let response = r#"{"contacts": [{"wa_id": "15550101001"}], "messages": [{"id": "wamid.A"}]}"#;
        match MessageSent::from_graph(&request, response) {
            Ok(sent) => prop_assert!(sent.len() <= 1),
            Err(error) => prop_assert_eq!(error.kind(), GraphJsonErrorKind::Request),
        }
    }

    #[test]
    fn cut_texts_never_panic(pair in select(pairs()), cut in any::<Index>(), of_request in any::<bool>()) {
        let (mut request, mut response) = (pair.request.into_bytes(), pair.response.into_bytes());
        let text = if of_request { &mut request } else { &mut response };
        text.truncate(cut.index(text.len()));
        look_at(&request, &response);
    }

    #[test]
    fn any_bytes_never_panic(request: Vec<u8>, response: Vec<u8>) {
        look_at(&request, &response);
    }
}
