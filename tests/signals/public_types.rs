//! What every public type must be, so that it can be kept in a program's state, sent to
//! another thread, and shown in a log.

use std::error::Error;
use std::fmt::Debug;
use std::hash::Hash;

use whatsapp_signals::engine::{LoggedWebhook, Records, WebhookEngine};
use whatsapp_signals::event::{
    CampaignCompleted, EventJsonError, GraphJsonError, MessageRefused, MessageSent, Reason,
    Unrecognized,
};
use whatsapp_signals::model::{
    Account, Campaign, Contact, Content, Identity, Message, MessageId, PhoneNumberId, RawJson,
    Signup, SignupId, StatusUpdate, Timestamp, UserId, WaId, WabaId,
};
use whatsapp_signals::signals::CAMPAIGN_COMPLETED;
use whatsapp_signals::store::{
    Changes, ContactId, ContactRow, ConversationKey, Durability, EventChange, EventState,
    Fingerprint, IdKey, IdKind, IdRow, Lease, LoadQuery, MemoryStore, Merge, MessageKey,
    MessageQuery, MessageState, NumberKey, ProgressRow, Prune, Pruned, ReadRow, ReadyStore,
    ReceiverProgress, ReceiverState, Scope, SignupKey, Snapshot, Store, StoreError, StoreErrorKind,
    StoredMessage, Tenant, Unread, UnreadQuery, Versioned, WebhookId, WebhookKind, WebhookQuery,
    WebhookRow,
};
use whatsapp_signals::{
    CheckError, ConnectError, ConnectErrorKind, ConnectOptions, Connection, Context, DeadLetter,
    DispatchReport, EngineError, EventFailure, Failure, InContext, MissingContext, Mute, Outcome,
    ParseError, ParseErrorKind, Parser, Problem, ReceiverInfo, Report, Signal, Webhook,
    WebhookEvent, WithState,
};

/// Whether a type can be kept anywhere and shown.
const fn is_at_home<T: Debug + Send + Sync + 'static>() {}
/// Whether it is a value: it can be copied and compared, too.
const fn is_a_value<T: Clone + PartialEq + Debug + Send + Sync + 'static>() {}
/// Whether it can be the key of a map, too.
const fn is_a_key<T: Clone + Eq + Hash + Debug + Send + Sync + 'static>() {}
/// Whether it is an error for `?` and for a `Box<dyn Error + Send + Sync>`.
const fn is_an_error<T: Error + Send + Sync + 'static>() {}
/// Whether an engine can own it.
const fn is_a_store<T: Store + 'static>() {}

macro_rules! check {
    ($($rule:ident: $($type:ty)+;)+) => { const _: () = { $($($rule::<$type>();)+)+ }; };
}

check! {
    is_at_home:
        Signal<u32> Signal<u32, String> InContext<'static, Signal<u32>> Context Problem WithState<u32, fn()>
        Connection Mute<'static, u32> ConnectOptions<u32> Report DispatchReport Outcome EventFailure
        Parser WebhookEngine<MemoryStore> MemoryStore Records<'static, MemoryStore>
        Changes<'static> LoadQuery Snapshot Merge EventChange ReadRow Prune Pruned StoredMessage Unread
        UnreadQuery MessageQuery WebhookQuery Scope ConversationKey;
    is_a_store:
        Box<dyn Store> Box<dyn ReadyStore> MemoryStore;
    is_a_value:
        Webhook WebhookEvent Unrecognized Reason MessageSent MessageRefused
        Account Campaign Content Message StatusUpdate
        DeadLetter LoggedWebhook Lease MessageState ContactRow Versioned<WebhookRow>;
    is_a_key:
        CampaignCompleted Contact Identity RawJson Signup Timestamp ReceiverInfo
        WebhookRow WebhookKind ProgressRow EventState ReceiverProgress ReceiverState IdRow
        Durability Fingerprint Tenant NumberKey MessageKey SignupKey IdKey IdKind
        ContactId WebhookId MessageId WaId UserId PhoneNumberId WabaId SignupId
        ParseErrorKind StoreErrorKind ConnectErrorKind;
    is_an_error:
        ParseError Failure EventFailure ConnectError CheckError MissingContext EngineError StoreError EventJsonError
        GraphJsonError;
}

#[cfg(feature = "signature")]
mod signature {
    use super::{is_a_key, is_an_error, is_at_home};
    use whatsapp_signals::{
        ChallengeError, ChallengeErrorKind, SignatureError, SignatureErrorKind, SignatureVerifier,
        SignedError,
    };

    check! {
        is_at_home: SignatureVerifier;
        is_a_key: ChallengeErrorKind SignatureErrorKind;
        is_an_error: ChallengeError SignatureError SignedError;
    }
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use super::is_at_home;
    use whatsapp_signals::store::{SqliteOptions, SqliteStore};

    check! { is_at_home: SqliteOptions SqliteStore; }
}

/// The futures can be spawned.
#[test]
fn what_waits_can_wait_in_any_thread() {
    fn is_send(_: &(impl Send + ?Sized)) {}
    let engine = WebhookEngine::new(MemoryStore::new());
    let signal: Signal<u32> = Signal::new("tick");
    let webhook = Webhook::default();
    is_send(&engine.process_async(b""));
    is_send(&engine.retry_unfinished_async());
    let event = CampaignCompleted::new(Campaign::new("Spring tune-up"));
    is_send(&CAMPAIGN_COMPLETED.asend_robust(&event));
    let body = include_bytes!("../payloads/text.json");
    for event in whatsapp_signals::parse(body).into_iter().flatten() {
        is_send(&event.dispatch_async());
        is_send(&engine.process_event_async("key", event.clone()));
    }
    is_send(&webhook.dispatch_async());
    is_send(&signal.asend(&1));
    is_send(&signal.asend_robust(&1));
    let context = Context::new();
    is_send(&signal.with(&context).asend(&1));
    is_send(&webhook.with(&context).dispatch_async());
    is_send(&Parser::new().with(&context).dispatch_async(body));
    is_send(&Parser::new().dispatch_async(b""));
}
