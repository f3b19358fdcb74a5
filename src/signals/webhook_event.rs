//! The enum of all that a webhook can fire, and what is done with any of it.

/// Makes [`WebhookEvent`](super::WebhookEvent) of the rows that a webhook fires.
macro_rules! webhook_event {
    ($($(#[$doc:meta])* $signal:ident: $variant:ident($payload:ty) = $name:literal;)+) => {
        /// One event of a webhook: what [`Webhook::events`](crate::Webhook::events)
        /// yields.
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
            /// assert!(report.is_unheard(), "nobody listens in this example");
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
            /// assert!(report.is_unheard(), "nobody listens in this example");
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
                }
            }

            /// The account and number that it concerns.
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
                }
            }

            /// The user that the event itself names.
            pub(crate) fn user(&self) -> Option<Cow<'_, Identity>> {
                match self {
                    $(Self::$variant(event) => event.user(),)+
                }
            }

            /// Sets the id by which other events of the body name the user.
            pub(crate) fn set_known_as(&mut self, id: Box<str>) {
                match self {
                    $(Self::$variant(event) => event.known_as = Some(id),)+
                }
            }

            /// The group, for an event that names no user.
            pub(crate) fn group(&self) -> Option<&str> {
                match self {
                    $(Self::$variant(event) => event.group(),)+
                }
            }

            /// Whether it is news of a changed id.
            pub(crate) fn is_news_of_ids(&self) -> bool {
                match self {
                    $(Self::$variant(event) => event.is_news_of_ids(),)+
                }
            }

            /// The number or account under which its user is known.
            pub(crate) fn place(&self) -> &str {
                match self {
                    $(Self::$variant(event) => event.place(),)+
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
                }
            }

            /// Puts what a store knows in the place of the webhook's contact.
            pub(crate) fn set_contact(&mut self, contact: Arc<Contact>) {
                match self {
                    $(Self::$variant(event) => event.set_contact(contact),)+
                }
            }

            /// Returns the payload with its type erased.
            #[cfg(feature = "testing")]
            pub(crate) fn into_any(self) -> Box<dyn std::any::Any> {
                match self {
                    $(Self::$variant(event) => Box::new(event),)+
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
                }
            }

            /// The JSON of the item that it was made from.
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
                }
            }

            async fn asend_typed(self) -> Report {
                match self.delivered {
                    $(WebhookEvent::$variant(event) => {
                        $signal.with(self.context).asend_robust(event).await
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
                }
            }
        }

        $(impl From<$payload> for WebhookEvent {
            fn from(event: $payload) -> Self {
                Self::$variant(event)
            }
        })+
    };
}

pub(super) use webhook_event;
