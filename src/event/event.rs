//! What all payloads have in common.

use crate::signal::{Failure, Report, Signal};

/// A payload that has a signal of its own.
///
/// Every payload of this crate is one, so that what your code dispatches by
/// hand reads as it should. Implement it for payloads of your own when you
/// like that better than `ORDER_PAID.send(&event)`.
///
/// # Examples
///
/// ```standalone_crate
/// use whatsapp_signals::event::{CampaignCompleted, Event};
/// use whatsapp_signals::model::Campaign;
///
/// let report = CampaignCompleted::new(Campaign::new("Spring"), 118, 2).send()?;
/// assert_eq!(report.called(), 0, "nobody listens in this example");
/// assert_eq!(CampaignCompleted::NAME, "campaign_completed");
/// assert_eq!(CampaignCompleted::signal().name(), CampaignCompleted::NAME);
/// # Ok::<(), whatsapp_signals::Failure>(())
/// ```
pub trait Event: Sized + 'static {
    /// The signal's name.
    const NAME: &'static str;

    /// The signal that carries it.
    fn signal() -> &'static Signal<Self>;

    /// Returns the key of the event: equal when Meta repeats it, as it does for up to seven
    /// days, and different for any other event.
    ///
    /// It begins with [`NAME`](Self::NAME), so that the events of one item (a
    /// message and the flow that it submits) have keys of their own. It ends with the
    /// business number, as one wamid may come to two numbers, or else with the WABA. Between
    /// them stands
    ///
    /// - for a message: its wamid and type. For an edit also a hash of the new content, since
    ///   one message may be edited more than once;
    /// - for the flow that a message submits: the wamid;
    /// - for a status: the wamid and the status, the participant of a group and the payment,
    ///   since all statuses of a message share its wamid. Its time does not count: Meta
    ///   repeats a status at another second;
    /// - for a call and its statuses: the id of the call and its event or status;
    /// - for any other event: a hash of the entry's time and the JSON, in which neither white
    ///   space nor the order of members counts, nor the signed `url` of a medium.
    ///
    /// An event that has neither an id nor a time, as a
    /// [`META_ERROR`](crate::signals::META_ERROR), may recur: the next one with its key may be
    /// another event, so do not drop it. Then
    /// [`WebhookEvent::repeats`](super::WebhookEvent::repeats) is true, and
    /// [`Webhook::dedup_keys`](crate::Webhook::dedup_keys) adds a count to equal keys of one
    /// body.
    ///
    /// A wamid has the user's phone number in it: treat keys as personal data.
    ///
    /// ```
    /// use whatsapp_signals::parse;
    ///
    /// let body = &std::fs::read("tests/payloads/status-read.json")?;
    /// let (first, again) = (parse(body)?, parse(body)?);
    /// let key = first.events()[0].dedup_key();
    /// assert_eq!(key, again.events()[0].dedup_key());
    /// assert!(key.starts_with("message_status_changed:wamid."));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn dedup_key(&self) -> String;

    /// Returns the key of the partition in which the event is to stay in order: events with
    /// one key concern one conversation, so that workers can share the partitions.
    ///
    /// For an event of a webhook it is the business number and the user,
    /// `300200100500600:US.7001`; the members of a group are users too. An event that
    /// names no user is in the partition of its group or, without one, of its number. A user
    /// has one partition in all events of a body, including [`UNRECOGNIZED`] ones, and is named
    /// by the best id that the body has: the business-scoped user id, the parent id or the phone
    /// number. Another body may name the user by another id.
    ///
    /// News of a changed id is in the partition of the previous id, and later events are in
    /// the partition of the new one. Workers of two partitions do not wait for one another, so
    /// order across the change is not promised.
    ///
    /// The events of a type of your own are all in one partition, unless you override this.
    ///
    /// [`UNRECOGNIZED`]: crate::signals::UNRECOGNIZED
    ///
    /// Meta promises no order of its webhooks: a `read` may arrive before the
    /// `delivered`, and an edit before the message. The order that a queue keeps
    /// is the order of arrival.
    ///
    /// It may hold a phone number: treat it as personal data.
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let body = &std::fs::read("tests/payloads/flow-reply.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let keys: Vec<_> = webhook.iter().map(WebhookEvent::partition_key).collect();
    /// assert_eq!(keys[0], keys[1], "the message and its flow stay together");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn partition_key(&self) -> String {
        Self::NAME.to_owned()
    }

    /// Sends it: [`Signal::send`].
    ///
    /// # Errors
    ///
    /// The first receiver's failure.
    fn send(&self) -> Result<Report, Failure> {
        Self::signal().send(self)
    }

    /// Sends it to everyone: [`Signal::send_robust`].
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::{CampaignCompleted, Event};
    /// use whatsapp_signals::model::Campaign;
    /// use whatsapp_signals::{receiver, signals::CAMPAIGN_COMPLETED};
    ///
    /// #[receiver(CAMPAIGN_COMPLETED)]
    /// fn report(_event: &CampaignCompleted) -> Result<(), &'static str> {
    ///     Err("the printer is out of paper")
    /// }
    ///
    /// # fn main() {
    /// let report = CampaignCompleted::new(Campaign::new("Spring"), 118, 2).send_robust();
    /// assert_eq!((report.called(), report.failures().len()), (1, 1));
    /// # }
    /// ```
    #[must_use = "the report holds the failures"]
    fn send_robust(&self) -> Report {
        Self::signal().send_robust(self)
    }

    /// Sends it, and waits for async receivers: [`Signal::asend`].
    ///
    /// # Errors
    ///
    /// The first receiver's failure.
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::{CampaignCompleted, Event};
    /// use whatsapp_signals::model::Campaign;
    /// use whatsapp_signals::{receiver, signals::CAMPAIGN_COMPLETED};
    ///
    /// #[receiver(CAMPAIGN_COMPLETED)]
    /// async fn report(_event: &CampaignCompleted) {}
    ///
    /// # fn main() -> Result<(), whatsapp_signals::Failure> {
    /// # pollster::block_on(async {
    /// let done = CampaignCompleted::new(Campaign::new("Spring"), 118, 2);
    /// assert_eq!(done.asend().await?.called(), 1);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    fn asend(&self) -> impl Future<Output = Result<Report, Failure>> + Send
    where
        Self: Sync,
    {
        Self::signal().asend(self)
    }

    /// Sends it to everyone, and waits for async receivers:
    /// [`Signal::asend_robust`].
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::{CampaignCompleted, Event};
    /// use whatsapp_signals::model::Campaign;
    ///
    /// # pollster::block_on(async {
    /// let report = CampaignCompleted::new(Campaign::new("Spring"), 118, 2).asend_robust().await;
    /// assert!(report.is_unheard(), "nobody listens in this example");
    /// # });
    /// ```
    fn asend_robust(&self) -> impl Future<Output = Report> + Send
    where
        Self: Sync,
    {
        Self::signal().asend_robust(self)
    }
}
