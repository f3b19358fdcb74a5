use super::Payload;
use crate::json::object::object;
use crate::json::{Fault, Node};
use crate::model::text_enum::text_enum;
use crate::model::{AppId, ConversationContext, Identity, Numbers, PhoneNumberId, Timestamp, WaId};

object! {
    /// `messaging_handovers`: a conversation was given to you, or taken from
    /// you.
    ///
    /// The App Dashboard's test button sends no `type`. [`kind`](Self::kind) is
    /// then the member that is present, `control_passed` or `control_taken`.
    ///
    /// ```json
    /// {"sender": {"phone_number": "15550101001"},
    ///  "recipient": {"phone_number_id": "300200100500600", "display_phone_number": "15550100200"},
    ///  "type": "control_passed", "timestamp": "1785000000",
    ///  "control_passed": {"previous_owner_role": "ai_agent", "new_owner_role": "escalation",
    ///                     "metadata": "…", "conversation_context": {"type": "summary", "summary": {"text": "…"}}}}
    /// ```
    ///
    /// Meta's page: [messaging_handovers webhook](https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messaging-handovers).
    ///
    /// ```
    /// use whatsapp_signals::event::{HandoverKind, WebhookEvent};
    ///
    /// let body = &std::fs::read("tests/payloads/handover-passed.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::MessagingHandover(change)] = webhook.events() else { panic!("one change") };
    /// assert_eq!(change.value.kind, Some(HandoverKind::ControlPassed));
    /// let control = change.value.control().unwrap();
    /// assert!(control.conversation_context.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Eq, Hash)]
    pub struct MessagingHandover {
        /// Direction of the handover; in an event never `None`.
        pub kind = "type": Option<HandoverKind>,
        /// When.
        pub timestamp: Option<Timestamp>,
        /// The user.
        pub sender: Option<HandoverSender>,
        /// Your number.
        pub recipient: Option<HandoverRecipient>,
        /// How it was given to you.
        pub control_passed: Option<Box<Control>>,
        /// How it was taken from you.
        pub control_taken: Option<Box<Control>>,
    }
}

text_enum! {
    /// Direction in which a conversation was handed over.
    pub enum HandoverKind {
        /// You have it now, and are expected to answer.
        ControlPassed = "control_passed",
        /// You no longer have it.
        ControlTaken = "control_taken",
    }
}

object! {
    /// The user of a conversation that was handed over.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::HandoverSender;
    ///
    /// let sender: HandoverSender = serde_json::from_str(r#"{"phone_number": "15550101001"}"#)?;
    /// assert_eq!(sender.phone_number.unwrap(), "15550101001");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct HandoverSender {
        /// The phone number, when Meta shows it.
        pub phone_number: Option<WaId>,
    }
}

object! {
    /// Your number in a conversation that was handed over.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::HandoverRecipient;
    ///
    /// let number: HandoverRecipient = serde_json::from_str(
    ///     r#"{"phone_number_id": "300200100500600", "display_phone_number": "15550100200"}"#,
    /// )?;
    /// assert_eq!(number.phone_number_id.unwrap(), "300200100500600");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct HandoverRecipient {
        /// By its id.
        pub phone_number_id: Option<PhoneNumberId>,
        /// As people see it.
        pub display_phone_number: Option<Box<str>>,
    }
}

object! {
    /// Who had a conversation and who has it now.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::Control;
    ///
    /// let control: Control = serde_json::from_str(
    ///     r#"{"previous_owner_role": "ai_agent", "new_owner_role": "escalation",
    ///         "conversation_context": {"summary": {"text": "Ada wants a mechanic."}}}"#,
    /// )?;
    /// assert_eq!(control.new_owner_role.as_deref(), Some("escalation"));
    /// assert_eq!(control.conversation_context.unwrap().text(), Some("Ada wants a mechanic."));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[derive(Default, Eq, Hash)]
    pub struct Control {
        /// Who had it: `ai_agent`, `customer_service`, …
        pub previous_owner_role: Option<Box<str>>,
        /// Who has it: `escalation`, …
        pub new_owner_role: Option<Box<str>>,
        /// The app that had it.
        pub previous_owner_app_id: Option<AppId>,
        /// What that app is; Meta means to drop this.
        pub previous_owner_app_role: Option<Box<str>>,
        /// The app that has it.
        pub new_owner_app_id: Option<AppId>,
        /// What the one who handed it over wrote.
        pub metadata: Option<Box<str>>,
        /// What was said so far.
        pub conversation_context: Option<ConversationContext>,
    }
}

impl MessagingHandover {
    /// The user, when Meta shows the phone number.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::MessagingHandover;
    ///
    /// let handover: MessagingHandover = serde_json::from_str(
    ///     r#"{"type": "control_passed", "sender": {"phone_number": "15550101001"}}"#,
    /// )?;
    /// assert_eq!(handover.user().unwrap().phone(), Some("15550101001"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn user(&self) -> Option<Identity> {
        let phone = self.sender.as_ref()?.phone_number.as_ref();
        Identity::from_parts(phone, None, None)
    }

    /// Returns the previous and the new owner of the conversation, for both
    /// kinds.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::WebhookEvent;
    ///
    /// let body = &std::fs::read("tests/payloads/handover-taken.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::MessagingHandover(change)] = webhook.events() else { panic!("one change") };
    /// let control = change.value.control().unwrap();
    /// assert_eq!(control.metadata.as_deref(), Some("A mechanic took over at the counter"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn control(&self) -> Option<&Control> {
        match self.kind {
            Some(HandoverKind::ControlPassed) => self.control_passed.as_deref(),
            Some(HandoverKind::ControlTaken) => self.control_taken.as_deref(),
            Some(HandoverKind::Other(_)) | None => {
                let control = self.control_passed.as_ref().or(self.control_taken.as_ref());
                control.map(|control| &**control)
            }
        }
    }
}

impl Payload for MessagingHandover {
    const IS_ABOUT_USER: bool = true;

    fn user(&self, _: Numbers<'_>) -> Option<Identity> {
        self.user()
    }

    /// Names the kind by the one member that says how, well formed or not.
    fn complete(&mut self, json: Node<'_>) -> Result<(), Fault> {
        if self.kind.is_none() {
            let has = |name: &str| json.only(name).is_ok_and(|member| member.is_some());
            self.kind = Some(match (has("control_passed"), has("control_taken")) {
                (true, false) => HandoverKind::ControlPassed,
                (false, true) => HandoverKind::ControlTaken,
                _ => return Err(Fault::Missing("type".into())),
            });
        }
        Ok(())
    }

    fn phone_number_id(&self) -> Option<&PhoneNumberId> {
        self.recipient.as_ref()?.phone_number_id.as_ref()
    }

    fn time(&self) -> Option<Timestamp> {
        self.timestamp
    }
}
