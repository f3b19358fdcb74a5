//! One item of `messages`.
//!
//! The header is read first, then the member that `type` names. Members of
//! other names are not looked into, so nothing in them can cost the message.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::split::{elements, members, object};
use crate::event::Reason;
use crate::model::timestamp::readable;
use crate::model::{
    Content, Context, Direction, Edit, EditedMessage, FlowResponse, GroupId, Identity, Ids,
    Interactive, LogicalId, Message, MessageId, MetaError, NfmReply, Referral, Timestamp, UserId,
    WaId,
};

/// The header of a message as Meta writes it.
#[derive(Deserialize)]
struct Header<'a> {
    #[serde(default)]
    id: Option<MessageId>,
    #[serde(default, borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(default)]
    from: Option<WaId>,
    #[serde(default)]
    from_user_id: Option<UserId>,
    #[serde(default)]
    from_parent_user_id: Option<UserId>,
    #[serde(default, deserialize_with = "readable")]
    timestamp: Option<Timestamp>,
    #[serde(default)]
    context: Option<Box<Context>>,
    #[serde(default)]
    referral: Option<Box<Referral>>,
    #[serde(default)]
    group_id: Option<GroupId>,
    #[serde(default)]
    identity_key_hash: Option<Box<str>>,
    #[serde(default)]
    from_logical_id: Option<LogicalId>,
    #[serde(default)]
    to_logical_id: Option<LogicalId>,
    #[serde(default)]
    origin: Option<Box<str>>,
    #[serde(default)]
    errors: Option<Vec<MetaError>>,
}

/// Reads an inbound message.
pub(super) fn read(item: &RawValue) -> Result<Message, Reason> {
    let header: Header<'_> = object(item)?;
    let id = header.id.filter(|id| !id.as_str().is_empty());
    let id = id.ok_or_else(|| Reason::Missing("id".into()))?;
    let content = content(item, header.kind.as_deref())?;

    let mut message = Message::new(id, Direction::Inbound, content);
    message.user = Identity::from_ids(Ids {
        wa_id: header.from,
        user_id: header.from_user_id,
        parent_user_id: header.from_parent_user_id,
    });
    message.timestamp = header.timestamp;
    message.context = header.context;
    message.referral = header.referral;
    message.group_id = header.group_id;
    message.identity_key_hash = header.identity_key_hash;
    message.from_logical_id = header.from_logical_id;
    message.to_logical_id = header.to_logical_id;
    message.origin = header.origin;
    message.errors = header.errors.unwrap_or_default();
    Ok(message)
}

/// Reads the member of `item` that `kind` names.
fn content(item: &RawValue, kind: Option<&str>) -> Result<Content, Reason> {
    let kind = kind.ok_or_else(|| Reason::Missing("type".into()))?;
    Ok(match kind {
        "text" => Content::Text(object(member(item, "text")?)?),
        "image" => Content::Image(object(member(item, "image")?)?),
        "audio" => Content::Audio(object(member(item, "audio")?)?),
        "video" => Content::Video(object(member(item, "video")?)?),
        "document" => Content::Document(object(member(item, "document")?)?),
        "sticker" => Content::Sticker(object(member(item, "sticker")?)?),
        "location" => Content::Location(object(member(item, "location")?)?),
        "contacts" => {
            let cards = elements(member(item, "contacts")?)?;
            Content::Contacts(cards.into_iter().map(object).collect::<Result<_, _>>()?)
        }
        "reaction" => Content::Reaction(object(member(item, "reaction")?)?),
        "interactive" => Content::Interactive(Box::new(interactive(member(item, "interactive")?)?)),
        "button" => Content::Button(object(member(item, "button")?)?),
        "order" => Content::Order(object(member(item, "order")?)?),
        "system" => Content::System(Box::new(object(member(item, "system")?)?)),
        "edit" => Content::Edit(Box::new(edit(member(item, "edit")?)?)),
        "revoke" => Content::Revoke(object(member(item, "revoke")?)?),
        "request_welcome" => Content::RequestWelcome,
        // The older `unknown` has its reason in `errors` alone.
        "unsupported" | "unknown" => match members(item, ["unsupported"])?.known {
            [Some(unsupported)] => Content::Unsupported(object(unsupported)?),
            [None] => Content::Unsupported(crate::model::Unsupported::default()),
        },
        unknown => return Err(Reason::UnknownType(unknown.into())),
    })
}

/// The member of that name, which must be there.
fn member<'a>(item: &'a RawValue, name: &'static str) -> Result<&'a RawValue, Reason> {
    let [member] = members(item, [name])?.known;
    member.ok_or_else(|| Reason::Missing(name.into()))
}

fn interactive(item: &RawValue) -> Result<Interactive, Reason> {
    let kind = kind(item)?;
    Ok(match &*kind {
        "button_reply" => Interactive::ButtonReply(object(member(item, "button_reply")?)?),
        "list_reply" => Interactive::ListReply(object(member(item, "list_reply")?)?),
        "nfm_reply" => Interactive::NfmReply(nfm_reply(member(item, "nfm_reply")?)?),
        "call_permission_reply" => {
            Interactive::CallPermissionReply(object(member(item, "call_permission_reply")?)?)
        }
        "product" => Interactive::Product(object(member(item, "product")?)?),
        "payment_method" => Interactive::PaymentMethod(object(member(item, "payment_method")?)?),
        other => Interactive::Other(other.into()),
    })
}

/// `response_json` is JSON in a string; should it come as the JSON itself,
/// that is as good.
fn nfm_reply(item: &RawValue) -> Result<NfmReply, Reason> {
    #[derive(Deserialize)]
    struct Wire<'a> {
        #[serde(default)]
        name: Option<Box<str>>,
        #[serde(default)]
        body: Option<Box<str>>,
        #[serde(default, borrow)]
        response_json: Option<&'a RawValue>,
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

fn edit(item: &RawValue) -> Result<Edit, Reason> {
    #[derive(Deserialize)]
    struct Wire<'a> {
        original_message_id: MessageId,
        #[serde(borrow)]
        message: &'a RawValue,
    }
    let wire: Wire<'_> = object(item)?;
    let [context] = members(wire.message, ["context"])?.known;
    Ok(Edit {
        original_message_id: wire.original_message_id,
        message: EditedMessage {
            content: content(wire.message, Some(&kind(wire.message)?))?,
            context: context.map(object).transpose()?,
        },
    })
}

/// The `type` of an item.
fn kind(item: &RawValue) -> Result<Cow<'_, str>, Reason> {
    serde_json::from_str(member(item, "type")?.get()).map_err(|_| Reason::Malformed)
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
