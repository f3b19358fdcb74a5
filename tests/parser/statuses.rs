//! The recipient of a status: a user, or a participant of a group.

use crate::support::events;
use crate::support::object::with;
use serde_json::{Value, json};
use whatsapp_signals::event::WebhookEvent;
use whatsapp_signals::model::{Identity, StatusUpdate};

fn update(members: &Value) -> StatusUpdate {
    let status = with(json!({"id": "wamid.A", "status": "read"}), members);
    let body = json!({"object": "whatsapp_business_account", "entry": [{"changes": [{
        "field": "messages", "value": {"statuses": [status]}}]}]});
    match events(&body.to_string()).pop() {
        Some(WebhookEvent::MessageStatusChanged(event)) => event.update,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_status_with_a_participant_belongs_to_a_group() {
    let ada = Identity::from_phone("15550101001");
    let by_id = Identity::from_user_id("US.7001");
    for (members, group, recipient) in [
        (json!({"recipient_id": "15550101001"}), None, &ada),
        (json!({"recipient_user_id": "US.7001"}), None, &by_id),
        (
            json!({"recipient_id": "G", "recipient_type": "group"}),
            Some("G"),
            &None,
        ),
        (
            json!({"recipient_id": "G", "recipient_participant_id": "15550101001"}),
            Some("G"),
            &ada,
        ),
        (
            json!({"recipient_id": "G", "participant_recipient_id": "15550101001"}),
            Some("G"),
            &ada,
        ),
        (
            json!({"recipient_id": "G", "recipient_participant_user_id": "US.7001"}),
            Some("G"),
            &by_id,
        ),
    ] {
        let update = update(&members);
        assert_eq!(
            update.group_id.as_ref().map(AsRef::as_ref),
            group,
            "{members}"
        );
        assert_eq!(&update.recipient, recipient, "{members}");
        assert_eq!(update.is_group_message(), group.is_some(), "{members}");
    }
}
