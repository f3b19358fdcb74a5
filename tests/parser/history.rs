//! The direction and the user of a historic message.

use crate::support::events;
use crate::support::object::with;
use serde_json::{Value, json};
use whatsapp_signals::event::{HistoryMessage, WebhookEvent};
use whatsapp_signals::model::{Direction, Identity};

const USER: &str = "15550101001";

/// An old message with these members, of a thread with [`USER`], `US.7001`, in the
/// history of this business number.
fn old(business: Option<&str>, members: &Value) -> HistoryMessage {
    let message = with(json!({"id": "wamid.A", "type": "request_welcome"}), members);
    let thread = json!({"id": USER, "context": {"user_id": "US.7001"}, "messages": [message]});
    let body = json!({"object": "whatsapp_business_account", "entry": [{"changes": [{
        "field": "history", "value": {
            "metadata": {"phone_number_id": "300", "display_phone_number": business},
            "history": [{"threads": [thread]}]}}]}]});
    let mut events = events(&body.to_string());
    match (events.pop(), &events[..]) {
        (Some(WebhookEvent::HistoryMessage(event)), [WebhookEvent::History(_)]) => event,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_sender_or_else_the_recipient_gives_the_direction() {
    use Direction::{Inbound, Outbound};
    let business = Some("+1 (555) 010-0200");
    for (business, members, direction) in [
        (business, json!({"from": USER}), Inbound),
        (
            business,
            json!({"from": USER, "to": "15550109999"}),
            Inbound,
        ),
        (
            None,
            json!({"from": USER, "to_user_id": "US.7009"}),
            Inbound,
        ),
        (business, json!({"from": "15550100200"}), Outbound),
        (None, json!({"from": "15550100200"}), Outbound),
        (business, json!({"from": "15550109999"}), Inbound),
        (business, json!({"to": USER}), Outbound),
        (business, json!({"to_user_id": "US.7001"}), Outbound),
        (business, json!({"to": "15550100200"}), Inbound),
        (None, json!({"to": USER}), Inbound),
        (business, json!({}), Inbound),
    ] {
        let message = old(business, &members).message;
        assert_eq!(message.direction, direction, "{business:?} {members}");
    }
}

#[test]
fn the_ids_of_a_thread_complete_its_user_and_no_other() {
    let both = Identity::new(Some(USER), Some("US.7001"), None);
    let by_id = |id| Identity::from_user_id(id);
    for (members, user) in [
        (json!({"from": USER}), both.clone()),
        (json!({"from_user_id": "US.7001"}), both.clone()),
        (json!({}), both.clone()),
        (json!({"from_user_id": "US.7009"}), by_id("US.7009")),
        (json!({"to": USER}), both.clone()),
        (json!({"from": "15550100200"}), both),
        (json!({"to_user_id": "US.7009"}), by_id("US.7009")),
    ] {
        let message = old(Some("15550100200"), &members).message;
        assert_eq!(message.user, user, "{members}");
    }
}
