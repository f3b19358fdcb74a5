//! Requests to Meta's endpoint for sending messages, and its responses.
//!
//! A member that is malformed or there twice is left out, as in a webhook.

use std::collections::HashSet;

use thiserror::Error;

use super::{MessageRefused, MessageSent};
use crate::json::object::{MemberValue, json_object};
use crate::json::{Node, read_scalar, with_tape};
use crate::model::{
    Content, Direction, GraphError, GroupId, Identity, Message, MessageContext, MessageId,
    MessageStatus, NamedUser, PacingStatus, RawJson, Timestamp, Unsupported, UserId, WaId,
};

/// The reason why no event can be made of a request and its response.
///
/// As text it quotes nothing of either.
///
/// # Examples
///
/// ```
/// use whatsapp_signals::event::{GraphJsonErrorKind, MessageSent};
///
/// let request = r#"{"to": "15550101001", "text": {"body": "It is ready"}}"#;
/// let refusal = r#"{"error": {"code": 131047, "message": "(#131047) Re-engagement message"}}"#;
/// let error = MessageSent::from_graph(request, refusal).unwrap_err();
/// assert_eq!(error.kind(), GraphJsonErrorKind::Refused);
///
/// let error = MessageSent::from_graph(request, "502 Bad Gateway").unwrap_err();
/// assert_eq!(error.to_string(), "expected the JSON object of a response, found another text");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("{0}")]
pub struct GraphJsonError(GraphJsonErrorKind);

impl GraphJsonError {
    /// Returns the cause.
    #[must_use]
    pub fn kind(&self) -> GraphJsonErrorKind {
        self.0
    }
}

/// The cause of a [`GraphJsonError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum GraphJsonErrorKind {
    /// The request is not a JSON object.
    #[error("expected the JSON object of a request, found another text")]
    Request,
    /// The response is not a JSON object: the page of a proxy, an empty text.
    #[error("expected the JSON object of a response, found another text")]
    Response,
    /// The response is a refusal, for [`MessageRefused::from_graph_error`].
    #[error("expected a response with messages, found an error of Meta")]
    Refused,
    /// The request sends a message, and the response names none.
    #[error("expected a response with messages, found none")]
    NoMessages,
    /// The response is no refusal: it has no `error` object.
    #[error("expected a response with an error, found none")]
    NoError,
}

/// The parts of a request.
pub(crate) struct GraphRequest {
    /// The recipients, unless it is a group. One that is malformed is `None`.
    users: Vec<Option<Identity>>,
    is_to_group: bool,
    pub(crate) group_id: Option<GroupId>,
    kind: Option<Box<str>>,
    /// The content; `None` for a type without a variant, and for a malformed one.
    pub(crate) content: Option<Content>,
    /// The message that is answered.
    pub(crate) context: Option<Box<MessageContext>>,
    biz_opaque_callback_data: Option<Box<str>>,
    /// It is a read receipt or a typing indicator, which is no message.
    is_receipt: bool,
}

/// A message of a response.
#[json_object]
#[allow(unreachable_pub, reason = "objects are public, but for this one")]
pub struct AcceptedMessage {
    pub id: MessageId,
    pub message_status: Option<PacingStatus>,
    pub group_id: Option<GroupId>,
}

/// Returns the member of a name, unless it is missing, malformed or there twice.
fn member<T: MemberValue>(object: Node<'_>, name: &str) -> Option<T> {
    read_scalar(object.only(name).ok().flatten()?)
}

/// Reads an object, or returns an error of this kind.
fn read_object<R>(
    json: &[u8],
    kind: GraphJsonErrorKind,
    read: impl FnOnce(Node<'_>) -> R,
) -> Result<R, GraphJsonError> {
    let json = str::from_utf8(json).map_err(|_| GraphJsonError(kind))?;
    let read = with_tape(json, |node| node.is_object().then(|| read(node)));
    read.ok().flatten().ok_or(GraphJsonError(kind))
}

impl GraphRequest {
    /// Reads the parts of a request without those that are malformed.
    pub(crate) fn read(request: Node<'_>) -> Self {
        let recipient_type: Option<Box<str>> = member(request, "recipient_type");
        let is_to_group = recipient_type.as_deref() == Some("group");
        let user_id: Option<UserId> = member(request, "recipient");
        let user_id = user_id.as_ref().map(UserId::as_str);
        let user_of = |to: Option<Node<'_>>| {
            let to: Option<WaId> = to.and_then(read_scalar);
            Identity::of_request(to.as_ref().map(WaId::as_str), user_id)
        };
        let to = request.only("to").ok().flatten();
        let users = match to {
            _ if is_to_group => Vec::new(),
            Some(list) if list.is_array() => list.elements().map(|to| user_of(Some(to))).collect(),
            to => vec![user_of(to)],
        };
        let reply = request.only("context").ok().flatten();
        let reply_to: Option<MessageId> = reply.and_then(|reply| member(reply, "message_id"));
        let has = |name: &str| request.get(name).is_some_and(|member| !member.is_null());
        let kind = member(request, "type");
        let content = Content::of_request(request);
        Self {
            users,
            is_to_group,
            group_id: to
                .filter(|_| is_to_group)
                .and_then(read_scalar)
                .filter(|id: &GroupId| !id.as_str().is_empty()),
            is_receipt: kind.is_none()
                && content.is_none()
                && (has("status") || has("typing_indicator")),
            kind,
            content,
            context: reply_to.map(|id| {
                Box::new(MessageContext {
                    id: Some(id),
                    ..MessageContext::default()
                })
            }),
            biz_opaque_callback_data: member(request, "biz_opaque_callback_data"),
        }
    }

    /// Takes the content. A type without a variant is unsupported, and so is a malformed content,
    /// which Meta understood.
    fn take_content(&mut self) -> Content {
        let kind = self.kind.take();
        let content = self.content.take();
        content.unwrap_or(Content::Unsupported(Unsupported { kind }))
    }
}

/// Returns the element for the message at an index: the only one, or the one at the same index of a
/// list as long as that of the messages. Otherwise it is unknown which one it is.
fn element_for<T>(elements: &[T], at: usize, messages: usize) -> Option<&T> {
    match elements {
        [only] => Some(only),
        elements if elements.len() == messages => elements.get(at),
        _ => None,
    }
}

/// Reads the user of a contact of a response: by the `wa_id` and never by the `input`.
fn user_of(contact: Node<'_>) -> Option<Identity> {
    let ids = read_scalar::<NamedUser>(contact)?.user?;
    let user = Identity::of_request(ids.wa_id(), ids.user_id());
    let parent = Identity::verbatim(None, None, ids.parent_user_id());
    match (user, parent) {
        (Some(user), Some(parent)) => Some(user.completed_by(&parent)),
        (user, parent) => user.or(parent),
    }
}

/// See [`MessageSent::from_graph`].
pub(crate) fn sent(request: &[u8], response: &[u8]) -> Result<Vec<MessageSent>, GraphJsonError> {
    let (mut parts, raw) = read_request(request)?;
    let (users, accepted) = read_object(response, GraphJsonErrorKind::Response, |response| {
        if response.get("error").is_some_and(Node::is_object) {
            return Err(GraphJsonError(GraphJsonErrorKind::Refused));
        }
        let list = |name: &str| response.only(name).ok().flatten();
        let users = list("contacts").map(|contacts| contacts.elements().map(user_of).collect());
        let accepted = list("messages").map(|messages| {
            let messages = messages.elements();
            messages.map(read_scalar::<AcceptedMessage>).collect()
        });
        let users: Vec<Option<Identity>> = users.unwrap_or_default();
        let accepted: Vec<Option<AcceptedMessage>> = accepted.unwrap_or_default();
        Ok((users, accepted))
    })??;
    if parts.is_receipt {
        return Ok(Vec::new());
    }
    let (content, count, now) = (parts.take_content(), accepted.len(), Timestamp::now());
    let mut ids = HashSet::new();
    let is_new = |(_, accepted): &(usize, AcceptedMessage)| {
        let id = accepted.id.as_str();
        !id.is_empty() && ids.insert(id.to_owned())
    };
    let accepted = accepted.into_iter().enumerate();
    let accepted = accepted.filter_map(|(at, accepted)| Some((at, accepted?)));
    let sent = accepted.filter(is_new).map(|(at, accepted)| {
        let mut message = Message::new(accepted.id, Direction::Outbound, content.clone());
        message.group_id = parts.group_id.clone().or(accepted.group_id);
        // The `wa_id` of a group is the id of the group.
        if message.group_id.is_none() && !parts.is_to_group {
            let named = element_for(&users, at, count).cloned().flatten();
            let requested = || element_for(&parts.users, at, count).cloned().flatten();
            message.user = named.or_else(requested);
        }
        message.timestamp = Some(now);
        message.status = Some(match &accepted.message_status {
            None | Some(PacingStatus::Accepted) => MessageStatus::Sent,
            Some(held) => MessageStatus::from(held.as_str()),
        });
        message.context.clone_from(&parts.context);
        MessageSent {
            message,
            account: None,
            message_status: accepted.message_status,
            biz_opaque_callback_data: parts.biz_opaque_callback_data.clone(),
            campaign: None,
            request: Some(raw.clone()),
        }
    });
    let sent: Vec<MessageSent> = sent.collect();
    if sent.is_empty() {
        return Err(GraphJsonError(GraphJsonErrorKind::NoMessages));
    }
    Ok(sent)
}

/// See [`MessageRefused::from_graph_error`].
pub(crate) fn refused(
    request: &[u8],
    response: &[u8],
) -> Result<Option<MessageRefused>, GraphJsonError> {
    let (mut parts, request) = read_request(request)?;
    let error = read_object(response, GraphJsonErrorKind::Response, |response| {
        let error = response.only("error").ok().flatten()?;
        let raw = RawJson::new(error.json()).ok()?;
        Some((read_scalar::<GraphError>(error)?, raw))
    })?;
    let (error, raw) = error.ok_or(GraphJsonError(GraphJsonErrorKind::NoError))?;
    if parts.is_receipt {
        return Ok(None);
    }
    Ok(Some(MessageRefused {
        error,
        user: element_for(&parts.users, 0, 1).cloned().flatten(),
        content: parts.take_content(),
        group_id: parts.group_id,
        context: parts.context,
        timestamp: Some(Timestamp::now()),
        biz_opaque_callback_data: parts.biz_opaque_callback_data,
        campaign: None,
        account: None,
        request,
        raw,
    }))
}

/// Reads a request, and keeps its JSON.
fn read_request(json: &[u8]) -> Result<(GraphRequest, RawJson), GraphJsonError> {
    let request = read_object(json, GraphJsonErrorKind::Request, |request| {
        Some((
            GraphRequest::read(request),
            RawJson::new(request.json()).ok()?,
        ))
    });
    request?.ok_or(GraphJsonError(GraphJsonErrorKind::Request))
}
