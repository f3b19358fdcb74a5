//! The kit for tests: a sample of each item that the parser types, the settings, and the recorder.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value, json};
use whatsapp_signals::event::{
    Event, FieldEvent, MessageReceived, MessageStatusChanged, Security, UserPreference,
    WebhookEvent,
};
use whatsapp_signals::model::{Content, Message, MessageStatus, Timestamp};
use whatsapp_signals::signals::{
    FLOW_COMPLETED, MESSAGE_RECEIVED, MESSAGE_STATUS_CHANGED, USER_PREFERENCE,
};
use whatsapp_signals::store::MemoryStore;
use whatsapp_signals::testing::{self, Item, Sample};
use whatsapp_signals::{Context, Signal, WebhookEngine, parse, signals};

/// Signals without an item of a webhook: those that the program sends, and the one of all events.
const WITHOUT_ITEM: [&str; 4] = [
    "message_sent",
    "message_refused",
    "campaign_completed",
    "any_event",
];

/// The type of messages that no user sends.
const OUTBOUND: &str = "template";

/// Returns the names of the events of a sample, after a look at the typed one.
fn names<E: Event + Debug>(sample: &Sample<E>) -> Vec<&'static str> {
    let _typed: E = sample.event();
    let webhook = sample.webhook();
    let names: Vec<_> = webhook.iter().map(WebhookEvent::name).collect();
    assert!(names.contains(&E::NAME), "{names:?} of {}", sample.json());
    // The JSON of each event is that of an item in the body.
    let body = parse(&sample.body()).unwrap();
    assert_eq!(body, webhook);
    names
}

/// Returns the names of the events of a sample of each kind.
fn each_kind() -> Vec<Vec<&'static str>> {
    let text = || testing::text("Hi");
    vec![
        names(&testing::sent("wamid.A")),
        names(&testing::delivered("wamid.A")),
        names(&testing::read("wamid.A")),
        names(&testing::played("wamid.A")),
        names(&testing::failed(
            "wamid.A",
            131_026,
            "Message undeliverable",
        )),
        names(&testing::read("wamid.A").standby()),
        names(&text()),
        names(&text().echo()),
        names(&text().standby()),
        names(&text().historic()),
        names(&text().set("/type", "hologram").unrecognized()),
        names(&testing::media_placeholder().historic()),
        names(&testing::history([text()])),
        names(&testing::flow_reply(&json!({"bikes": 2}))),
        names(&testing::flow_reply(&json!({"bikes": 2})).flow()),
        names(&testing::meta_error(130_429, "Rate limit hit")),
        names(&testing::preference("stop")),
        names(&testing::preference("resume")),
        names(&testing::signup("autumn-rides")),
        names(&testing::user_id_update("US.7001", "US.7002")),
        names(&testing::link_click("click-1")),
        names(&testing::tracking_event("sent")),
        names(&testing::automatic_event("Purchase")),
        names(&testing::call("connect")),
        names(&testing::call_status("RINGING")),
        names(&testing::group_created("Sunday ride")),
        names(&testing::group_deleted()),
        names(&testing::participant_added()),
        names(&testing::participant_removed()),
        names(&testing::join_request()),
        names(&testing::group_renamed("Monday ride")),
        names(&testing::group_suspended()),
        names(&testing::contact_added()),
        names(&testing::contact_removed()),
        names(&testing::standby_echo("Hi")),
        names(&testing::control_passed("ai_agent", "escalation")),
        names(&testing::conversation_context("Ada asked for prices.")),
        names(&testing::template_status("offer", "APPROVED")),
        names(&testing::template_quality("offer", "GREEN", "RED")),
        names(&testing::template_components("offer", "Hi")),
        names(&testing::template_category("offer", "UTILITY", "MARKETING")),
        names(&testing::template_detection(
            "offer",
            "UTILITY",
            "MARKETING",
        )),
        names(&testing::account_update("VERIFIED_ACCOUNT")),
        names(&testing::account_review("APPROVED")),
        names(&testing::account_alert("PROFILE_PICTURE_LOST")),
        names(&testing::account_settings()),
        names(&testing::business_capability(2000, 25)),
        names(&testing::business_status("ACCOUNT_VIOLATION")),
        names(&testing::partner_solution("SOLUTION_CREATED", "INITIATED")),
        names(&testing::security("PIN_RESET_REQUEST")),
        names(&testing::phone_number_name("Juniper Yard", "APPROVED")),
        names(&testing::phone_number_quality(
            "THROUGHPUT_UPGRADE",
            "TIER_10K",
        )),
        names(&testing::business_username("juniper.yard", "approved")),
        names(&testing::flow_status("DRAFT", "PUBLISHED")),
        names(&testing::payment_configuration("Active")),
    ]
}

/// Returns a sample for each type of message.
fn each_message() -> Vec<Sample<MessageReceived>> {
    vec![
        testing::text("Hi"),
        testing::image(),
        testing::audio(),
        testing::video(),
        testing::document("invoice.pdf"),
        testing::sticker(),
        testing::location(52.37, 4.9),
        testing::contact_card("Chiyo Tanaka", "15550101777"),
        testing::reaction("wamid.A", "🚴"),
        testing::reaction_removed("wamid.A"),
        testing::button("pickup", "I come tomorrow"),
        testing::button_reply("yes", "Yes"),
        testing::list_reply("svc_brakes", "Brake service"),
        testing::product_reply("bell-7"),
        testing::payment_method("offsite_card_pay"),
        testing::call_permission_reply("accept"),
        testing::flow_reply(&json!({"bikes": 2})),
        testing::order("bell-7", 2, 9.5),
        testing::number_changed("31970100299"),
        testing::user_id_changed("US.7001", "US.7002"),
        testing::edit("wamid.A", "Thursday"),
        testing::revoke("wamid.A"),
        testing::request_welcome(),
        testing::unsupported("poll_creation"),
        testing::media_placeholder(),
    ]
}

#[test]
fn each_signal_of_a_webhook_has_a_sample() {
    let all: BTreeSet<_> = signals::ALL.iter().map(|signal| signal.name()).collect();
    let mut sampled: BTreeSet<_> = each_kind().into_iter().flatten().collect();
    sampled.extend(WITHOUT_ITEM);
    assert_eq!(sampled, all);
}

#[test]
fn each_type_of_message_has_a_sample() {
    let messages = each_message();
    let types = messages
        .iter()
        .map(|sample| sample.event().message.message_type());
    let mut types: BTreeSet<_> = types.collect();
    types.insert(OUTBOUND);
    assert_eq!(types, testing::MESSAGE_TYPES.iter().copied().collect());
}

#[test]
fn each_type_of_message_is_also_an_echo_and_a_historic_one() {
    for sample in each_message() {
        let message = |message: &Message| message.content.clone();
        let content = message(&sample.event().message);
        assert_eq!(message(&sample.clone().standby().event().message), content);
        assert_eq!(message(&sample.clone().historic().event().message), content);
        // A reply is the answer to a message of the business, which does not reply to itself.
        if !matches!(content, Content::Interactive(_)) {
            assert_eq!(message(&sample.echo().event().message), content);
        }
    }
}

#[test]
fn two_builders_make_two_events_for_an_engine_and_a_clone_makes_the_same() {
    type Make = fn() -> Item;

    let context = Context::new().only_own_receivers();
    let engine = WebhookEngine::new(MemoryStore::new()).context(context);
    let twice = |first: Item, second: Item, name: &str| {
        assert_eq!(
            engine
                .process(&testing::batch([first.clone()]).body())
                .unwrap()
                .duplicates(),
            0
        );
        let other = engine.process(&testing::batch([second]).body()).unwrap();
        assert_eq!(other.duplicates(), 0, "{name}");
        let again = engine.process(&testing::batch([first]).body()).unwrap();
        assert!(again.duplicates() > 0, "{name}");
    };
    let pairs: [(&str, Make); 12] = [
        ("text", || testing::text("Hi").into()),
        ("flow", || testing::flow_reply(&json!({})).into()),
        ("echo", || testing::text("Hi").echo().into()),
        ("preference", || testing::preference("stop").into()),
        ("signup", || testing::signup("autumn-rides").into()),
        ("link_click", || testing::link_click("click-1").into()),
        ("call", || testing::call("connect").into()),
        ("call_status", || testing::call_status("RINGING").into()),
        ("group_suspended", || testing::group_suspended().into()),
        ("contact_added", || testing::contact_added().into()),
        ("security", || testing::security("PIN_RESET_REQUEST").into()),
        ("history", || testing::history([] as [Item; 0]).into()),
    ];
    for (name, make) in pairs {
        twice(make(), make(), name);
    }
}

#[test]
fn users_are_named_by_the_ids_that_are_set() {
    type Change = fn(Sample<MessageReceived>) -> Sample<MessageReceived>;
    let table: [(Change, [Option<&str>; 3], &str); 9] = [
        (|hi| hi, [Some("15550101001"), None, None], "Ada Okafor"),
        (
            |hi| hi.from("31970100202").named("Bram"),
            [Some("31970100202"), None, None],
            "Bram",
        ),
        (
            |hi| hi.user_id("US.7001"),
            [Some("15550101001"), Some("US.7001"), None],
            "Ada Okafor",
        ),
        (
            |hi| {
                hi.from("31970100202")
                    .user_id("NL.1")
                    .parent_user_id("NL.ENT.1")
            },
            [Some("31970100202"), Some("NL.1"), Some("NL.ENT.1")],
            "Ada Okafor",
        ),
        (
            |hi| hi.user_id("US.7001").without_phone(),
            [None, Some("US.7001"), None],
            "Ada Okafor",
        ),
        // The body has the digits, as Meta writes them.
        (
            |hi| hi.from("+31 970 100-202"),
            [Some("31970100202"), None, None],
            "Ada Okafor",
        ),
        (
            |hi| hi.to("+31 (970) 100.202"),
            [Some("31970100202"), None, None],
            "Ada Okafor",
        ),
        // Another phone number is another user.
        (
            |hi| hi.user_id("US.7001").from("1"),
            [Some("1"), None, None],
            "Ada Okafor",
        ),
        (
            |hi| hi.user_id("US.7001").without_phone().to("1"),
            [Some("1"), None, None],
            "Ada Okafor",
        ),
    ];
    for (set, ids, name) in table {
        let sample = set(testing::text("Hi"));
        let event = sample.event();
        let user = event.message.sender().unwrap();
        let parent = user.parent_user_id().map(AsRef::as_ref);
        assert_eq!(
            [user.phone(), user.user_id().map(AsRef::as_ref), parent],
            ids
        );
        let contact = event.contact.unwrap();
        assert_eq!(contact.display_name(), name);
        assert_eq!(&contact.identity, user);
        let status = testing::read("wamid.A");
        let echo = set(testing::text("Hi")).echo().event();
        assert_eq!(echo.message.recipient(), Some(user));
        assert_eq!(
            status.event().update.recipient.unwrap().phone(),
            Some("15550101001")
        );
    }
}

#[test]
fn numbers_stand_in_the_body_as_meta_writes_them() {
    let [plain, formatted] = ["31970100299", "+31 970 100-299"].map(|phone| {
        let news = testing::number_changed(phone).id("wamid.A").json();
        let card = testing::contact_card("Bram de Wit", phone)
            .id("wamid.B")
            .json();
        [news, card]
    });
    assert_eq!(plain, formatted);
    // The number of the account is displayed as it is set; an item has the digits.
    let echo = testing::text("Hi")
        .to_number("300", "+1 555-010-0201")
        .echo();
    assert_eq!(
        echo.event().account.display_phone_number.as_deref(),
        Some("+1 555-010-0201")
    );
    assert_eq!(
        echo.json()["entry"][0]["changes"][0]["value"]["message_echoes"][0]["from"],
        "15550100201"
    );
    // Meta sometimes has a user id in the place of a number.
    let event = testing::text("Hi").from("US.7001").event();
    assert_eq!(event.message.sender().unwrap().user_id(), Some("US.7001"));
}

#[test]
fn settings_reach_the_event() {
    let time = Timestamp::from_secs(1_700_000_000);
    let event = testing::text("Hi")
        .id("wamid.A")
        .at(time)
        .waba("900")
        .to_number("300", "15550100201")
        .reply_to("wamid.Q")
        .event();
    assert_eq!(event.message.id, "wamid.A");
    assert_eq!(event.message.timestamp, Some(time));
    assert_eq!(event.message.reply_to().unwrap(), "wamid.Q");
    assert_eq!(event.message.context.unwrap().from.unwrap(), "15550100201");
    assert_eq!(event.account.waba_id.as_ref().unwrap(), "900");
    assert_eq!(event.account.phone_number_id.as_ref().unwrap(), "300");
    assert_eq!(
        event.account.display_phone_number.as_deref(),
        Some("15550100201")
    );

    let change = testing::security("PIN_RESET_REQUEST")
        .at(time)
        .to_number("300", "15550100201");
    let change = change.event();
    assert_eq!(change.time, Some(time));
    assert_eq!(
        change.value.display_phone_number.as_deref(),
        Some("15550100201")
    );

    let group = testing::read("wamid.A").in_group("Y2FwaV9n").event().update;
    assert_eq!(group.group_id.unwrap(), "Y2FwaV9n");
    assert_eq!(group.recipient.unwrap().phone(), Some("15550101001"));

    assert_eq!(testing::text("Hi").without_contact().event().contact, None);
    assert_eq!(
        testing::text("Hi")
            .event()
            .message
            .timestamp
            .unwrap()
            .as_secs(),
        1_785_000_000
    );
}

#[test]
fn statuses_have_prices_conversations_and_errors() {
    let sent = testing::sent("wamid.A")
        .pricing("marketing", true)
        .conversation("c1", "marketing");
    let update = sent.event().update;
    assert_eq!(update.status, MessageStatus::Sent);
    assert_eq!(update.pricing.unwrap().category.unwrap(), "marketing");
    assert_eq!(update.conversation.unwrap().id.unwrap(), "c1");

    let failed = testing::failed("wamid.A", 131_026, "Message undeliverable").event();
    assert_eq!(failed.contact, None);
    assert_eq!(
        failed.update.errors[0].title.as_deref(),
        Some("Message undeliverable")
    );
}

#[test]
fn a_batch_has_one_entry_an_account_one_value_a_number_and_one_contact_a_user() {
    let batch = testing::batch([testing::text("1"), testing::text("2")])
        .and(testing::text("3").from("31970100202").named("Bram"))
        .and(
            testing::read("wamid.A")
                .to("31970100202")
                .named("The first name counts"),
        )
        .and(testing::text("4").to_number("301", "15550100201"))
        .and(testing::preference("stop"))
        .and(testing::text("5").waba("901"))
        .and(testing::read("wamid.A").standby());
    let json = batch.json();
    let paths = [
        ("/entry/0/changes/0/value/messages/2/text/body", json!("3")),
        (
            "/entry/0/changes/0/value/contacts/1/profile/name",
            json!("Bram"),
        ),
        ("/entry/0/changes/0/value/contacts/2", Value::Null),
        ("/entry/0/changes/0/value/statuses/0/id", json!("wamid.A")),
        (
            "/entry/0/changes/1/value/metadata/phone_number_id",
            json!("301"),
        ),
        ("/entry/0/changes/2/field", json!("user_preferences")),
        (
            "/entry/0/changes/3/value/standby/statuses/0/id",
            json!("wamid.A"),
        ),
        ("/entry/1/id", json!("901")),
    ];
    for (path, expected) in paths {
        assert_eq!(
            json.pointer(path).unwrap_or(&Value::Null),
            &expected,
            "{path}"
        );
    }
    let webhook = batch.webhook();
    assert_eq!((webhook.entries(), webhook.events().len()), (2, 8));
    let named = |event: &WebhookEvent| {
        event
            .contact()
            .map(|contact| contact.display_name().to_owned())
    };
    let named: Vec<_> = webhook.iter().map(named).collect();
    assert_eq!(named[2].as_deref(), Some("Bram"));
    assert_eq!(named[3].as_deref(), Some("Bram"));
    assert_eq!(named[0].as_deref(), Some("Ada Okafor"));

    assert!(
        testing::batch([] as [Item; 0])
            .webhook()
            .events()
            .is_empty()
    );
}

#[test]
fn changes_that_are_one_item_stand_by_themselves() {
    let time = Timestamp::from_secs(1_700_000_000);
    let first = testing::security("PIN_RESET_REQUEST").at(time);
    let batch = testing::batch([first.clone(), first]).and(testing::account_review("APPROVED"));
    let webhook = batch.webhook();
    assert_eq!((webhook.entries(), webhook.events().len()), (2, 3));
}

#[test]
fn members_are_set_and_removed_by_pointers() {
    let sample = testing::contact_card("Chiyo", "1")
        .set("/contacts/0/org/company", "Spoke & Rim")
        .set("/identity_key_hash", "DF2lS5v2W6x=")
        .remove("/timestamp");
    let message = sample.event().message;
    let Content::Contacts(cards) = message.content else {
        panic!("cards")
    };
    assert_eq!(
        cards[0].org.as_ref().unwrap().company.as_deref(),
        Some("Spoke & Rim")
    );
    assert_eq!(
        (message.timestamp, message.identity_key_hash.as_deref()),
        (None, Some("DF2lS5v2W6x="))
    );

    let any: Sample<FieldEvent<Security>> =
        testing::change("security", json!({"event": "PIN_CHANGED"}));
    assert!(any.event().time.is_some());
    let preference = json!({"wa_id": "1", "value": "stop", "category": "marketing_messages"});
    let any: Sample<FieldEvent<UserPreference>> =
        testing::item("user_preferences", "user_preferences", preference);
    assert_eq!(any.event().contact, None);
}

/// Takes the result of a terminal method, which should have panicked.
fn end(result: &impl Debug) -> usize {
    format!("{result:?}").len()
}

#[test]
fn a_sample_that_the_parser_does_not_type_panics_with_the_reason() {
    type Panics = fn() -> usize;
    let panics: [(&str, Panics); 8] = [
        (r#"unknown type "hologram""#, || {
            end(&testing::text("Hi").set("/type", "hologram").event())
        }),
        (r#"unknown type "hologram""#, || {
            end(&testing::text("Hi").set("/type", "hologram").body())
        }),
        (r#"unknown type "hologram""#, || {
            end(&testing::batch([testing::text("Hi").set("/type", "hologram")]).webhook())
        }),
        ("expected a JSON pointer", || {
            end(&testing::text("Hi").set("type", "hologram").event())
        }),
        ("found \"Hi\"", || {
            end(&testing::text("Hi").set("/text/body/0", 1).event())
        }),
        ("no element 1", || {
            end(&testing::contact_card("Chiyo", "1")
                .set("/contacts/1/x", 1)
                .event())
        }),
        ("has no caption", || {
            end(&testing::text("Hi").caption("Hi").event())
        }),
        ("expected the event security, found none", || {
            let preference =
                json!({"wa_id": "1", "value": "stop", "category": "marketing_messages"});
            let wrong: Sample<FieldEvent<Security>> =
                testing::item("user_preferences", "user_preferences", preference);
            end(&wrong.event())
        }),
    ];
    for (text, panics) in panics {
        let error = catch_unwind(AssertUnwindSafe(panics)).unwrap_err();
        let message = error.downcast_ref::<String>().unwrap();
        assert!(message.contains(text), "{message}");
    }
    let unrecognized = testing::text("Hi").set("/type", "hologram").unrecognized();
    assert_eq!(
        testing::batch([unrecognized]).webhook().events()[0].name(),
        "unrecognized"
    );
}

#[test]
fn a_recorder_keeps_the_events_of_its_context_alone() {
    let (context, other) = (
        Context::new().only_own_receivers(),
        Context::new().only_own_receivers(),
    );
    let messages = testing::record(&MESSAGE_RECEIVED, &context);
    let flows = testing::record(&FLOW_COMPLETED, &context);
    let others = testing::record(&MESSAGE_RECEIVED, &other);
    let statuses = testing::record(&MESSAGE_STATUS_CHANGED, &context);
    let preferences = testing::record(&USER_PREFERENCE, &context);

    let flow = testing::flow_reply(&json!({"bikes": 2}));
    let webhook = testing::batch([testing::text("1"), testing::text("2"), flow])
        .and(testing::read("wamid.A"))
        .webhook();
    assert!(webhook.with(&context).dispatch().is_ok());

    let bodies: Vec<_> = messages
        .events()
        .iter()
        .map(|event| event.message.body().to_owned())
        .collect();
    assert_eq!(bodies, ["1", "2", "Sent"]);
    assert_eq!((flows.len(), statuses.len(), others.len()), (1, 1, 0));
    assert!(preferences.is_empty() && !messages.is_empty());
    assert_eq!(messages.clone().take().len(), 3);
    assert!(messages.is_empty(), "a clone shares the events");
}

#[test]
fn a_recorder_sees_events_before_receivers_that_fail() {
    static PAID: Signal<u64> = Signal::new("paid");

    let context = Context::new();
    let _guard = PAID.connect(|_: &u64| Err("no paper"));
    context.connect(&PAID, |_: &u64| Err("no paper"));
    let paid = testing::record(&PAID, &context);
    assert!(PAID.with(&context).send(&990).is_err());
    assert_eq!(paid.events(), [990]);
}

#[test]
fn an_engine_with_a_context_delivers_to_the_recorder_once() {
    let context = Context::new().only_own_receivers();
    let seen = testing::record(&MESSAGE_STATUS_CHANGED, &context);
    let engine = WebhookEngine::new(MemoryStore::new()).context(context);
    let read = testing::read("wamid.A");
    for _ in 0..2 {
        let outcome = engine.process(&read.body()).unwrap();
        assert_eq!(outcome.http_status(), 200);
    }
    let [MessageStatusChanged { update, .. }] = &seen.events()[..] else {
        panic!("one status")
    };
    assert_eq!(update.id, "wamid.A");
}

#[test]
fn a_signed_body_is_accepted_with_its_secret_alone() {
    use whatsapp_signals::{SignatureVerifier, parse_signed};

    let [verifier, other] =
        ["app secret", "guess"].map(|secret| SignatureVerifier::new(secret).unwrap());
    let signed = [
        testing::text("Hi").signed(&verifier),
        testing::batch([testing::text("Hi")]).signed(&verifier),
    ];
    for signed in signed {
        let header = Some(signed.signature.as_bytes());
        let webhook = parse_signed(&signed.body, header, &verifier).unwrap();
        assert_eq!(webhook.events().len(), 1);
        assert!(parse_signed(&signed.body, header, &other).is_err());
    }
}
