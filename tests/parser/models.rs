//! The models: what the doc examples do not already show.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use whatsapp_signals::event::{
    Call, CallStatus, CampaignCompleted, GroupParticipant, HandoverKind, MessageSent,
    MessagingLimit, Reason, SyncedContact, TemplateCategoryUpdate, UserSubscribed, WebhookEvent,
};
use whatsapp_signals::model::{
    Account, Campaign, CampaignStatus, Contact, Content, FlowResponse, Identity, Interactive,
    Location, Message, MessageContext, MessageStatus, MetaError, OutboundInteractive, RawJson,
    Signup, SignupStatus, StatusUpdate, System, Timestamp,
};
use whatsapp_signals::{DispatchReport, Failure, Report, Signal, Webhook, parse};

#[track_caller]
fn round_trips<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) {
    let text = serde_json::to_string(value).unwrap();
    assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), value, "{text}");
    let json = serde_json::to_value(value).unwrap();
    assert_eq!(&serde_json::from_value::<T>(json).unwrap(), value, "{text}");
}

fn ada() -> Identity {
    Identity::new(Some("15550101001"), Some("US.7001"), None).unwrap()
}

#[test]
fn events_of_the_program_survive_serialization() {
    let message = Message::outbound("wamid.A", ada(), Content::template("spring", "en_US"))
        .timestamp(Timestamp::from_secs(-1))
        .status(MessageStatus::from("on_the_moon"))
        .group("Y2FwaV9n")
        .context(MessageContext::default())
        .reply_to("wamid.Q")
        .build();
    let account = Account::new("900").with_number("300", "1555");
    round_trips(&MessageSent::new(message).with_account(account));

    let mut campaign = Campaign::new("Spring");
    campaign.status = CampaignStatus::from("dreamt of");
    campaign.scheduled_at = Some(Timestamp::from_secs(100_000_000_000));
    campaign.counts.sent = u64::MAX;
    round_trips(&CampaignCompleted::new(campaign));

    let mut signup = Signup::new("spring");
    signup.status = SignupStatus::Disabled;
    signup.promo_code = Some("TUNE10".into());
    round_trips(&signup);

    let mut contact = Contact::new(ada());
    contact.labels = vec!["vip".into()];
    contact.raw = Some(RawJson::new(r#"{"z": 1e400, "a": "\ud83d"}"#).unwrap());
    round_trips(&contact);
}

/// A user's own enum may be internally tagged, which buffers what it holds.
#[test]
fn events_survive_in_an_internally_tagged_enum_of_the_users() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Job {
        Event { event: WebhookEvent },
    }
    let body = include_bytes!("../payloads/flow-reply.json");
    for event in parse(body).unwrap() {
        round_trips(&Job::Event { event });
    }
}

#[test]
fn times_beyond_the_year_5138_are_read_as_fractions_of_seconds() {
    for (number, secs) in [
        (0, 0),
        (1_769_000_000, 1_769_000_000),
        (-1_769_000_000, -1_769_000_000),
        (100_000_000_000, 100_000_000_000),
        (100_000_000_001, 100_000_000),
        (1_769_000_000_123, 1_769_000_000),
        (1_769_000_000_999_999, 1_769_000_000),
        (1_769_000_000_123_456_789, 1_769_000_000),
        (-100_000_000_000, -100_000_000_000),
        (-1_769_000_000_123, -1_769_000_001),
        (i64::MAX, 9_223_372_036),
        (i64::MIN, -9_223_372_037),
    ] {
        let expected = Timestamp::from_secs(secs);
        assert_eq!(number.to_string().parse(), Ok(expected), "{number}");
        let text = json!(number.to_string());
        for json in [json!(number), text] {
            let time: Timestamp = serde_json::from_value(json.clone()).unwrap();
            assert_eq!(time, expected, "{json}");
            round_trips(&time);
            let status = json!({"id": "wamid.A", "status": "sent", "timestamp": json});
            let body = json!({"object": "whatsapp_business_account", "entry": [{"changes": [
                {"field": "messages", "value": {"statuses": [status]}},
            ]}]});
            let webhook = parse(&serde_json::to_vec(&body).unwrap()).unwrap();
            let [WebhookEvent::MessageStatusChanged(event)] = webhook.events() else {
                panic!("{json}");
            };
            assert_eq!(event.update.timestamp, Some(expected), "{json}");
        }
    }
    assert_eq!(Timestamp::from_secs(i64::MAX).as_secs(), i64::MAX);
}

#[test]
fn a_handover_without_a_type_has_the_kind_of_its_member() {
    use HandoverKind::{ControlPassed, ControlTaken};
    for (members, expected) in [
        (r#""control_passed":{}"#, Some(ControlPassed)),
        (r#""control_taken":{}"#, Some(ControlTaken)),
        (
            r#""type":null,"control_passed":null,"control_taken":{}"#,
            Some(ControlTaken),
        ),
        (
            r#""type":"control_taken","control_passed":{},"control_taken":{}"#,
            Some(ControlTaken),
        ),
        (
            r#""type":"control_lent","control_taken":{}"#,
            Some("control_lent".into()),
        ),
        (r#""control_passed":{},"control_taken":{}"#, None),
        (r#""control_passed":null"#, None),
        (r#""timestamp":"1785000000""#, None),
    ] {
        let body = format!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"changes":[
                {{"field":"messaging_handovers","value":{{{members}}}}}]}}]}}"#
        );
        let webhook = parse(body.as_bytes()).unwrap();
        match (&webhook.events()[0], expected) {
            (WebhookEvent::MessagingHandover(change), Some(kind)) => {
                assert_eq!(change.value.kind, Some(kind), "{members}");
                assert!(change.value.control().is_some(), "{members}");
                round_trips(&change.value);
            }
            (WebhookEvent::Unrecognized(event), None) => {
                assert_eq!(event.reason, Reason::Missing("type".into()), "{members}");
            }
            (event, _) => panic!("{members}: {event:?}"),
        }
    }
}

#[test]
fn an_interactive_object_is_a_reply_or_a_message_of_the_business() {
    for (members, expected) in [
        (r#""type":"button","body":{"text":"Hi"}"#, Some("Hi")),
        (r#""type":"flow","action":{"name":"flow"}"#, Some("")),
        (
            r#""type":"product","footer":{"text":"Hi"}"#,
            Some("[Product]"),
        ),
        (
            r#""type":"list","header":{"type":"text","text":"Days"},"body":{"text":""}"#,
            Some("Days"),
        ),
        (
            r#""type":"product","body":{"text":"Hi"},"product":null"#,
            Some("Hi"),
        ),
        (r#""body":{"text":7},"type":"list""#, Some("")),
        (
            r#""type":"product","product":{},"body":{"text":"Hi"}"#,
            None,
        ),
        (
            r#""type":"new_reply","new_reply":{},"body":{"text":"Hi"}"#,
            None,
        ),
        (r#""type":"new_reply","body":"Hi""#, None),
        (r#""type":"new_reply""#, None),
    ] {
        let body = format!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"changes":[
                {{"field":"smb_message_echoes","value":{{"message_echoes":[
                    {{"id":"wamid.A","to":"15550101001","type":"interactive",
                      "interactive":{{{members}}}}}]}}}}]}}]}}"#
        );
        let webhook = parse(body.as_bytes()).unwrap();
        let [WebhookEvent::MessageEcho(event)] = webhook.events() else {
            panic!("{members}: {webhook:?}")
        };
        round_trips(&event.message);
        let Content::Interactive(interactive) = &event.message.content else {
            panic!("{members}")
        };
        match (&**interactive, expected) {
            (Interactive::Outbound(message), Some(text)) => {
                assert_eq!(event.message.body(), text, "{members}");
                let whole: serde_json::Value =
                    serde_json::from_str(&format!("{{{members}}}")).unwrap();
                assert_eq!(serde_json::Value::from(message.json.clone()), whole);
            }
            (Interactive::Product(_) | Interactive::Other(_), None) => {}
            (interactive, _) => panic!("{members}: {interactive:?}"),
        }
    }
}

#[test]
fn methods_of_a_message_return_the_parts_of_its_content() {
    for (body, line, part, reply_id) in [
        (
            &include_bytes!("../payloads/sticker.json")[..],
            "[Sticker]",
            "media",
            None,
        ),
        (
            include_bytes!("../payloads/location.json"),
            "Lockside Bike Shed",
            "location",
            None,
        ),
        (
            include_bytes!("../payloads/reaction.json"),
            "🚴",
            "reaction",
            None,
        ),
        (
            include_bytes!("../payloads/flow-reply.json"),
            "Sent",
            "nfm_reply",
            None,
        ),
        (
            include_bytes!("../payloads/button-reply.json"),
            "Approve repair",
            "",
            Some("quote-4471-approve"),
        ),
        (
            include_bytes!("../payloads/list-reply.json"),
            "Brake service",
            "",
            Some("svc_brakes"),
        ),
        (
            include_bytes!("../payloads/button.json"),
            "I come tomorrow",
            "",
            Some("pickup_tomorrow"),
        ),
    ] {
        let webhook = parse(body).unwrap();
        let WebhookEvent::MessageReceived(event) = &webhook.events()[0] else {
            panic!("{webhook:?}")
        };
        let message = &event.message;
        assert_eq!((message.body(), message.reply_id()), (line, reply_id));
        for (name, is_there) in [
            ("media", message.has_media()),
            ("location", message.is_location()),
            ("reaction", message.reaction().is_some()),
            ("nfm_reply", message.nfm_reply().is_some()),
        ] {
            assert_eq!(is_there, name == part, "{line}: {name}");
        }
    }
}

#[test]
fn parts_of_a_message_of_the_business_are_read_from_their_alternatives() {
    let message: OutboundInteractive = serde_json::from_value(json!({
        "type": "carousel",
        "header": {"type": "document", "document": {"id": "42", "filename": "offer.pdf"}},
        "action": {
            "buttons": [{"type": "quick_reply", "quick_reply": {"id": "more"}}],
            "parameters": {"display_text": "Call us"},
        },
    }))
    .unwrap();
    let file = message.header().unwrap().media().cloned().unwrap();
    assert_eq!(file.filename.as_deref(), Some("offer.pdf"));
    let action = message.action();
    assert_eq!(action.buttons[0].button_reply().unwrap().id, "more");
    assert_eq!(action.parameters.unwrap().label(), Some("Call us"));
}

#[test]
fn a_messaging_limit_is_a_tier_or_a_number() {
    for (text, messages, is_unlimited) in [
        ("TIER_1K", Some(1_000), false),
        ("3500", Some(3_500), false),
        ("TIER_UNLIMITED", None, true),
        ("-1", None, true),
        ("TIER_NOT_SET", None, false),
    ] {
        let limit = MessagingLimit::from(text);
        assert_eq!(
            (limit.messages(), limit.is_unlimited()),
            (messages, is_unlimited),
            "{text}"
        );
    }
}

#[test]
fn a_change_of_a_category_without_the_correct_one_is_done() {
    let json = r#"{"previous_category": "UTILITY", "new_category": "MARKETING"}"#;
    let done: TemplateCategoryUpdate = serde_json::from_str(json).unwrap();
    assert!(!done.is_ahead());
}

#[test]
fn an_identity_without_ids_cannot_be_created_or_parsed() {
    for (wa_id, user_id) in [(None, None), (Some(""), None), (Some(""), Some(""))] {
        assert_eq!(Identity::new(wa_id, user_id, None), None);
    }
    for json in [json!({}), json!({"wa_id": ""}), json!({"user_id": null})] {
        assert!(serde_json::from_value::<Identity>(json).is_err());
    }
}

#[test]
fn users_are_the_same_when_they_share_an_id_of_one_kind() {
    let of = |wa_id, user_id, parent| Identity::new(wa_id, user_id, parent).unwrap();
    let both = of(Some("1"), Some("US.2"), Some("US.ENT.3"));
    assert!(both.is_same_user(&of(Some("1"), None, None)));
    assert!(both.is_same_user(&of(None, Some("US.2"), None)));
    assert!(both.is_same_user(&of(None, None, Some("US.ENT.3"))));
    assert!(!both.is_same_user(&of(Some("9"), None, None)));
    assert!(!of(Some("1"), None, None).is_same_user(&of(None, Some("1"), None)));
}

#[test]
fn a_user_id_in_the_place_of_the_phone_number_is_a_user_id() {
    for (wa_id, is_phone) in [("15550101001", true), ("+1555", true), ("US.7001", false)] {
        let identity = Identity::from_phone(wa_id).unwrap();
        assert_eq!(identity.wa_id().is_some(), is_phone, "{wa_id}");
        assert_eq!(identity.user_id().is_some(), !is_phone, "{wa_id}");
    }
    // Texts of Meta's stay as they are.
    for (wa_id, is_phone) in [("us.7", true), ("US.", true), ("US.7001", false)] {
        let identity: Identity = serde_json::from_value(json!({"wa_id": wa_id})).unwrap();
        assert_eq!(identity.wa_id().is_some(), is_phone, "{wa_id}");
        assert_eq!(Identity::from_phone(wa_id).is_some(), !is_phone, "{wa_id}");
    }
    let both = Identity::new(Some("US.1"), Some("US.2"), None).unwrap();
    assert_eq!(both.wa_id().unwrap(), "US.1", "nothing is thrown away");
    assert_eq!(both.phone(), None);
    let twice = Identity::new(Some("US.1"), Some("US.1"), None).unwrap();
    assert_eq!((twice.wa_id(), twice.user_id().unwrap()), (None, "US.1"));
}

#[test]
fn ids_of_a_user_in_several_members_are_one_identity_and_keep_their_names() {
    fn ids<T: Serialize + DeserializeOwned>(json: &Value, user: fn(&T) -> Option<&Identity>) {
        let object: T = serde_json::from_value(json.clone()).unwrap();
        let user = user(&object).unwrap();
        let ids = [user.wa_id(), user.user_id(), user.parent_user_id()];
        assert_eq!(
            ids,
            [Some("1555"), Some("US.7"), Some("US.ENT.7")],
            "{json}"
        );
        assert_eq!(&serde_json::to_value(&object).unwrap(), json);
    }
    ids::<Call>(
        &json!({"id": "c", "event": "connect", "from": "1555", "from_user_id": "US.7",
            "from_parent_user_id": "US.ENT.7", "to": "900"}),
        |call| call.from.as_ref(),
    );
    ids::<Call>(
        &json!({"id": "c", "event": "connect", "to": "1555", "to_user_id": "US.7",
            "to_parent_user_id": "US.ENT.7"}),
        |call| call.to.as_ref(),
    );
    ids::<CallStatus>(
        &json!({"id": "c", "status": "RINGING", "recipient_id": "1555",
            "recipient_user_id": "US.7", "recipient_parent_user_id": "US.ENT.7"}),
        |call| call.recipient.as_ref(),
    );
    ids::<SyncedContact>(
        &json!({"phone_number": "1555", "user_id": "US.7", "parent_user_id": "US.ENT.7"}),
        |contact| contact.user.as_ref(),
    );
    let user = json!({"wa_id": "1555", "user_id": "US.7", "parent_user_id": "US.ENT.7"});
    ids::<GroupParticipant>(&user, |participant| participant.user.as_ref());
    ids::<System>(&user, |system| system.new_ids.as_ref());

    let none: GroupParticipant = serde_json::from_str(r#"{"wa_id": "", "user_id": null}"#).unwrap();
    assert_eq!(none, GroupParticipant::default());
    let json = r#"{"wa_id": "US.7", "parent_user_id": "US.ENT.7"}"#;
    let by_user_id: GroupParticipant = serde_json::from_str(json).unwrap();
    assert_eq!(
        serde_json::to_value(&by_user_id).unwrap(),
        json!({"user_id": "US.7", "parent_user_id": "US.ENT.7"})
    );
}

#[test]
fn malformed_and_repeated_ids_are_left_out_and_reported() {
    for (members, user_id, name) in [
        (r#""wa_id":"1555","user_id":{}"#, None, "user_id"),
        (
            r#""wa_id":"1555","user_id":"a","user_id":"b""#,
            None,
            "user_id",
        ),
        (r#""wa_id":[],"user_id":"US.7""#, Some("US.7"), "wa_id"),
    ] {
        let body = format!(
            r#"{{"object":"whatsapp_business_account","entry":[{{"changes":[
                {{"field":"user_preferences","value":{{"user_preferences":
                [{{{members},"value":"stop"}}]}}}}]}}]}}"#
        );
        let webhook = parse(body.as_bytes()).unwrap();
        let [WebhookEvent::UserPreference(change), parts @ ..] = webhook.events() else {
            panic!("{webhook:?}")
        };
        let user = change.value.user.as_ref().unwrap();
        assert_eq!(user.user_id(), user_id, "{members}");
        assert!(!parts.is_empty(), "{members}");
        for part in parts {
            let WebhookEvent::Unrecognized(part) = part else {
                panic!("{part:?}")
            };
            assert!(part.path.ends_with(name), "{}", part.path);
        }
    }
}

#[test]
fn a_contact_is_called_by_the_best_name_there_is() {
    let mut contact = Contact::new(Identity::from_user_id("US.7001").unwrap());
    assert_eq!(contact.display_name(), "US.7001");
    contact.identity = ada();
    assert_eq!(contact.display_name(), "15550101001");
    contact.username = Some("ada".into());
    assert_eq!(contact.display_name(), "ada");
    contact.name = Some("".into());
    assert_eq!(contact.display_name(), "ada");
    contact.name = Some("Ada".into());
    assert_eq!(contact.display_name(), "Ada");
}

#[test]
fn statuses_move_forward_only() {
    use MessageStatus::{Delivered, Failed, Other, Played, Read, Sent};
    let line = [Sent, Delivered, Read, Played, Failed];
    for (at, status) in line.iter().enumerate() {
        for (other_at, other) in line.iter().enumerate() {
            assert_eq!(status.supersedes(other), at > other_at, "{status} {other}");
        }
        let other = MessageStatus::from("success");
        assert!(matches!(&other, Other(text) if **text == *"success"));
        assert!(!other.supersedes(status) && status.supersedes(&other));
    }
}

#[test]
fn open_enums_keep_the_spelling_of_their_value() {
    for text in ["sent", "failed", "tomorrow", ""] {
        let status = MessageStatus::from(text);
        assert_eq!(status.as_str(), text);
        round_trips(&status);
    }
    assert_eq!(MessageStatus::from("read"), MessageStatus::Read);
}

#[test]
fn an_interactive_answer_of_a_new_kind_is_still_a_message() {
    let body = String::from_utf8_lossy(include_bytes!("../payloads/button-reply.json"))
        .replace("button_reply", "hologram_reply");
    let events = parse(body.as_bytes()).unwrap().into_events();
    let [WebhookEvent::MessageReceived(event)] = &events[..] else {
        panic!("{events:?}")
    };
    let Content::Interactive(answer) = &event.message.content else {
        panic!("{event:?}")
    };
    let Interactive::Other(answer) = &**answer else {
        panic!("{answer:?}")
    };
    assert_eq!(answer.kind(), "hologram_reply");
    assert!(answer.content.as_ref().unwrap()["title"].is_string());
}

#[test]
fn a_flow_token_that_is_no_text_stays_in_the_data() {
    let response = FlowResponse::from_response_json(r#"{"flow_token": 5}"#).unwrap();
    assert_eq!((response.flow_token, response.data.len()), (None, 1));
    assert!(FlowResponse::from_response_json("[]").is_err());
}

#[test]
fn a_response_json_that_is_json_already_is_as_good_as_a_string() {
    let body = r#"{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"messages","value":{"messages":[
        {"id":"wamid.A","type":"interactive","interactive":{"type":"nfm_reply","nfm_reply":{"response_json":{"day":"friday"}}}}
    ]}}]}]}"#;
    let events = parse(body.as_bytes()).unwrap().into_events();
    let [_, WebhookEvent::FlowCompleted(flow)] = &events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(flow.response.data["day"], "friday");
}

#[test]
fn every_way_of_saying_why_is_read() {
    for (json, details) in [
        (json!({"code": 1, "error_data": {"details": "new"}}), "new"),
        (json!({"code": "1", "details": "old"}), "old"),
    ] {
        let error: MetaError = serde_json::from_value(json).unwrap();
        assert_eq!(error.details(), Some(details));
        assert_eq!(error.code.as_ref().unwrap().as_u32(), Some(1));
    }
    let named: MetaError = serde_json::from_value(json!({"code": "ERROR_CODE"})).unwrap();
    assert_eq!(named.code.as_ref().unwrap().as_u32(), None);
}

#[test]
fn group_statuses_name_group_and_participant_in_both_spellings() {
    let events = parse(include_bytes!("../payloads/status-group.json"))
        .unwrap()
        .into_events();
    for event in &events {
        let WebhookEvent::MessageStatusChanged(event) = event else {
            panic!("{event:?}")
        };
        let update = &event.update;
        assert!(update.group_id.is_some());
        assert!(update.recipient.as_ref().unwrap().wa_id().is_some());
        assert!(update.conversation.as_ref().unwrap().pricing.is_some());
    }
    assert_eq!(events.len(), 2);
}

#[test]
fn raw_json_shows_its_length_and_not_its_text() {
    let raw = RawJson::new(r#""secret""#).unwrap();
    assert_eq!(format!("{raw:?}"), "RawJson(8 bytes)");
    assert!(RawJson::new("{").is_err() && RawJson::new("1 2").is_err());
}

#[test]
fn parsed_values_are_send_and_sync() {
    fn crosses<T: Send + Sync + 'static>() {}
    crosses::<WebhookEvent>();
    crosses::<Webhook>();
    crosses::<UserSubscribed>();
    crosses::<StatusUpdate>();
    crosses::<Signal<WebhookEvent>>();
    crosses::<Failure>();
    crosses::<Report>();
    crosses::<DispatchReport>();
}

#[test]
fn a_subscriber_is_marked_and_keeps_the_data_of_the_webhook() {
    let events = parse(include_bytes!("../payloads/signup-user-preferences.json"))
        .unwrap()
        .into_events();
    let [WebhookEvent::UserSubscribed(event)] = &events[..] else {
        panic!("{events:?}")
    };
    let contact = &event.contact;
    assert!(contact.subscribed_via_signup);
    assert!(contact.subscribed_at.is_some());
    assert_eq!(contact.name.as_deref(), Some("Ada Okafor"));
    assert!(contact.identity.user_id().is_some() && contact.phone().is_some());
    assert_eq!(event.signup, Signup::new("juniper-autumn-rides"));
}

#[test]
fn a_subscriber_has_the_ids_of_the_contact_and_of_the_item() {
    let body = r#"{"object":"whatsapp_business_account","entry":[{"changes":[{"field":"user_preferences","value":{
        "contacts":[{"wa_id":"1555"}],
        "user_preferences":[{"wa_id":"1555","user_id":"US.7","value":"signup","signup_id":"spring"}]}}]}]}"#;
    let events = parse(body.as_bytes()).unwrap().into_events();
    let [WebhookEvent::UserSubscribed(event)] = &events[..] else {
        panic!("{events:?}")
    };
    let identity = &event.contact.identity;
    assert_eq!(
        identity,
        &Identity::new(Some("1555"), Some("US.7"), None).unwrap()
    );
}

#[test]
fn locations_keep_every_bit() {
    for latitude in [
        14.168_536_774_085_865_f64,
        -122.161_659_240_72,
        5e-324,
        -0.0,
    ] {
        let json = json!({"latitude": latitude, "longitude": 0});
        let location: Location = serde_json::from_str(&json.to_string()).unwrap();
        assert_eq!(location.latitude.to_bits(), latitude.to_bits());
        round_trips(&location);
    }
}
