//! Contacts go to messages and statuses by their ids, never by their index.

use crate::support::events;
use crate::support::object::with;
use serde_json::{Value, json};
use whatsapp_signals::event::WebhookEvent;
use whatsapp_signals::model::Contact;

/// For each event, the name of the contact that it got.
fn names(contacts: &Value, messages: &Value, statuses: &Value) -> Vec<Option<String>> {
    let body = json!({"object": "whatsapp_business_account", "entry": [{"changes": [{
        "field": "messages",
        "value": {"contacts": contacts, "messages": messages, "statuses": statuses}}]}]});
    let name = |event: WebhookEvent| match event {
        WebhookEvent::MessageReceived(event) => Some(event.contact),
        WebhookEvent::MessageStatusChanged(event) => Some(event.contact),
        _ => None,
    };
    events(&body.to_string())
        .into_iter()
        .filter_map(name)
        .map(|contact| contact.map(|contact| contact.display_name().to_owned()))
        .collect()
}

fn contact(name: &str, ids: &Value) -> Value {
    with(json!({"profile": {"name": name}}), ids)
}

fn message(ids: &Value) -> Value {
    with(json!({"id": "wamid.A", "type": "request_welcome"}), ids)
}

#[test]
fn by_phone_user_id_or_parent_id_in_any_order() {
    let contacts = json!([
        contact("phone", &json!({"wa_id": "1"})),
        contact("user", &json!({"user_id": "US.2"})),
        contact(
            "parent",
            &json!({"user_id": "US.4", "parent_user_id": "US.ENT.3"})
        ),
    ]);
    let messages = json!([
        message(&json!({"from_parent_user_id": "US.ENT.3"})),
        message(&json!({"from": "1", "from_user_id": "US.9"})),
        message(&json!({"from_user_id": "US.2"})),
        message(&json!({"from": "8"})),
    ]);
    let found = names(&contacts, &messages, &json!([]));
    let found: Vec<_> = found.iter().map(Option::as_deref).collect();
    assert_eq!(found, [Some("parent"), Some("phone"), Some("user"), None]);
}

#[test]
fn a_number_that_is_a_user_id_finds_its_contact() {
    let contacts = json!([
        contact("a", &json!({"wa_id": "1"})),
        contact("b", &json!({"user_id": "US.2"}))
    ]);
    let messages = json!([message(&json!({"from": "US.2"}))]);
    assert_eq!(names(&contacts, &messages, &json!([])), [Some("b".into())]);
}

#[test]
fn a_single_item_without_a_user_gets_the_single_contact() {
    let one = contact("a", &json!({"user_id": "US.1"}));
    let two = contact("b", &json!({"user_id": "US.2"}));
    let without_user = message(&json!({}));
    let found = names(&json!([one]), &json!([without_user]), &json!([]));
    assert_eq!(found, [Some("a".into())]);
    assert_eq!(
        names(&json!([one, two]), &json!([without_user]), &json!([])),
        [None]
    );

    let theirs = message(&json!({"from_user_id": "US.1"}));
    let found = names(&json!([one]), &json!([theirs, without_user]), &json!([]));
    assert_eq!(found, [Some("a".into()), None]);
    let to_group =
        json!({"id": "w", "status": "sent", "recipient_type": "group", "recipient_id": "g"});
    assert_eq!(names(&json!([one]), &json!([]), &json!([to_group])), [None]);
}

#[test]
fn a_list_that_is_new_does_not_take_the_only_contact_from_the_only_message() {
    let one = contact("a", &json!({"wa_id": "551187654321"}));
    let brazil = message(&json!({"from": "5511987654321"}));
    for (new, expected) in [
        (json!([1, 2]), Some("a")),
        (json!([{"tint": "mint"}, {"tint": "teal"}]), Some("a")),
        (json!([{"from": "5511987654321"}]), Some("a")),
        (json!([{"from": "31970100202"}]), None),
    ] {
        let body = json!({"object": "whatsapp_business_account", "entry": [{"changes": [{
            "field": "messages", "value": {"contacts": [one], "messages": [brazil], "new": new}}]}]});
        let found = events(&body.to_string());
        let name = found[0].contact().map(Contact::display_name);
        assert_eq!(name, expected, "{new}");
    }
}

#[test]
fn a_single_call_without_a_user_gets_the_single_contact() {
    let one = contact("a", &json!({"user_id": "US.1"}));
    let call = json!({"id": "wacid.A", "event": "connect"});
    let found = |calls: Value| {
        let body = json!({"object": "whatsapp_business_account", "entry": [{"changes": [{
            "field": "calls", "value": {"contacts": [one], "calls": calls}}]}]});
        let events = events(&body.to_string());
        let name = |event: &WebhookEvent| Some(event.contact()?.display_name().to_owned());
        events.iter().filter_map(name).collect::<Vec<_>>()
    };
    assert_eq!(found(json!([call])), ["a"]);
    assert_eq!(found(json!([call, call])), [""; 0]);
}

#[test]
fn a_contact_listed_twice_to_the_letter_is_no_stray() {
    let body = |second: Value| {
        let messages = json!([
            message(&json!({"from": "1"})),
            message(&json!({"from": "2"}))
        ]);
        let contacts = json!([
            contact("a", &json!({"wa_id": "1"})),
            second,
            contact("b", &json!({"wa_id": "2"}))
        ]);
        json!({"object": "whatsapp_business_account", "entry": [{"changes": [{
            "field": "messages", "value": {"contacts": contacts, "messages": messages}}]}]})
    };
    let strays = |body: Value| {
        let events = events(&body.to_string());
        events
            .iter()
            .filter(|event| event.name() == "unrecognized")
            .count()
    };
    assert_eq!(strays(body(contact("a", &json!({"wa_id": "1"})))), 0);
    assert_eq!(strays(body(contact("other", &json!({"wa_id": "1"})))), 1);
}

#[test]
fn statuses_find_their_recipient() {
    let contacts = json!([
        contact("a", &json!({"wa_id": "1"})),
        contact("b", &json!({"user_id": "US.2"}))
    ]);
    let statuses = json!([
        {"id": "w", "status": "read", "recipient_user_id": "US.2"},
        {"id": "w", "status": "read", "recipient_id": "1"},
        {"id": "w", "status": "read", "recipient_type": "group", "recipient_id": "g",
         "participant_recipient_id": "1"},
    ]);
    let expected = ["b", "a", "a"].map(|name| Some(name.to_owned()));
    assert_eq!(names(&contacts, &json!([]), &statuses), expected);
}

#[test]
fn the_first_contact_with_an_id_keeps_it() {
    let same = json!({"wa_id": "1"});
    let contacts = json!([
        contact("x", &json!({"wa_id": "9"})),
        contact("first", &same),
        contact("second", &same)
    ]);
    let messages = json!([message(&json!({"from": "1"}))]);
    assert_eq!(
        names(&contacts, &messages, &json!([])),
        [Some("first".into())]
    );
}

#[test]
fn a_thousand_contacts_in_reverse_order_are_all_found() {
    let ids: Vec<String> = (0..1000).map(|n| format!("1555{n:04}")).collect();
    let contacts: Vec<_> = ids
        .iter()
        .map(|id| contact(id, &json!({"wa_id": id})))
        .collect();
    let messages: Vec<_> = ids
        .iter()
        .rev()
        .map(|id| message(&json!({"from": id})))
        .collect();
    let expected: Vec<_> = ids.iter().rev().cloned().map(Some).collect();
    assert_eq!(
        names(&json!(contacts), &json!(messages), &json!([])),
        expected
    );
}

#[test]
fn a_single_contact_goes_to_no_other_participant_and_no_error() {
    let one = json!([contact("a", &json!({"wa_id": "1"}))]);
    let in_group = message(&json!({"from": "2", "group_id": "G"}));
    assert_eq!(names(&one, &json!([in_group]), &json!([])), [None]);
    let other_number = message(&json!({"from": "2"}));
    assert_eq!(
        names(&one, &json!([other_number]), &json!([])),
        [Some("a".into())],
        "a WhatsApp id and a phone number may differ"
    );
    let other_user = message(&json!({"from": "2", "from_user_id": "US.2"}));
    let one = json!([contact("a", &json!({"wa_id": "1", "user_id": "US.1"}))]);
    assert_eq!(names(&one, &json!([other_user]), &json!([])), [None]);

    let body = json!({"object": "whatsapp_business_account", "entry": [{"changes": [{
        "field": "messages", "value": {"contacts": one, "errors": [{"code": 1}]}}]}]});
    let events = events(&body.to_string());
    let [
        WebhookEvent::MetaError(error),
        WebhookEvent::Unrecognized(_),
    ] = &events[..]
    else {
        panic!("{events:?}")
    };
    assert_eq!(error.contact, None);
}

#[test]
fn other_members_do_not_take_the_contact_of_a_single_message() {
    let body = json!({"object": "whatsapp_business_account", "entry": [{"changes": [{
        "field": "messages", "value": {
            "contacts": [contact("a", &json!({"wa_id": "1"}))],
            "messages": [message(&json!({"from": "2"}))],
            "conversation_context": {"type": "summary"}, "errors": [{"code": 1}]}}]}]});
    let events = events(&body.to_string());
    let of_message = events[0].contact().unwrap();
    assert_eq!(of_message.display_name(), "a");
    assert!(events.iter().all(|event| event.name() != "unrecognized"));
}

/// Numbers change hands; business-scoped user ids do not.
#[test]
fn a_user_id_counts_more_than_a_phone_number() {
    let contacts = json!([
        contact("before", &json!({"wa_id": "1", "user_id": "US.A"})),
        contact("now", &json!({"user_id": "US.B"})),
    ]);
    let messages = json!([message(&json!({"from": "1", "from_user_id": "US.B"}))]);
    let found = names(&contacts, &messages, &json!([]));
    assert_eq!(found, [Some("now".into())]);
}
