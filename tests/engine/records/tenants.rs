//! Businesses and numbers that share one program.

use super::*;
use whatsapp_signals::EngineErrorKind;
use whatsapp_signals::model::Account;
use whatsapp_signals::store::{StoreErrorKind, Tenant};

/// A text of one user to a number.
fn text_to(waba: &str, number: &str, name: &str) -> Sample<MessageReceived> {
    let text = testing::text("Hi").named(name).id("wamid.A");
    text.waba(waba).to_number(number, number)
}

/// Sends a message with an id that each number uses.
fn send_from(engine: &Engine, waba: &str, number: &str) {
    let message = Message::outbound("wamid.S", phone("15550101001"), Content::text("Yes"));
    let account = Account::new(waba).with_number(number, number);
    let event = MessageSent::new(message.build()).with_account(account);
    assert!(!engine.process_sent(event).unwrap().should_retry());
}

#[test]
fn two_businesses_with_one_user_share_nothing() {
    with_each_store(|engine| {
        let user = phone("15550101001");
        for (waba, number, name) in [("1", "301", "Ada"), ("2", "302", "Ada Okafor")] {
            process(&engine, &text_to(waba, number, name).body());
            send_from(&engine, waba, number);
        }
        let (first, second) = (engine.number("301"), engine.number("302"));
        for (records, name) in [(&first, "Ada"), (&second, "Ada Okafor")] {
            let contact = records.contact(&user).unwrap().unwrap();
            assert_eq!(contact.name.as_deref(), Some(name));
            assert_eq!(records.conversation(&user, None, 9).unwrap().len(), 2);
            assert_eq!(records.unread_counts().unwrap(), [(contact, 1)]);
        }
        assert_eq!(engine.messages(&"wamid.A".into()).unwrap().len(), 2);

        first
            .update_contact(&user, |contact| contact.labels.push("gravel".into()))
            .unwrap();
        assert!(second.contact(&user).unwrap().unwrap().labels.is_empty());
        first.mark_read(&user).unwrap();
        assert_eq!(first.unread_count(&user).unwrap(), 0);
        assert_eq!(second.unread_count(&user).unwrap(), 1);

        let read = testing::read("wamid.S").waba("1").to_number("301", "301");
        process(&engine, &read.body());
        let answer = text_to("1", "301", "Ada").id("wamid.B").reply_to("wamid.S");
        process(&engine, &answer.body());
        let status =
            |records: &Records<'_, _>| records.message(&"wamid.S".into()).unwrap().unwrap().status;
        assert_eq!(status(&first), Some(MessageStatus::Read));
        assert_ne!(status(&second), Some(MessageStatus::Read));
        assert_eq!(first.replies(&"wamid.S".into()).unwrap().len(), 1);
        assert_eq!(second.replies(&"wamid.S".into()).unwrap(), []);
    });
}

#[test]
fn one_user_has_one_contact_and_a_conversation_with_each_number_of_a_business() {
    with_each_store(|engine| {
        let user = phone("15550101001");
        for number in ["301", "302"] {
            process(&engine, &text_to("1", number, "Ada").body());
            send_from(&engine, "1", number);
        }
        let (first, second, business) = (
            engine.number("301"),
            engine.number("302"),
            engine.tenant("1"),
        );
        assert_eq!(
            first.contact(&user).unwrap(),
            second.contact(&user).unwrap()
        );
        assert_eq!(first.conversation(&user, None, 9).unwrap().len(), 2);
        assert_eq!(business.conversation(&user, None, 9).unwrap().len(), 4);
        assert_eq!(business.unread_counts().unwrap().len(), 1);
        assert_eq!(business.unread_count(&user).unwrap(), 2);
        first.mark_read(&user).unwrap();
        assert_eq!(first.unread_count(&user).unwrap(), 0);
        assert_eq!(second.unread_count(&user).unwrap(), 1);
        let read = testing::read("wamid.S").waba("1").to_number("302", "302");
        process(&engine, &read.body());
        let status =
            |records: &Records<'_, _>| records.message(&"wamid.S".into()).unwrap().unwrap().status;
        assert_ne!(status(&first), Some(MessageStatus::Read));
        assert_eq!(status(&second), Some(MessageStatus::Read));
    });
}

#[test]
fn one_number_under_two_accounts_gives_no_event_twice_and_stays_with_the_first() {
    with_each_store(|engine| {
        process(&engine, &text_to("1", "301", "Ada").body());
        let again = engine.process(&text_to("2", "301", "Ada").body()).unwrap();
        assert_eq!((again.delivered(), again.duplicates()), (0, 1));
        process(&engine, &text_to("2", "301", "Ada").id("wamid.B").body());
        let user = phone("15550101001");
        assert_eq!(engine.number("301").unread_count(&user).unwrap(), 2);
        assert_eq!(engine.tenant("1").unread_count(&user).unwrap(), 2);
        assert_eq!(engine.tenant("2").contact(&user).unwrap(), None);
    });
}

#[test]
fn a_function_of_tenants_that_panics_is_an_error_that_keeps_no_other_business_waiting() {
    with_each_store(|engine| {
        let engine = engine.tenant_of(|account| {
            if account.waba_id.as_ref().is_some_and(|waba| waba == "2") {
                std::panic::resume_unwind(Box::new("no tenant"));
            }
            Tenant::new("the shop")
        });
        let error = engine
            .process(&text_to("2", "302", "Ada").body())
            .unwrap_err();
        assert_eq!(error.http_status(), 503);
        let EngineErrorKind::Store(error) = error.kind() else {
            panic!("the store's error");
        };
        assert_eq!(error.kind(), StoreErrorKind::NoTenant);
        let outcome = engine.process(&text_to("1", "301", "Ada").body()).unwrap();
        assert_eq!(outcome.delivered(), 1);
        let unknown = engine.account(&Account::new("2").with_number("302", "302"));
        assert!(unknown.contact(&phone("15550101001")).is_err());
        assert_eq!(engine.numbers().unwrap().len(), 1);
    });
}
