//! A receiver that posts each message to a CRM, if `CRM_URL` is set.

use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde_json::json;
use whatsapp_signals::event::{Event, MessageReceived};
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::{BoxError, ConnectOptions, Context, Retry, with_state};

use crate::setting;

#[derive(Clone)]
struct Crm {
    client: Client,
    url: String,
}

/// Connects the receiver `crm` to a context, if there is a CRM.
pub(crate) fn connect(context: &Context) -> Result<(), BoxError> {
    let Ok(url) = setting("CRM_URL") else {
        return Ok(());
    };
    let client = Client::builder().timeout(Duration::from_secs(5)).build()?;
    let options = ConnectOptions::new().uid("crm");
    let post = with_state(Crm { client, url }, post);
    Ok(context.connect_with(&MESSAGE_RECEIVED, options, post)?)
}

/// Posts a message. The CRM knows a repetition by the header `Idempotency-Key`.
///
/// The same request would be refused again, so a refusal makes a dead letter at once. A CRM that is
/// down or busy gets the message again later.
async fn post(crm: Crm, event: &MessageReceived) -> Result<(), BoxError> {
    let sender = event.message.sender();
    let user = sender.and_then(|sender| sender.phone().or(sender.user_id()));
    let request = crm
        .client
        .post(&crm.url)
        .header("idempotency-key", event.dedup_key())
        .json(&json!({"user": user, "text": event.message.body()}));
    // The URL may have a password.
    let response = request.send().await.map_err(reqwest::Error::without_url)?;
    let status = response.status();
    let is_busy = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS].contains(&status);
    let answer = format!("the CRM answered {status}");
    match status {
        _ if status.is_success() => Ok(()),
        _ if status.is_client_error() && !is_busy => Err(Retry::never(answer).into()),
        _ => Err(answer.into()),
    }
}
