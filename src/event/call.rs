//! Calls and their statuses.

use super::Payload;
use crate::json::object::json_object;
use crate::model::text_enum::text_enum;
use crate::model::{CallId, Identity, Ids, Media, Numbers, Parties, Timestamp, UserSide};

/// `calls`: a call begins, ends or was recorded.
///
/// ```json
/// {"id": "wacid.HBgL…", "event": "terminate", "direction": "USER_INITIATED",
///  "from": "15550101001", "to": "15550100200", "timestamp": "1785000000",
///  "status": "COMPLETED", "start_time": "1784999940", "end_time": "1785000000", "duration": 60}
/// ```
///
/// Meta's page: [calling API webhooks](https://developers.facebook.com/documentation/business-messaging/whatsapp/calling/reference).
///
/// ```
/// use whatsapp_signals::event::{CallEvent, CallOutcome, WebhookEvent};
///
/// let body = &std::fs::read("tests/payloads/call-terminate.json")?;
/// let webhook = whatsapp_signals::parse(body)?;
/// let [WebhookEvent::Call(change)] = webhook.events() else { panic!("one change") };
/// assert_eq!(change.value.event, CallEvent::Terminate);
/// assert_eq!(change.value.status, Some(CallOutcome::Completed));
/// assert!(change.value.user().is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[json_object]
#[derive(Eq, Hash)]
pub struct Call {
    /// The id of the call.
    pub id: CallId,
    /// The kind of event.
    pub event: CallEvent,
    /// The time of the status.
    pub timestamp: Option<Timestamp>,
    /// The side that called.
    pub direction: Option<CallDirection>,
    /// The caller, by `from`, `from_user_id` and `from_parent_user_id`.
    #[json(ids("from", "from_user_id", "from_parent_user_id"))]
    pub from: Option<Identity>,
    /// The callee, by `to`, `to_user_id` and `to_parent_user_id`.
    #[json(ids("to", "to_user_id", "to_parent_user_id"))]
    pub to: Option<Identity>,
    /// The session description of a `connect`.
    pub session: Option<Box<CallSession>>,
    /// The session description of a `connect`, in older versions.
    pub connection: Option<Box<CallConnection>>,
    /// The outcome of a `terminate`.
    pub status: Option<CallOutcome>,
    /// The time at which the call was accepted.
    pub start_time: Option<Timestamp>,
    /// The time at which the call ended.
    pub end_time: Option<Timestamp>,
    /// The duration in seconds.
    pub duration: Option<u64>,
    /// The recording.
    pub call_recording: Option<Box<CallRecording>>,
    /// The transcript of the recording.
    pub call_transcript: Option<Box<CallTranscript>>,
    /// The text of your call request.
    pub biz_opaque_callback_data: Option<Box<str>>,
    /// The payload of the link that the user called through.
    pub deeplink_payload: Option<Box<str>>,
    /// The payload of the button that the user called through.
    pub cta_payload: Option<Box<str>>,
}

text_enum! {
    /// The kind of a call event.
    pub enum CallEvent {
        /// The other side is ready to connect.
        Connect = "connect",
        /// The call ended.
        Terminate = "terminate",
        /// The call was attempted over SIP.
        CallCreated = "call_created",
        /// The recording can be downloaded.
        CallRecordingAvailable = "call_recording_available",
        /// The transcript can be downloaded.
        CallTranscriptionAvailable = "call_transcription_available",
    }
}

text_enum! {
    /// The direction of a call.
    pub enum CallDirection {
        /// The business called the user.
        BusinessInitiated = "BUSINESS_INITIATED",
        /// The user called the business.
        UserInitiated = "USER_INITIATED",
    }
}

text_enum! {
    /// The outcome of a call.
    pub enum CallOutcome {
        /// The call was accepted, and ended by one of the sides.
        Completed = "COMPLETED" | "Completed",
        /// The call was not connected, or was interrupted.
        Failed = "FAILED" | "Failed",
    }
}

/// The session description of a call.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct CallSession {
    /// `offer` or `answer`.
    pub sdp_type: Option<Box<str>>,
    /// The session description (RFC 8866).
    pub sdp: Option<Box<str>>,
}

/// The session description of a call, in older versions.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct CallConnection {
    /// Over `WebRTC`.
    pub webrtc: Option<CallSession>,
}

/// The recording of a call.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct CallRecording {
    /// `audio`.
    #[json(rename = "type")]
    pub kind: Option<Box<str>>,
    /// The file.
    pub audio: Option<Media>,
}

/// The transcript of a call.
#[json_object]
#[derive(Default, Eq, Hash)]
pub struct CallTranscript {
    /// The file.
    pub document: Option<Media>,
}

impl Call {
    /// Returns the user on the other side.
    ///
    /// The direction decides the side. Some of Meta's examples swap the numbers; then the
    /// business-scoped user ids decide, as only users have those.
    ///
    /// ```
    /// use whatsapp_signals::event::Call;
    ///
    /// let call: Call = serde_json::from_str(
    ///     r#"{"id": "wacid.A", "event": "connect", "direction": "BUSINESS_INITIATED", "to": "15550101001"}"#,
    /// )?;
    /// assert_eq!(call.user().unwrap().phone(), Some("15550101001"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn user(&self) -> Option<Identity> {
        self.user_with(Numbers::default())
    }

    /// Returns the user, given the known numbers of both sides.
    fn user_with(&self, numbers: Numbers<'_>) -> Option<Identity> {
        let parties = Parties {
            from: Ids::of(self.from.as_ref()),
            to: Ids::of(self.to.as_ref()),
        };
        let direction = self.direction.as_ref().and_then(CallDirection::user_side);
        let side = parties.side(direction, numbers);
        parties.user(side)
    }
}

impl CallDirection {
    /// Returns the side that is the user.
    pub(crate) fn user_side(&self) -> Option<UserSide> {
        match self {
            Self::BusinessInitiated => Some(UserSide::To),
            Self::UserInitiated => Some(UserSide::From),
            Self::Other(_) => None,
        }
    }
}

impl Payload for Call {
    const IS_ABOUT_USER: bool = true;

    fn user(&self, numbers: Numbers<'_>) -> Option<Identity> {
        self.user_with(numbers)
    }

    fn key(&self) -> Option<String> {
        if self.id.as_str().is_empty() {
            return None;
        }
        let key = format!("{}:{}", self.id, self.event);
        // A call connects and ends once, and may be recorded more than once.
        let recording = self.call_recording.as_ref();
        let transcript = self.call_transcript.as_ref();
        let media = [
            recording.and_then(|recording| recording.audio.as_ref()?.id.as_ref()),
            transcript.and_then(|transcript| transcript.document.as_ref()?.id.as_ref()),
        ];
        let is_once = matches!(self.event, CallEvent::Connect | CallEvent::Terminate);
        if let Some(media) = media.into_iter().flatten().next() {
            return Some(format!("{key}:media={media}"));
        }
        if let Some(time) = self.timestamp.filter(|_| !is_once) {
            return Some(format!("{key}:at={}", time.as_secs()));
        }
        Some(key)
    }
}

/// `statuses` in the field `calls`: an outgoing call rings, is accepted or is rejected.
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
/// assert!(change.value.recipient.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[json_object]
#[derive(Eq, Hash)]
pub struct CallStatus {
    /// The id of the call.
    pub id: CallId,
    /// The stage of the call.
    pub status: CallStage,
    /// `call`.
    #[json(rename = "type")]
    pub kind: Option<Box<str>>,
    /// The time of the status.
    pub timestamp: Option<Timestamp>,
    /// The callee, by `recipient_id`, `recipient_user_id` and `recipient_parent_user_id`.
    #[json(ids("recipient_id", "recipient_user_id", "recipient_parent_user_id"))]
    pub recipient: Option<Identity>,
    /// The text of your call request.
    pub biz_opaque_callback_data: Option<Box<str>>,
}

text_enum! {
    /// The stage of an outgoing call.
    pub enum CallStage {
        /// The user's phone rings.
        Ringing = "RINGING",
        /// The user accepted the call.
        Accepted = "ACCEPTED",
        /// The user rejected the call.
        Rejected = "REJECTED",
    }
}

impl Payload for CallStatus {
    const IS_ABOUT_USER: bool = true;

    fn user(&self, _: Numbers<'_>) -> Option<Identity> {
        self.recipient.clone()
    }

    fn key(&self) -> Option<String> {
        let has_id = !self.id.as_str().is_empty();
        has_id.then(|| format!("{}:{}", self.id, self.status))
    }
}
