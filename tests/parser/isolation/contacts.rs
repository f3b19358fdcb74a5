//! Contacts, signups, and the participants of groups.

use super::*;

/// A profile is optional in Meta's documentation.
#[test]
fn a_contact_without_profile_is_a_contact_without_a_name() {
    let body = body(&format!(
        r#""contacts":[{{"wa_id":"15550101001"}}],"messages":[{GOOD}]"#
    ));
    let all = events(&body);
    let [WebhookEvent::MessageReceived(event)] = &all[..] else {
        panic!("{all:?}")
    };
    let contact = event.contact.as_ref().unwrap();
    assert_eq!(
        (contact.phone(), contact.name.as_deref()),
        (Some("15550101001"), None)
    );
}

#[test]
fn a_malformed_contact_beside_a_good_message() {
    for malformed in ["null", "5", r#"["15550101001"]"#, r#"{"wa_id":{}}"#] {
        let body = body(&format!(r#""contacts":[{malformed}],"messages":[{GOOD}]"#));
        beside(&body, "0].value.contacts[0]", malformed, &Reason::Malformed);
    }
    let nameless = r#"{"wa_id":"","profile":{"name":"Ada"}}"#;
    let body = body(&format!(r#""contacts":[{nameless}],"messages":[{GOOD}]"#));
    beside(
        &body,
        "0].value.contacts[0]",
        nameless,
        &Reason::Missing("wa_id".into()),
    );
}

#[test]
fn a_contact_not_referenced_by_any_item_is_reported() {
    let stray = r#"{"wa_id":"15550109999"}"#;
    let known = r#"{"wa_id":"15550101001"}"#;
    let body = body(&format!(
        r#""contacts":[{known},{stray}],"messages":[{GOOD}]"#
    ));
    beside(&body, "0].value.contacts[1]", stray, &Reason::StrayContact);
}

#[test]
fn a_signup_counts_under_any_field_and_the_value_is_reported_too() {
    let value = json!({"in_app_signup": {"wa_id": "1555", "signup_id": "spring"}, "x": 1});
    let body = json!({"object": "whatsapp_business_account",
        "entry": [{"id": "1", "changes": [{"field": "tomorrow", "value": value}]}]});
    let names: Vec<_> = events(&body.to_string())
        .iter()
        .map(WebhookEvent::name)
        .collect();
    assert_eq!(names, ["user_subscribed", "unrecognized"]);
}

#[test]
fn a_signup_without_its_id_or_its_user_is_reported() {
    for (signup, missing) in [
        (json!({"wa_id": "1555"}), "signup_id"),
        (json!({"wa_id": "1555", "signup_id": ""}), "signup_id"),
        (json!({"signup_id": "spring"}), "wa_id"),
    ] {
        let body = body(&format!(r#""messages":[{GOOD}],"in_app_signup":{signup}"#));
        let signup: &Value = &signup;
        beside(
            &body,
            "0].value.in_app_signup",
            &signup.to_string(),
            &Reason::Missing(missing.into()),
        );
    }
}

#[test]
fn a_malformed_status_has_its_recipient_or_in_a_group_the_participant() {
    for (recipient, user) in [
        (r#""recipient_id":"1555""#, Some("1555")),
        (
            r#""recipient_type":"individual","recipient_id":"1555""#,
            Some("1555"),
        ),
        (r#""recipient_type":"group","recipient_id":"G""#, None),
        (
            r#""recipient_type":"group","recipient_id":"G","recipient_participant_id":"1555""#,
            Some("1555"),
        ),
    ] {
        let malformed = format!(r#"{{"id":"w",{recipient}}}"#);
        let body = body(&format!(r#""messages":[{GOOD}],"statuses":[{malformed}]"#));
        let missing = Reason::Missing("status".into());
        let event = beside(&body, "0].value.statuses[0]", &malformed, &missing);
        let named = event.user.as_ref().and_then(Identity::phone);
        assert_eq!(named, user, "{malformed}");
    }
}

#[test]
fn a_signup_field_may_hold_a_list_and_other_items_beside_it() {
    let signup = r#"{"wa_id":"1555","signup_id":"spring"}"#;
    let list = messages(&[GOOD]).replace(
        r#"{"field":"messages""#,
        &format!(r#"{{"field":"in_app_signup","value":[{signup},{signup}]}},{{"field":"messages""#),
    );
    let names: Vec<_> = events(&list).iter().map(WebhookEvent::name).collect();
    assert_eq!(
        names,
        ["user_subscribed", "user_subscribed", "message_received"]
    );

    let both = body(&format!(
        r#""contacts":[{{"wa_id":"15550101001"}}],"messages":[{GOOD}]"#
    ));
    let both = both.replace(r#""field":"messages""#, r#""field":"in_app_signup""#);
    let all = events(&both);
    let [WebhookEvent::MessageReceived(event)] = &all[..] else {
        panic!("{all:?}")
    };
    assert!(event.contact.is_some());
}
