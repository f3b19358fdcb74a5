//! The traits of public types: a program can store them in its state, send them to another thread,
//! and log them.

use std::error::Error;
use std::fmt::Debug;
use std::hash::Hash;

use whatsapp_signals::engine::{LoggedWebhook, Records, WebhookEngine};
use whatsapp_signals::event::{
    CampaignCompleted, EventJsonError, GraphJsonError, GraphJsonErrorKind, MessageRefused,
    MessageSent, Reason, Unrecognized,
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
    DispatchReport, EngineError, EngineErrorKind, EventFailure, Failure, InContext, MissingContext,
    Mute, Outcome, ParseError, ParseErrorKind, Parser, Problem, ReceiverInfo, Report, Signal,
    Webhook, WebhookEvent, WithState,
};

/// Requires a type that can be stored, sent and logged.
const fn is_debug_send_sync<T: Debug + Send + Sync + 'static>() {}
/// Requires a value, which can also be cloned and compared.
const fn is_value<T: Clone + PartialEq + Debug + Send + Sync + 'static>() {}
/// Requires a value that can also be the key of a map.
const fn is_key<T: Clone + Eq + Hash + Debug + Send + Sync + 'static>() {}
/// Requires an error for `?` and for a `Box<dyn Error + Send + Sync>`.
const fn is_error<T: Error + Send + Sync + 'static>() {}
/// Requires a store that an engine can own.
const fn is_store<T: Store + 'static>() {}

macro_rules! check {
    ($($rule:ident: $($type:ty)+;)+) => { const _: () = { $($($rule::<$type>();)+)+ }; };
}

check! {
    is_debug_send_sync:
        Signal<u32> Signal<u32, String> InContext<'static, Signal<u32>> Context Problem WithState<u32, fn()>
        Connection Mute<'static, u32> ConnectOptions<u32> Report DispatchReport Outcome EventFailure
        Parser WebhookEngine<MemoryStore> MemoryStore Records<'static, MemoryStore>
        Changes<'static> LoadQuery Snapshot Merge EventChange ReadRow Prune Pruned StoredMessage Unread
        UnreadQuery MessageQuery WebhookQuery Scope ConversationKey;
    is_store:
        Box<dyn Store> Box<dyn ReadyStore> MemoryStore;
    is_value:
        Webhook WebhookEvent Unrecognized Reason MessageSent MessageRefused
        Account Campaign Content Message StatusUpdate
        DeadLetter LoggedWebhook Lease MessageState ContactRow Versioned<WebhookRow>;
    is_key:
        CampaignCompleted Contact Identity RawJson Signup Timestamp ReceiverInfo
        WebhookRow WebhookKind ProgressRow EventState ReceiverProgress ReceiverState IdRow
        Durability Fingerprint Tenant NumberKey MessageKey SignupKey IdKey IdKind
        ContactId WebhookId MessageId WaId UserId PhoneNumberId WabaId SignupId
        ParseErrorKind StoreErrorKind ConnectErrorKind GraphJsonErrorKind;
    is_error:
        ParseError Failure EventFailure ConnectError CheckError MissingContext EngineError StoreError EventJsonError
        GraphJsonError EngineErrorKind;
}

#[cfg(feature = "signature")]
mod signature {
    use super::{is_debug_send_sync, is_error, is_key};
    use whatsapp_signals::{
        ChallengeError, ChallengeErrorKind, SignatureError, SignatureErrorKind, SignatureVerifier,
        SignedError, SignedErrorKind,
    };

    check! {
        is_debug_send_sync: SignatureVerifier;
        is_key: ChallengeErrorKind SignatureErrorKind SignedError SignedErrorKind;
        is_error: ChallengeError SignatureError SignedError;
    }
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use super::is_debug_send_sync;
    use whatsapp_signals::store::{SqliteOptions, SqliteStore};

    check! { is_debug_send_sync: SqliteOptions SqliteStore; }
}

#[test]
fn an_error_with_a_kind_has_the_text_and_the_source_of_its_cause() {
    let cause = || StoreError::new(StoreErrorKind::Unavailable, "connection refused");
    let error = EngineError::from(cause());
    assert_eq!(error.to_string(), cause().to_string());
    assert_eq!(error.source().unwrap().to_string(), "connection refused");

    let cause = whatsapp_signals::parse(b"{").unwrap_err();
    let error = EngineError::from(cause.clone());
    assert_eq!(error.to_string(), cause.to_string());
    assert!(error.source().is_none());
}

/// The futures can be spawned.
#[test]
fn futures_are_send() {
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
