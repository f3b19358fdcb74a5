//! Phone numbers: the texts that name one number, and those that name none.

use crate::support::engines::records;
use serde_json::json;
use whatsapp_signals::event::WebhookEvent;
use whatsapp_signals::filter::is_from;
use whatsapp_signals::model::Identity;
use whatsapp_signals::store::MemoryStore;
use whatsapp_signals::{WebhookEngine, parse};

use crate::support::events;

const ADA: &str = "15550101001";

/// Texts that all name Ada's number.
const FORMATS: &[&str] = &[
    ADA,
    "+15550101001",
    "+1 555 010-1001",
    "+1 (555) 010-1001",
    "+1.555.010.1001",
    "1/555/010/1001",
    "(+1) 555 010 1001",
    " + 1 5 5 5 0 1 0 1 0 0 1 ",
    "\t+1 555\u{a0}010\u{202f}1001\r\n",
    "+1\u{2011}555\u{2013}010\u{2212}1001",
    // As an address book copies it, within marks of direction.
    "\u{202a}+1 555 010-1001\u{202c}",
    "\u{feff}+1\u{200b}555\u{ad}0101001\u{200e}",
];

#[test]
fn one_number_in_any_format_is_one_user() {
    let ada = Identity::from_phone(ADA).unwrap();
    assert_eq!(ada.wa_id(), Some(ADA));
    for phone in FORMATS {
        assert_eq!(
            Identity::from_phone(phone).as_ref(),
            Some(&ada),
            "{phone:?}"
        );
        let both = Identity::new(Some(phone), Some("US.7001"), None).unwrap();
        assert_eq!(both.phone(), Some(ADA), "{phone:?}");
        assert!(both.is_same_user(&ada));
    }
}

#[test]
fn a_text_with_letters_or_without_digits_is_no_number() {
    for text in [
        "",
        " ",
        "+",
        "-",
        "()",
        "Ada",
        "us.7",
        "US.",
        "+1 555 CALL",
        "1555x12",
        "tel:+1555",
        "ada@example.com",
        "1555,1556",
        "1555;1556",
        "+1555 +1556",
        "1555+",
        "1_555",
        "#1555",
        "*1555",
        "１５５５",
        "١٥٥٥",
        "1555é",
        "½",
        "1555\0",
    ] {
        assert_eq!(Identity::from_phone(text), None, "{text:?}");
        let by_id = Identity::new(Some(text), Some("US.7001"), None).unwrap();
        assert_eq!(
            (by_id.wa_id(), by_id.user_id()),
            (None, Some("US.7001")),
            "{text:?}"
        );
    }
}

/// Each digit stays: the ninth one of Brazil, the 1 of Mexico, the 9 of Argentina, zeros in front.
#[test]
fn digits_are_never_rewritten() {
    for (phone, digits) in [
        ("+55 11 95550-1001", "5511955501001"),
        ("+55 11 5550-1001", "551155501001"),
        ("+52 1 55 5010 1001", "5215550101001"),
        ("+52 55 5010 1001", "525550101001"),
        ("+54 9 11 5550 1001", "5491155501001"),
        ("+54 11 15 5550 1001", "54111555501001"),
        ("00 1 555 010 1001", "0015550101001"),
        ("+44 (0)20 5550 1001", "4402055501001"),
        ("0555 0101001", "05550101001"),
        ("7", "7"),
        ("12345678901234567890", "12345678901234567890"),
    ] {
        assert_eq!(
            Identity::from_phone(phone).unwrap().phone(),
            Some(digits),
            "{phone}"
        );
    }
}

#[test]
fn a_webhook_and_a_program_name_one_user_alike() {
    let engine = WebhookEngine::new(MemoryStore::new());
    let body = std::fs::read("tests/payloads/text.json").unwrap();
    assert_eq!(engine.process(&body).unwrap().delivered(), 1);
    let webhook = parse(&body).unwrap();
    let [WebhookEvent::MessageReceived(event)] = webhook.events() else {
        panic!("{webhook:?}")
    };
    for phone in FORMATS {
        let ada = Identity::from_phone(phone).unwrap();
        assert!(
            event.message.sender().unwrap().is_same_user(&ada),
            "{phone:?}"
        );
        assert!(is_from(*phone)(event), "{phone:?}");
        let store = records(&engine);
        assert_eq!(
            store.conversation(&ada, None, 9).unwrap().len(),
            1,
            "{phone:?}"
        );
        assert!(store.contact(&ada).unwrap().is_some(), "{phone:?}");
    }
    for other in [
        "15550101002",
        "0015550101001",
        "5550101001",
        "+1 555",
        "Ada",
        "",
    ] {
        assert!(!is_from(other)(event), "{other}");
    }
}

#[test]
fn the_texts_of_meta_stay_as_they_are() {
    for wa_id in ["+1 555 010-1001", "0015550101001", "ID", "+"] {
        let body = json!({"object": "whatsapp_business_account", "entry": [{"changes": [{
        "field": "messages", "value": {
            "contacts": [{"wa_id": wa_id}],
            "messages": [{"id": "wamid.A", "from": wa_id, "type": "request_welcome"}],
        }}]}]});
        let all = events(&body.to_string());
        let [WebhookEvent::MessageReceived(event)] = &all[..] else {
            panic!("{all:?}")
        };
        assert_eq!(event.message.sender().unwrap().wa_id(), Some(wa_id));
        let contact = event.contact.as_ref().unwrap();
        assert_eq!(contact.identity.wa_id(), Some(wa_id));
        let stored = serde_json::to_string(&contact.identity).unwrap();
        assert_eq!(
            serde_json::from_str::<Identity>(&stored).unwrap(),
            contact.identity
        );

        let handover = json!({"object": "whatsapp_business_account", "entry": [{"changes": [{
        "field": "messaging_handovers", "value": {
            "type": "control_passed", "sender": {"phone_number": wa_id}, "control_passed": {},
        }}]}]});
        let all = events(&handover.to_string());
        let [WebhookEvent::MessagingHandover(change)] = &all[..] else {
            panic!("{all:?}")
        };
        assert_eq!(change.value.user().unwrap().wa_id(), Some(wa_id));
    }
}

/// It is a request, in which the app that sent it formatted the number.
#[test]
fn the_recipient_of_a_standby_echo_has_the_digits() {
    for (to, wa_id) in [("+1 555 010-1001", ADA), (ADA, ADA), ("ID", "ID")] {
        for message in [
            json!({"to": to, "type": "text", "text": {"body": "Hi"}}),
            json!({"to": to}),
        ] {
            let echo = json!({"id": "wamid.A", "message": message});
            let malformed = json!({"message": message});
            let body = json!({"object": "whatsapp_business_account", "entry": [{"changes": [{
                "field": "standby", "value": {"standby": {"message_echoes": [echo, malformed]}},
            }]}]});
            let all = events(&body.to_string());
            let [
                WebhookEvent::StandbyEcho(change),
                WebhookEvent::Unrecognized(malformed),
            ] = &all[..]
            else {
                panic!("{all:?}")
            };
            assert_eq!(change.value.user().unwrap().wa_id(), Some(wa_id));
            assert_eq!(change.value.message["to"], to);
            assert_eq!(malformed.user.as_ref().unwrap().wa_id(), Some(wa_id));
        }
    }
}
