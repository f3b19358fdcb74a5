//! What events are made of: messages, contacts, statuses, campaigns, signups.
//!
//! Fields have Meta's names; where Meta says `type`, the field is `kind`. Ids
//! are newtypes, string enums keep values that they do not know in `Other`,
//! and everything that a webhook may leave out is an [`Option`]. All types
//! serialize and deserialize, in formats that describe themselves such as
//! JSON, and come back equal.

mod account;
mod campaign;
mod contact;
mod error;
mod flow;
mod id;
mod identity;
mod message;
mod payment;
mod pricing;
mod raw;
pub(crate) mod scalar;
mod signup;
mod status;
mod text_enum;
pub(crate) mod timestamp;

pub use account::Account;
pub use campaign::{Campaign, CampaignCounts, CampaignStatus};
pub use contact::Contact;
pub use error::{ErrorData, MetaError};
pub use flow::FlowResponse;
pub use id::{
    CatalogId, ConversationId, ErrorCode, FlowToken, GroupId, LogicalId, MediaId, MessageId,
    PhoneNumberId, ProductRetailerId, ReferenceId, SignupId, SourceId, TransactionId, UserId, WaId,
    WabaId,
};
pub use identity::Identity;
pub(crate) use identity::Ids;
pub use message::*;
pub use payment::{Amount, Payment, Transaction};
pub use pricing::{Conversation, ConversationOrigin, Pricing, PricingModel, PricingType};
pub use raw::RawJson;
pub use signup::{Signup, SignupStatus};
pub use status::{MessageStatus, StatusUpdate};
pub use timestamp::Timestamp;
