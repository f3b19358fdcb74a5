//! What a message says: the member that its `type` names.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::piece::Piece;
use super::split::{elements, members, object};
use super::strict::MAX_LIST;
use crate::event::Reason;
use crate::model::json::Kept;
use crate::model::object::option;
use crate::model::{
    Content, Edit, EditedMessage, FlowResponse, Interactive, Message, MessageId, NfmReply,
    OtherReply,
};

/// Reads a content of type `kind` from the member of that name.
pub(super) fn content(kind: Option<&str>, member: Option<Piece<'_>>) -> Result<Content, Reason> {
    let kind = kind.ok_or_else(|| Reason::Missing("type".into()))?;
    let required = || member.ok_or_else(|| Reason::Missing(kind.into()));
    Ok(match kind {
        "text" => Content::Text(object(required()?)?),
        "image" => Content::Image(object(required()?)?),
        "audio" => Content::Audio(object(required()?)?),
        "video" => Content::Video(object(required()?)?),
        "document" => Content::Document(object(required()?)?),
        "sticker" => Content::Sticker(object(required()?)?),
        "location" => Content::Location(object(required()?)?),
        "contacts" => {
            let cards = elements(required()?)?;
            if cards.len() > MAX_LIST {
                return Err(Reason::Malformed);
            }
            Content::Contacts(cards.into_iter().map(object).collect::<Result<_, _>>()?)
        }
        "reaction" => Content::Reaction(object(required()?)?),
        "interactive" => Content::Interactive(Box::new(interactive(required()?)?)),
        "button" => Content::Button(object(required()?)?),
        "order" => Content::Order(object(required()?)?),
        "system" => Content::System(Box::new(object(required()?)?)),
        "edit" => Content::Edit(Box::new(edit(required()?)?)),
        "revoke" => Content::Revoke(object(required()?)?),
        "request_welcome" => Content::RequestWelcome,
        "media_placeholder" => Content::MediaPlaceholder,
        // The older `unknown` has its reason in `errors` alone.
        "unsupported" | "unknown" => {
            Content::Unsupported(member.map(object).transpose()?.unwrap_or_default())
        }
        unknown => return Err(Reason::UnknownType(unknown.into())),
    })
}

/// Reads the content of a request that sends a message. `None` for a type that
/// cannot be sent or has no variant of [`Content`], and for a malformed member.
pub(crate) fn sent_content(request: &Map<String, Value>) -> Option<Content> {
    let kind = match request.get("type") {
        // A text needs no `type` in a request.
        None | Some(Value::Null) => "text",
        Some(kind) => kind.as_str()?,
    };
    let member = request.get(kind)?;
    match kind {
        "text" | "image" | "audio" | "video" | "document" | "sticker" | "location" | "contacts"
        | "reaction" | "interactive" => {
            let json = member.to_string();
            content(Some(kind), Some(Piece::known(&json))).ok()
        }
        "template" => {
            let name = member.get("name")?.as_str()?;
            let language = member.get("language")?.get("code")?.as_str()?;
            Some(Content::template(name, language))
        }
        _ => None,
    }
}

fn interactive(item: Piece<'_>) -> Result<Interactive, Reason> {
    let (kind, member) = tagged(item)?;
    let required = || member.ok_or_else(|| Reason::Missing((&*kind).into()));
    Ok(match &*kind {
        "button_reply" => Interactive::ButtonReply(object(required()?)?),
        "list_reply" => Interactive::ListReply(object(required()?)?),
        "nfm_reply" => Interactive::NfmReply(nfm_reply(required()?)?),
        "call_permission_reply" => Interactive::CallPermissionReply(object(required()?)?),
        "payment_method" => Interactive::PaymentMethod(object(required()?)?),
        // Some types, such as `product`, are those of a reply and of a message.
        _ if member.is_none() && is_outbound(item)? => Interactive::Outbound(object(item)?),
        "product" => Interactive::Product(object(required()?)?),
        other => {
            let content: Option<Kept> = member.map(object).transpose()?;
            Interactive::Other(OtherReply {
                content: content.map(|Kept(content)| content),
                kind: other.into(),
            })
        }
    })
}

/// Recognizes an interactive message that the business sent by its parts, which
/// stand in place of the member that its `type` names.
fn is_outbound(item: Piece<'_>) -> Result<bool, Reason> {
    let parts = members(item, ["header", "body", "footer", "action"])?.known;
    let is_part = |part: Piece<'_>| part.get().starts_with('{');
    Ok(parts.into_iter().flatten().any(is_part))
}

/// `response_json` is JSON in a string; should it come as the JSON itself,
/// that is as good.
fn nfm_reply(item: Piece<'_>) -> Result<NfmReply, Reason> {
    #[derive(Deserialize)]
    struct Wire<'a> {
        #[serde(default, deserialize_with = "option")]
        name: Option<Box<str>>,
        #[serde(default, deserialize_with = "option")]
        body: Option<Box<str>>,
        #[serde(default, borrow)]
        response_json: Option<Piece<'a>>,
    }
    let wire: Wire<'_> = object(item)?;
    let response = wire
        .response_json
        .ok_or_else(|| Reason::Missing("response_json".into()))?;
    let response_json = if response.get().starts_with('"') {
        serde_json::from_str(response.get()).map_err(|_| Reason::Malformed)?
    } else {
        response.get().into()
    };
    Ok(NfmReply {
        name: wire.name,
        body: wire.body,
        response_json,
    })
}

fn edit(item: Piece<'_>) -> Result<Edit, Reason> {
    #[derive(Deserialize)]
    struct Wire<'a> {
        original_message_id: MessageId,
        #[serde(borrow)]
        message: Piece<'a>,
    }
    let wire: Wire<'_> = object(item)?;
    let [context] = members(wire.message, ["context"])?.known;
    let (kind, member) = tagged(wire.message)?;
    // What is edited is a message that was sent, and never an edit in an edit
    // in an edit, which would end with the stack.
    if matches!(&*kind, "edit" | "revoke") {
        return Err(Reason::UnknownType(kind.into()));
    }
    Ok(Edit {
        original_message_id: wire.original_message_id,
        message: EditedMessage {
            content: content(Some(&kind), member)?,
            context: context.map(object).transpose()?,
        },
    })
}

/// Splits an item into its `type` and the member of that name.
fn tagged(item: Piece<'_>) -> Result<(Cow<'_, str>, Option<Piece<'_>>), Reason> {
    let members = members(item, ["type"])?;
    let [kind] = members.known;
    let kind = kind.ok_or_else(|| Reason::Missing("type".into()))?;
    let kind: Cow<'_, str> = serde_json::from_str(kind.get()).map_err(|_| Reason::Malformed)?;
    let mut named = members
        .unknown
        .into_iter()
        .filter(|(name, _)| *name == kind);
    let member = named.next().map(|(_, member)| member);
    if named.next().is_some() {
        return Err(Reason::Duplicate(kind.into()));
    }
    Ok((kind, member.filter(|member| !member.is_null())))
}

/// What an `nfm_reply` submits, ready to use.
pub(super) fn flow_response(message: &Message, reply: &NfmReply) -> Result<FlowResponse, Reason> {
    let mut response =
        FlowResponse::from_response_json(&reply.response_json).map_err(|_| Reason::Malformed)?;
    response.name.clone_from(&reply.name);
    response.body.clone_from(&reply.body);
    response.reply_to = message.reply_to().cloned();
    Ok(response)
}
