//! Users who subscribe.

use super::*;

fn signup(signup_id: &str) -> Vec<u8> {
    let signup = testing::signup(signup_id).named("Ada");
    signup.at(Timestamp::from_secs(1_785_000_000)).body()
}

#[test]
fn a_signup_updates_the_contact_is_counted_once_and_comes_with_all_that_is_stored() {
    with_each_store(|engine| {
        let mut spring = Signup::new("spring");
        spring.promo_code = Some("TUNE10".into());
        spring.auto_add_to_label = Some("subscribers".into());
        records(&engine).save_signup(&spring).unwrap();

        let (sender, seen) = std::sync::mpsc::channel();
        let context = Context::new().only_own_receivers();
        context.connect(&USER_SUBSCRIBED, move |event: &UserSubscribed| {
            let _ = sender.send(event.clone());
        });
        let engine = engine.context(context);
        process(&engine, &signup("spring"));
        let again = engine.process(&signup("spring")).unwrap();
        assert_eq!((again.delivered(), again.duplicates()), (0, 1));

        let seen: Vec<_> = seen.try_iter().collect();
        let [event] = &seen[..] else {
            panic!("one event")
        };
        assert_eq!(event.signup.promo_code.as_deref(), Some("TUNE10"));
        assert_eq!(event.signup.subscriber_count, 1);
        assert_eq!(*event.contact, contact(&engine, &phone("15550101001")));
        assert!(event.contact.subscribed_via_signup);
        assert_eq!(
            event.contact.subscribed_at,
            Some(Timestamp::from_secs(1_785_000_000))
        );
        assert_eq!(event.contact.labels, ["subscribers"]);
        assert_eq!(event.contact.name.as_deref(), Some("Ada"));

        let store = records(&engine);
        store.save_signup(&spring).unwrap(); // as at each start of the program
        assert_eq!(
            store
                .signup(&"spring".into())
                .unwrap()
                .unwrap()
                .subscriber_count,
            1
        );
        assert!(store.disable_signup(&"spring".into()).unwrap());
        assert_eq!(store.signups().unwrap()[0].status, SignupStatus::Disabled);
        assert!(!store.disable_signup(&"autumn".into()).unwrap());
    });
}

#[test]
fn an_unknown_signup_is_bare_and_subscribes_all_the_same() {
    with_each_store(|engine| {
        process(&engine, &signup("unheard-of"));
        let stored = contact(&engine, &phone("15550101001"));
        assert!(stored.subscribed_via_signup);
        assert_eq!(stored.labels, Vec::<String>::new());
        assert_eq!(records(&engine).signups().unwrap(), []);
    });
}
