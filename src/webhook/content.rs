//! What a message says: the member that its `type` names.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::lenient::{Omissions, text};
use super::piece::Piece;
use super::split::{elements, members};
use super::strict::MAX_LIST;
use crate::event::Reason;
use crate::model::json::Kept;
use crate::model::object::option;
use crate::model::{
    Content, Edit, EditedMessage, FlowResponse, Interactive, Media, Message, MessageId, NfmReply,
    OtherReply,
};

/// Reads a content of type `kind` from the member of that name.
pub(super) fn content<'a>(
    item: Piece<'a>,
    kind: &str,
    member: Option<Piece<'a>>,
    omitted: &mut Omissions<'a>,
) -> Result<Content, Reason> {
    if let Some(media) = media(kind) {
        let member = member.ok_or_else(|| Reason::Missing(kind.into()))?;
        return Ok(media(omitted.read(member)?));
    }
    let required = || member.ok_or_else(|| Reason::Missing(kind.into()));
    Ok(match kind {
        "text" => Content::Text(omitted.read(required()?)?),
        "location" => Content::Location(omitted.read(required()?)?),
        "contacts" => {
            let cards = elements(required()?)?;
            if cards.len() > MAX_LIST {
                return Err(Reason::Malformed);
            }
            Content::Contacts(omitted.read_each(required()?, cards)?)
        }
        "reaction" => Content::Reaction(omitted.read(required()?)?),
        "interactive" => Content::Interactive(Box::new(interactive(required()?, omitted)?)),
        "button" => Content::Button(omitted.read(required()?)?),
        "order" => Content::Order(omitted.read(required()?)?),
        "system" => Content::System(Box::new(omitted.read(required()?)?)),
        "edit" => Content::Edit(Box::new(edit(required()?, omitted)?)),
        "revoke" => Content::Revoke(omitted.read(required()?)?),
        "request_welcome" => Content::RequestWelcome,
        "media_placeholder" => Content::MediaPlaceholder,
        // The older `unknown` has its reason in `errors` alone.
        "unsupported" | "unknown" => {
            let unsupported = member.and_then(|member| omitted.read_part(item, kind, member));
            Content::Unsupported(unsupported.unwrap_or_default())
        }
        unknown => return Err(Reason::UnknownType(unknown.into())),
    })
}

/// The media types, and the content that each makes of a medium.
pub(super) fn media(kind: &str) -> Option<fn(Media) -> Content> {
    Some(match kind {
        "image" => Content::Image,
        "audio" => Content::Audio,
        "video" => Content::Video,
        "document" => Content::Document,
        "sticker" => Content::Sticker,
        _ => return None,
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
            let json = Piece::known(&json);
            content(json, kind, Some(json), &mut Omissions::default()).ok()
        }
        "template" => {
            let name = member.get("name")?.as_str()?;
            let language = member.get("language")?.get("code")?.as_str()?;
            Some(Content::template(name, language))
        }
        _ => None,
    }
}

fn interactive<'a>(item: Piece<'a>, omitted: &mut Omissions<'a>) -> Result<Interactive, Reason> {
    let (kind, member) = tagged(item)?;
    let required = || member.ok_or_else(|| Reason::Missing((&*kind).into()));
    Ok(match &*kind {
        "button_reply" => Interactive::ButtonReply(omitted.read(required()?)?),
        "list_reply" => Interactive::ListReply(omitted.read(required()?)?),
        "nfm_reply" => Interactive::NfmReply(nfm_reply(required()?, omitted)?),
        "call_permission_reply" => Interactive::CallPermissionReply(omitted.read(required()?)?),
        "payment_method" => Interactive::PaymentMethod(omitted.read(required()?)?),
        // Some types, such as `product`, are those of a reply and of a message.
        _ if member.is_none() && is_outbound(item)? => Interactive::Outbound(omitted.read(item)?),
        "product" => Interactive::Product(omitted.read(required()?)?),
        other => {
            let content = member.map(|member| omitted.read::<Kept>(member));
            let content = content.transpose()?;
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
/// that is as good. Without it the reply is a message all the same.
fn nfm_reply<'a>(item: Piece<'a>, omitted: &mut Omissions<'a>) -> Result<NfmReply, Reason> {
    #[derive(Deserialize)]
    struct Wire<'a> {
        #[serde(default, deserialize_with = "option")]
        name: Option<Box<str>>,
        #[serde(default, deserialize_with = "option")]
        body: Option<Box<str>>,
        #[serde(default, borrow)]
        response_json: Option<Piece<'a>>,
    }
    let wire: Wire<'_> = omitted.read(item)?;
    let response_json = wire
        .response_json
        .map(|response| text(response).map_or_else(|| response.get().to_owned(), Cow::into_owned));
    Ok(NfmReply {
        name: wire.name,
        body: wire.body,
        response_json,
    })
}

fn edit<'a>(item: Piece<'a>, omitted: &mut Omissions<'a>) -> Result<Edit, Reason> {
    #[derive(Deserialize)]
    struct Wire<'a> {
        original_message_id: MessageId,
        #[serde(borrow)]
        message: Piece<'a>,
    }
    let wire: Wire<'_> = omitted.read(item)?;
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
            content: content(wire.message, &kind, member, omitted)?,
            context: context
                .and_then(|context| omitted.read_part(wire.message, "context", context)),
        },
    })
}

/// Splits an item into its `type` and the member of that name.
fn tagged(item: Piece<'_>) -> Result<(Cow<'_, str>, Option<Piece<'_>>), Reason> {
    let members = members(item, ["type"])?;
    let [kind] = members.known;
    let kind = kind.ok_or_else(|| Reason::Missing("type".into()))?;
    let kind = text(kind).ok_or(Reason::Malformed)?;
    if kind.contains(char::REPLACEMENT_CHARACTER) {
        return Err(Reason::Malformed);
    }
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
    let json = reply.response_json.as_deref();
    let json = json.ok_or_else(|| Reason::Missing("response_json".into()))?;
    let mut response = FlowResponse::from_response_json(json).map_err(|_| Reason::Malformed)?;
    response.name.clone_from(&reply.name);
    response.body.clone_from(&reply.body);
    response.reply_to = message.reply_to().cloned();
    Ok(response)
}
