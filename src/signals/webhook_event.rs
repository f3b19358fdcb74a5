//! The enum of all events, and what is done with any of them.

/// Makes [`WebhookEvent`](super::WebhookEvent) of the rows that a webhook fires, and of those that
/// the program does.
macro_rules! webhook_event {
    (
        webhook { $(
            $(#[$doc:meta])* $signal:ident: $variant:ident($payload:ty) = $name:literal;
        )+ }
        program { $(
            $(#[$own_doc:meta])* $own_signal:ident: $own:ident($own_payload:ty) = $own_name:literal;
        )+ }
    ) => {
        /// One event of a webhook, as [`Webhook::events`](crate::Webhook::events) has it; or one of
        /// your program, as an engine, a queue or a table keeps it.
        ///
        /// No webhook yields the last three variants. A
        /// [`WebhookEngine`](crate::WebhookEngine::process_sent) stores and delivers them as it does the
        /// others.
        ///
        /// # Examples
        ///
        /// ```
        /// use whatsapp_signals::event::WebhookEvent;
        ///
        /// let body = &std::fs::read("tests/payloads/flow-reply.json")?;
        /// let webhook = whatsapp_signals::parse(body)?;
        /// let names: Vec<_> = webhook.events().iter().map(WebhookEvent::name).collect();
        /// assert_eq!(names, ["message_received", "flow_completed"]);
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum WebhookEvent {
            $($(#[$doc])* #[serde(rename = $name)] $variant($payload),)+
            // Boxed, as they are larger than a received message.
            $($(#[$own_doc])* #[serde(rename = $own_name)] $own(Box<$own_payload>),)+
        }

        impl WebhookEvent {
            /// The name of its signal: `message_received`, …
            ///
            /// ```
            /// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/text.json")?)?;
            /// assert_eq!(webhook.events()[0].name(), "message_received");
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)+
                    $(Self::$own(_) => $own_name,)+
                }
            }

            /// Returns the event with the context of its dispatch.
            ///
            /// ```standalone_crate
            /// use whatsapp_signals::event::MessageReceived;
            /// use whatsapp_signals::{Context, receiver, signals::MESSAGE_RECEIVED};
            ///
            /// #[receiver(MESSAGE_RECEIVED)]
            /// fn log(_event: &MessageReceived, prefix: &String) {
            ///     assert_eq!(prefix, "received: ");
            /// }
            ///
            /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
            /// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/text.json")?)?;
            /// let context = Context::new().with(String::from("received: "));
            /// assert_eq!(webhook.events()[0].with(&context).dispatch().succeeded(), 1);
            /// # Ok(())
            /// # }
            /// ```
            #[must_use]
            pub fn with<'a>(&'a self, context: &'a Context) -> InContext<'a, Self> {
                InContext::new(self, context)
            }

            /// Sends the event to the receivers of its signal and of
            /// [`ANY_EVENT`](crate::signals::ANY_EVENT), as [`Signal::send_robust`] does.
            ///
            /// ```standalone_crate
            /// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/text.json")?)?;
            /// let report = webhook.events()[0].dispatch();
            /// assert!(report.has_no_receivers(), "nobody listens in this example");
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[must_use = "the report holds the failures"]
            pub fn dispatch(&self) -> Report {
                self.with(&EMPTY).dispatch()
            }

            /// Sends as [`dispatch`](Self::dispatch) does, and awaits async receivers, as
            /// [`Signal::asend_robust`] does.
            ///
            /// ```standalone_crate
            /// # pollster::block_on(async {
            /// let body = &std::fs::read("tests/payloads/text.json")?;
            /// let webhook = whatsapp_signals::parse(body)?;
            /// let report = webhook.events()[0].dispatch_async().await;
            /// assert!(report.has_no_receivers(), "nobody listens in this example");
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// # }).unwrap();
            /// ```
            #[must_use = "the report holds the failures"]
            pub async fn dispatch_async(&self) -> Report {
                self.with(&EMPTY).dispatch_async().await
            }

            /// What it is known by when it comes again:
            /// [`Event::dedup_key`].
            ///
            /// ```
            /// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/text.json")?)?;
            /// assert!(webhook.events()[0].dedup_key().starts_with("message_received:wamid."));
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[must_use]
            pub fn dedup_key(&self) -> String {
                match self {
                    $(Self::$variant(event) => event.dedup_key(),)+
                    $(Self::$own(event) => event.dedup_key(),)+
                }
            }

            /// What it must stay in order with: [`Event::partition_key`].
            ///
            /// ```
            /// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/text.json")?)?;
            /// let key = webhook.events()[0].partition_key();
            /// assert_eq!(key, "300200100500600:US.70010020030040050060");
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[must_use]
            pub fn partition_key(&self) -> String {
                match self {
                    $(Self::$variant(event) => event.partition_key(),)+
                    $(Self::$own(event) => event.partition_key(),)+
                }
            }

            /// Returns the account and number that it concerns. For a
            /// [`CampaignCompleted`](crate::event::CampaignCompleted) it has no ids, as a campaign
            /// may have several numbers.
            ///
            /// ```
            /// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/text.json")?)?;
            /// let account = webhook.events()[0].account();
            /// assert_eq!(account.phone_number_id.as_ref().unwrap(), "300200100500600");
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[must_use]
            pub fn account(&self) -> &Account {
                match self {
                    $(Self::$variant(event) => &event.account,)+
                    $(Self::$own(event) => event.account().unwrap_or(&NO_ACCOUNT),)+
                }
            }

            /// The user's contact, as the webhook has it.
            ///
            /// ```
            /// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/text.json")?)?;
            /// let contact = webhook.events()[0].contact();
            /// assert_eq!(contact.unwrap().display_name(), "Ada Okafor");
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[must_use]
            pub fn contact(&self) -> Option<&Contact> {
                match self {
                    $(Self::$variant(event) => event.contact(),)+
                    $(Self::$own(event) => event.contact(),)+
                }
            }

            /// The user that the event itself names.
            pub(crate) fn user(&self) -> Option<Cow<'_, Identity>> {
                match self {
                    $(Self::$variant(event) => event.user(),)+
                    $(Self::$own(event) => event.user(),)+
                }
            }

            /// Sets the id by which other events of the body name the user.
            pub(crate) fn set_known_as(&mut self, id: Box<str>) {
                match self {
                    $(Self::$variant(event) => event.known_as = Some(id),)+
                    // They come alone.
                    $(Self::$own(_) => drop(id),)+
                }
            }

            /// The group, for an event that names no user.
            pub(crate) fn group(&self) -> Option<&str> {
                match self {
                    $(Self::$variant(event) => event.group(),)+
                    $(Self::$own(event) => event.group(),)+
                }
            }

            /// Whether it is news of a changed id.
            pub(crate) fn is_news_of_ids(&self) -> bool {
                match self {
                    $(Self::$variant(event) => event.is_news_of_ids(),)+
                    $(Self::$own(event) => event.is_news_of_ids(),)+
                }
            }

            /// The number or account under which its user is known.
            pub(crate) fn place(&self) -> &str {
                match self {
                    $(Self::$variant(event) => event.place(),)+
                    $(Self::$own(event) => event.place(),)+
                }
            }

            /// Calls a closure with the user, by the ids of the event and by those of its
            /// contact.
            pub(crate) fn with_ids<R>(
                &self,
                f: impl FnOnce([Option<&Identity>; 2]) -> R,
            ) -> R {
                match self {
                    $(Self::$variant(event) => event.with_ids(f),)+
                    $(Self::$own(event) => event.with_ids(f),)+
                }
            }

            /// Puts what a store knows in the place of the webhook's contact.
            pub(crate) fn set_contact(&mut self, contact: Arc<Contact>) {
                match self {
                    $(Self::$variant(event) => event.set_contact(contact),)+
                    $(Self::$own(event) => event.set_contact(contact),)+
                }
            }

            /// Returns the payload with its type erased.
            #[cfg(feature = "testing")]
            pub(crate) fn into_any(self) -> Box<dyn std::any::Any> {
                match self {
                    $(Self::$variant(event) => Box::new(event),)+
                    $(Self::$own(event) => event,)+
                }
            }

            /// Whether another event may have the same [`dedup_key`](Self::dedup_key): it has
            /// neither an id nor a time, so the same may have happened again.
            ///
            /// A [`META_ERROR`](crate::signals::META_ERROR) never has one of them; other
            /// webhooks sometimes lack both.
            ///
            /// ```
            /// let body = &std::fs::read("tests/payloads/value-errors.json")?;
            /// let webhook = whatsapp_signals::parse(body)?;
            /// assert_eq!(webhook.events()[0].name(), "meta_error");
            /// assert!(webhook.events()[0].repeats());
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[must_use]
            pub fn repeats(&self) -> bool {
                match self {
                    $(Self::$variant(event) => event.repeats(),)+
                    $(Self::$own(event) => event.repeats(),)+
                }
            }

            /// Returns the JSON of the item that it was made from: of a message that you sent, the
            /// request to Meta; `null` if there is none.
            ///
            /// ```
            /// let webhook = whatsapp_signals::parse(&std::fs::read("tests/payloads/text.json")?)?;
            /// let raw = webhook.events()[0].raw().as_str();
            /// assert!(raw.starts_with('{') && raw.contains("wamid."));
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[must_use]
            pub fn raw(&self) -> &RawJson {
                match self {
                    $(Self::$variant(event) => &event.raw,)+
                    $(Self::$own(event) => event.request_json().unwrap_or(&NO_JSON),)+
                }
            }
        }

        /// Sending to the event's own signal.
        impl InContext<'_, WebhookEvent> {
            fn send_typed(self) -> Report {
                match self.delivered {
                    $(WebhookEvent::$variant(event) => {
                        $signal.with(self.context).send_robust(event)
                    })+
                    $(WebhookEvent::$own(event) => {
                        $own_signal.with(self.context).send_robust(event)
                    })+
                }
            }

            async fn asend_typed(self) -> Report {
                match self.delivered {
                    $(WebhookEvent::$variant(event) => {
                        $signal.with(self.context).asend_robust(event).await
                    })+
                    $(WebhookEvent::$own(event) => {
                        $own_signal.with(self.context).asend_robust(event).await
                    })+
                }
            }

            async fn deliver_typed(
                self,
                mode: ReceiverMode,
                observer: &mut impl DeliveryObserver,
            ) -> Report {
                match self.delivered {
                    $(WebhookEvent::$variant(event) => {
                        $signal.with(self.context).deliver_observed(event, mode, observer).await
                    })+
                    $(WebhookEvent::$own(event) => {
                        $own_signal.with(self.context).deliver_observed(event, mode, observer).await
                    })+
                }
            }
        }

        $(impl From<$payload> for WebhookEvent {
            fn from(event: $payload) -> Self {
                Self::$variant(event)
            }
        })+

        $(impl From<$own_payload> for WebhookEvent {
            fn from(event: $own_payload) -> Self {
                Self::$own(Box::new(event))
            }
        })+
    };
}

pub(super) use webhook_event;
