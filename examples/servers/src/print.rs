//! A receiver of everything: one line of JSON for each event.
//!
//! A receiver of your own is a function with `#[receiver(MESSAGE_RECEIVED)]`;
//! see the library's README. This one is connected at run time, since it is of
//! all signals.

use std::io::{self, Write};

use serde::Serialize;
use whatsapp_signals::signals::*;
use whatsapp_signals::{ConnectError, ConnectOptions, Event};

#[derive(Serialize)]
struct Line<'a, E> {
    signal: &'static str,
    key: String,
    event: &'a E,
}

/// Fails when nobody reads any more: then the event is not finished, and comes
/// again.
fn print<E: Event + Serialize>(event: &E) -> io::Result<()> {
    let line = Line {
        signal: E::NAME,
        key: event.dedup_key(),
        event,
    };
    let mut line = serde_json::to_vec(&line)?;
    line.push(b'\n');
    io::stdout().lock().write_all(&line)
}

/// Prints each event that comes from now on.
pub fn print_each_event() -> Result<(), ConnectError> {
    macro_rules! connect {
        ($($signal:ident)+) => {
            // Connections made at run time are known by their uid.
            $($signal.connect_with(ConnectOptions::new().uid("print"), print)?.detach();)+
        };
    }
    connect! {
        MESSAGE_RECEIVED MESSAGE_STATUS_CHANGED FLOW_COMPLETED USER_SUBSCRIBED MESSAGE_ECHO
        USER_ACTION CONVERSATION_CONTEXT USER_PREFERENCE USER_ID_UPDATE UNRECOGNIZED META_ERROR
        CALL CALL_STATUS
        GROUP_LIFECYCLE_UPDATE GROUP_PARTICIPANTS_UPDATE GROUP_SETTINGS_UPDATE
        GROUP_STATUS_UPDATE
        HISTORY HISTORY_MESSAGE SMB_APP_STATE_SYNC
        STANDBY_MESSAGE STANDBY_STATUS STANDBY_ECHO MESSAGING_HANDOVER
        AUTOMATIC_EVENT TRACKING_EVENT
        MESSAGE_TEMPLATE_STATUS_UPDATE MESSAGE_TEMPLATE_QUALITY_UPDATE
        MESSAGE_TEMPLATE_COMPONENTS_UPDATE TEMPLATE_CATEGORY_UPDATE
        TEMPLATE_CORRECT_CATEGORY_DETECTION FLOW_UPDATE PAYMENT_CONFIGURATION_UPDATE
        ACCOUNT_UPDATE ACCOUNT_REVIEW_UPDATE ACCOUNT_ALERT ACCOUNT_SETTINGS_UPDATE
        BUSINESS_CAPABILITY_UPDATE BUSINESS_STATUS_UPDATE BUSINESS_USERNAME_UPDATE
        PARTNER_SOLUTION SECURITY PHONE_NUMBER_NAME_UPDATE PHONE_NUMBER_QUALITY_UPDATE
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_that_a_webhook_fires_is_printed() {
        print_each_event().unwrap();
        for signal in ALL {
            let is_yours = ["message_sent", "campaign_completed"].contains(&signal.name());
            assert_eq!(signal.has_receivers(), !is_yours, "{}", signal.name());
        }
    }
}
