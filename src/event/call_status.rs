use super::Payload;
use crate::json::object::object;
use crate::model::text_enum::text_enum;
use crate::model::{CallId, Identity, Numbers, Timestamp, UserId, WaId};

object! {
    /// `statuses`, in the field `calls`: a call that you made rings, is
    /// accepted or is rejected.
    ///
    /// ```json
    /// {"id": "wacid.HBgL…", "type": "call", "status": "RINGING", "timestamp": "1785000000",
    ///  "recipient_id": "15550101001"}
    /// ```
    ///
    /// Meta's page: [business-initiated calls](https://developers.facebook.com/documentation/business-messaging/whatsapp/calling/business-initiated-calls).
    ///
    /// ```
    /// use whatsapp_signals::event::{CallStage, WebhookEvent};
    ///
    /// let body = &std::fs::read("tests/payloads/call-status.json")?;
    /// let webhook = whatsapp_signals::parse(body)?;
    /// let [WebhookEvent::CallStatus(change), ..] = webhook.events() else { panic!("a change") };
    /// assert_eq!(change.value.status, CallStage::Ringing);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Eq, Hash)]
    pub struct CallStatus {
        /// The call.
        pub id: CallId,
        /// How far it has come.
        pub status: CallStage,
        /// `call`.
        pub kind = "type": Option<Box<str>>,
        /// When.
        pub timestamp: Option<Timestamp>,
        /// Who is called.
        pub recipient_id: Option<WaId>,
        /// The user's id within your portfolio.
        pub recipient_user_id: Option<UserId>,
        /// The user's id within the enterprise above it.
        pub recipient_parent_user_id: Option<UserId>,
        /// The text that you gave when you called.
        pub biz_opaque_callback_data: Option<Box<str>>,
    }
}

text_enum! {
    /// How far a call that you made has come.
    pub enum CallStage {
        /// The user's phone rings.
        Ringing = "RINGING",
        /// The user picked up.
        Accepted = "ACCEPTED",
        /// The user did not want it.
        Rejected = "REJECTED",
    }
}

impl CallStatus {
    /// Who is called.
    ///
    /// # Examples
    ///
    /// ```
    /// use whatsapp_signals::event::CallStatus;
    ///
    /// let rings: CallStatus = serde_json::from_str(
    ///     r#"{"id": "wacid.A", "status": "RINGING", "recipient_id": "15550101001"}"#,
    /// )?;
    /// assert_eq!(rings.user().unwrap().phone(), Some("15550101001"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn user(&self) -> Option<Identity> {
        Identity::from_parts(
            self.recipient_id.as_ref(),
            self.recipient_user_id.as_ref(),
            self.recipient_parent_user_id.as_ref(),
        )
    }
}

impl Payload for CallStatus {
    const IS_ABOUT_USER: bool = true;

    fn user(&self, _: Numbers<'_>) -> Option<Identity> {
        self.user()
    }

    fn key(&self) -> Option<String> {
        let has_id = !self.id.as_str().is_empty();
        has_id.then(|| format!("{}:{}", self.id, self.status))
    }
}
