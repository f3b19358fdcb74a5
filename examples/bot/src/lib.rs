//! The receivers of a bicycle workshop's bot. Their values come from the program's context.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use whatsapp_signals::event::{MessageReceived, MessageStatusChanged};
use whatsapp_signals::model::{Identity, MessageStatus};
use whatsapp_signals::signals::{MESSAGE_RECEIVED, MESSAGE_STATUS_CHANGED};
use whatsapp_signals::{BoxError, Context, filter::is_text, receiver};

/// A client of Meta's Graph API.
pub trait Graph: Send + Sync {
    /// Sends a text.
    fn send<'a>(&'a self, to: &'a Identity, text: &'a str) -> Sending<'a>;
}

/// The future of [`Graph::send`].
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send + 'a>>;

/// The bikes that are ready, by the phone number of the owner.
pub type Bikes = HashMap<&'static str, &'static str>;

/// The users whom a message did not reach.
pub type Unreached = Mutex<Vec<Identity>>;

/// Returns the context that the receivers need.
#[must_use]
pub fn context(graph: Arc<dyn Graph>, bikes: Bikes) -> Context {
    Context::new()
        .with(graph)
        .with(bikes)
        .with(Unreached::default())
}

#[receiver(MESSAGE_RECEIVED, uid = "answer", filter = is_text)]
async fn answer(event: &MessageReceived, bikes: &Bikes, graph: &dyn Graph) -> Result<(), BoxError> {
    let user = event.message.sender().ok_or("no sender")?;
    let bike = user.phone().and_then(|phone| bikes.get(phone));
    let text = bike.map_or("We open at 9".into(), |bike| {
        format!("Your {bike} is ready")
    });
    graph.send(user, &text).await
}

#[receiver(MESSAGE_STATUS_CHANGED)]
fn collect(event: &MessageStatusChanged, unreached: &Unreached) -> Result<(), &'static str> {
    if event.update.status == MessageStatus::Failed {
        let mut users = unreached.lock().map_err(|_| "a receiver panicked")?;
        users.extend(event.update.recipient.clone());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
