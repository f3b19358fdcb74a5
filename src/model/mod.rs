//! The parts of events: messages, contacts, statuses, campaigns, signups.
//!
//! Fields have Meta's names, except `kind` for Meta's `type`. Ids are newtypes, string enums keep
//! unknown values in `Other`, and every member that a webhook may omit is an [`Option`]. All types
//! serialize and deserialize, in self-describing formats such as JSON, and the result is equal. A
//! type whose docs show Meta's JSON parses it as the parser does, but refuses an object with a
//! malformed member, where the parser skips and reports the member.
//!
//! ```
//! use whatsapp_signals::model::{Contact, Identity, MessageStatus};
//!
//! let ada = Identity::from_phone("15550101001").expect("a phone number");
//! let mut contact = Contact::new(ada);
//! contact.name = Some("Ada Okafor".into());
//! assert_eq!(contact.phone(), Some("15550101001"));
//!
//! let status = MessageStatus::from("read");
//! assert!(status.supersedes(&MessageStatus::Delivered));
//! ```

mod account;
mod campaign;
mod contact;
mod error;
mod history;
mod id;
mod identity;
mod message;
mod raw;
mod status;
pub(crate) mod text_enum;
mod timestamp;

pub use account::Account;
pub use campaign::{Campaign, CampaignCounts, CampaignStatus};
pub use contact::{Contact, Signup, SignupStatus};
pub use error::{ErrorData, GraphError, MetaError};
pub use history::{
    ConversationContext, ConversationSummary, HistoryContext, HistoryProgress, HistoryStatus,
};
pub(crate) use id::IdText;
pub use id::{
    AppId, BusinessId, CallId, CampaignId, CatalogId, ConversationId, ErrorCode, FlowId, FlowToken,
    GroupId, LogicalId, MediaId, MessageId, PhoneNumberId, ProductRetailerId, ReferenceId,
    SignupId, SolutionId, SourceId, TemplateId, TransactionId, UserId, WaId, WabaId,
};
pub use identity::{IdKind, Identity};
pub(crate) use identity::{
    Ids, NamedUser, Numbers, Parties, UserSide, is_same_number, is_user_id, phone_digits, write_ids,
};
pub use message::*;
pub use raw::RawJson;
pub use status::{
    Amount, Conversation, ConversationOrigin, MessageStatus, PacingStatus, Payment, PaymentError,
    PaymentMethodKind, Pricing, PricingCategory, PricingModel, PricingSubtype, PricingType,
    StatusUpdate, Transaction,
};
pub use text_enum::OtherText;
pub use timestamp::Timestamp;
#[cfg(any(feature = "chrono", feature = "jiff", feature = "time"))]
pub use timestamp::TimestampRangeError;
