//! A receiver that keeps the events of a signal.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::{ConnectOptions, Context, Signal};

/// Connects a receiver to a context that keeps each event of a signal.
///
/// It belongs to the context, so tests of one signal run in parallel. It runs before the other
/// receivers of the signal, so their failures keep no event from it.
///
/// # Examples
///
/// ```standalone_crate
/// use whatsapp_signals::event::MessageReceived;
/// use whatsapp_signals::signals::{MESSAGE_RECEIVED, MESSAGE_SENT};
/// use whatsapp_signals::{Context, Failure, receiver, testing};
/// # use whatsapp_signals::{event::MessageSent, model::{Content, Message}};
///
/// #[receiver(MESSAGE_RECEIVED)]
/// fn answer(event: &MessageReceived, context: &Context) -> Result<(), Failure> {
///     // Calls Meta's API, and announces the answer:
/// #   let to = event.message.sender().unwrap().clone();
/// #   let message = Message::outbound("wamid.ANSWER", to, Content::text("We open at 9")).build();
/// #   let sent = MessageSent::new(message);
///     MESSAGE_SENT.with(context).send(&sent)?;
///     Ok(())
/// }
///
/// # fn main() {
/// let context = Context::new();
/// let sent = testing::record(&MESSAGE_SENT, &context);
/// let webhook = testing::text("When do you open?").webhook();
/// assert!(webhook.with(&context).dispatch().is_ok());
/// assert_eq!(sent.events()[0].message.body(), "We open at 9");
/// # }
/// ```
#[track_caller]
pub fn record<T>(signal: &'static Signal<T>, context: &Context) -> Recorded<T>
where
    T: Clone + Send + Sync + 'static,
{
    let recorded = Recorded {
        events: Arc::default(),
    };
    let events = Arc::clone(&recorded.events);
    let first = ConnectOptions::new().order(i32::MIN);
    let connected = context.connect_with(signal, first, move |event: &T| {
        events.lock().push(event.clone());
    });
    if let Err(error) = connected {
        unreachable!("no uid was given: {error}");
    }
    recorded
}

/// The events that [`record`] has kept so far. A clone shares them.
///
/// ```
/// use whatsapp_signals::{Context, Signal, testing};
///
/// static PAID: Signal<u64> = Signal::new("paid");
///
/// let context = Context::new();
/// let paid = testing::record(&PAID, &context);
/// PAID.with(&context).send(&990)?;
/// assert_eq!(paid.take(), [990]);
/// assert!(paid.is_empty());
/// # Ok::<(), whatsapp_signals::Failure>(())
/// ```
#[derive(Clone, Debug)]
pub struct Recorded<T> {
    events: Arc<Mutex<Vec<T>>>,
}

impl<T> Recorded<T> {
    /// Returns the events, in the order in which they were sent.
    #[must_use]
    pub fn events(&self) -> Vec<T>
    where
        T: Clone,
    {
        self.events.lock().clone()
    }

    /// Returns the events, and forgets them.
    #[must_use = "the events are forgotten"]
    pub fn take(&self) -> Vec<T> {
        std::mem::take(&mut self.events.lock())
    }

    /// Returns the number of events.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.lock().len()
    }

    /// Returns true if there is no event.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.lock().is_empty()
    }
}
