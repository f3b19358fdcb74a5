//! Only what Meta signed is read: the order of the checks, what is answered,
//! and what a forged body costs.
#![cfg(feature = "signature")]

use crate::support;
use allocation_counter::measure;
use whatsapp_signals::event::MessageReceived;
use whatsapp_signals::signals::MESSAGE_RECEIVED;
use whatsapp_signals::store::{MemoryStore, StoreError, StoreErrorKind};
use whatsapp_signals::{
    Context, EngineErrorKind, Outcome, Parser, SignatureVerifier, SignedErrorKind, WebhookEngine,
    http_status, parse, parse_signed,
};

fn verifier() -> SignatureVerifier {
    SignatureVerifier::new("app secret").unwrap()
}

fn engine() -> WebhookEngine<MemoryStore> {
    WebhookEngine::new(MemoryStore::new()).parser(Parser::new().max_len(100_000))
}

/// Returns the answers to a body, by `parse_signed` and by an engine.
#[track_caller]
fn statuses(body: &[u8], header: Option<&str>) -> [u16; 2] {
    let header = header.map(str::as_bytes);
    let parsed = Parser::new()
        .max_len(100_000)
        .parse_signed(body, header, &verifier());
    let processed = engine().process_signed(body, header, &verifier());
    [
        parsed.map_or_else(|error| error.http_status(), |_| 200),
        http_status(&processed),
    ]
}

#[test]
fn the_length_comes_first_then_the_signature_then_the_json() {
    let good = br#"{"object":"whatsapp_business_account","entry":[]}"#;
    let too_large = vec![b' '; 100_001];
    let forged = verifier().sign("another body");
    for (body, header, status) in [
        (&good[..], Some(verifier().sign(good)), 200),
        (good, Some(forged.clone()), 401),
        (good, Some(String::new()), 401),
        (good, None, 401),
        (good, Some("sha1=00".into()), 401),
        (b"{", Some(verifier().sign("{")), 200),
        (b"{", Some(forged.clone()), 401),
        (b"{", None, 401),
        (b"", Some(verifier().sign("")), 200),
        (b"", Some(forged.clone()), 401),
        (b"", None, 401),
        (b"\xff", Some(verifier().sign(b"\xff")), 200),
        (&too_large, Some(verifier().sign(&too_large)), 413),
        (&too_large, Some(forged), 413),
        (&too_large, None, 413),
    ] {
        let (shown, header) = (
            String::from_utf8_lossy(&body[..body.len().min(20)]),
            header.as_deref(),
        );
        assert_eq!(statuses(body, header), [status; 2], "{shown:?} {header:?}");
    }
}

#[test]
fn each_result_of_an_engine_has_one_status() {
    let text = include_bytes!("../payloads/text.json");
    let failing = Context::new();
    failing.connect(&MESSAGE_RECEIVED, |_: &MessageReceived| {
        Err::<(), _>("full")
    });
    let good = engine();
    let retries = engine().context(failing.clone());
    let gives_up = engine().context(failing).max_attempts(1);
    let without_room = WebhookEngine::new(MemoryStore::bounded(0));
    for (result, status) in [
        (good.process(text), 200),
        (good.process(text), 200), // a repetition
        (
            good.process(include_bytes!("../payloads/unknown-field.json")),
            200,
        ),
        (gives_up.process(text), 200), // a dead letter
        (retries.process(text), 503),
        (retries.retry_unfinished(), 503),
        (without_room.process(text), 503),
        (good.process(b"{"), 200),
        (good.process(br#"{"object":"page"}"#), 200),
        (good.process(&vec![b' '; 100_001]), 413),
        (good.process_signed(text, None, &verifier()), 401),
        (
            good.process_signed(text, Some(b"sha256=7f"), &verifier()),
            401,
        ),
        (Ok(Outcome::default()), 200),
        (
            Err(StoreError::new(StoreErrorKind::Corrupt, "a row").into()),
            503,
        ),
    ] {
        assert_eq!(http_status(&result), status, "{result:?}");
        let (should_retry, own) = match &result {
            Ok(outcome) => (outcome.should_retry(), outcome.http_status()),
            Err(error) => (error.should_retry(), error.http_status()),
        };
        assert_eq!((should_retry, own), (status == 503, status), "{result:?}");
    }
}

#[test]
fn errors_of_signatures_and_of_bodies_are_kept_apart() {
    let error = parse_signed(b"{", None, &verifier()).unwrap_err();
    assert!(matches!(error.kind(), SignedErrorKind::Signature(_)));
    assert_eq!(error.to_string(), "missing header X-Hub-Signature-256");
    let signature = verifier().sign("{");
    let header = Some(signature.as_bytes());
    let error = parse_signed(b"{", header, &verifier()).unwrap_err();
    assert!(matches!(error.kind(), SignedErrorKind::Parse(_)));

    let error = engine()
        .process_signed(b"{", None, &verifier())
        .unwrap_err();
    assert!(matches!(error.kind(), EngineErrorKind::Signature(_)));
    assert!(!error.should_retry());
    let error = engine()
        .process_signed(b"{", header, &verifier())
        .unwrap_err();
    assert!(matches!(error.kind(), EngineErrorKind::Parse(_)));
}

#[test]
fn an_unsigned_or_too_large_body_is_not_stored() {
    let engine = engine().log_webhooks(true);
    let body = std::fs::read("tests/payloads/text.json").unwrap();
    let too_large = vec![b' '; 100_001];
    for (body, header) in [
        (&body[..], None),
        (&body, Some(verifier().sign("{}"))),
        (b"{", None),
        (&too_large, Some(verifier().sign(&too_large))),
    ] {
        let header = header.as_deref().map(str::as_bytes);
        assert!(engine.process_signed(body, header, &verifier()).is_err());
    }
    assert!(engine.webhooks(None, 10).unwrap().is_empty());
    assert!(engine.dead_letters(10).unwrap().is_empty());
}

#[test]
fn a_signed_body_is_read_as_an_unsigned_one_is() {
    for (_, body) in support::payloads() {
        let body = body.into_bytes();
        let signature = verifier().sign(&body);
        let header = Some(signature.as_bytes());
        let signed = parse_signed(&body, header, &verifier()).unwrap();
        assert_eq!(signed, parse(&body).unwrap());
        let outcome = engine().process_signed(&body, header, &verifier()).unwrap();
        assert_eq!(outcome.delivered(), signed.events().len());
    }
}

/// The bytes that are allocated for a forged body of this length.
fn forged(len: usize) -> [u64; 2] {
    let (body, header, verifier) = (vec![b'x'; len], verifier().sign("{}"), verifier());
    let (header, engine) = (
        Some(header.as_bytes()),
        WebhookEngine::new(MemoryStore::new()),
    );
    let parsed = measure(|| assert!(parse_signed(&body, header, &verifier).is_err()));
    let processed = measure(|| assert!(engine.process_signed(&body, header, &verifier).is_err()));
    [parsed.bytes_total, processed.bytes_total]
}

#[test]
fn refusing_a_forged_body_allocates_nothing() {
    assert_eq!(forged(100), [0; 2]);
    assert_eq!(forged(3 * 1024 * 1024), [0; 2]);
    // As it would be seen here.
    assert!(measure(|| _ = parse(b"{}")).bytes_total > 0);
}

#[test]
fn a_webhook_of_another_product_is_not_stored() {
    let engine = engine();
    for body in [
        r#"{"object":"instagram","entry":[]}"#,
        r#"{"object":"page"}"#,
    ] {
        let signature = verifier().sign(body);
        let header = Some(signature.as_bytes());
        let result = engine.process_signed(body.as_bytes(), header, &verifier());
        assert!(result.is_err() && http_status(&result) == 200);
    }
    assert!(engine.dead_letters(9).unwrap().is_empty());
    // Without a product's name, or with WhatsApp's, a later version may read it.
    for body in [
        r#"{"entry":[]}"#,
        r#"{"object":7}"#,
        "[]",
        r#"{"object":"whatsapp_account","entry":[]}"#,
    ] {
        let signature = verifier().sign(body);
        let header = Some(signature.as_bytes());
        let result = engine.process_signed(body.as_bytes(), header, &verifier());
        assert!(result.is_err() && http_status(&result) == 200);
    }
    assert_eq!(engine.dead_letters(9).unwrap().len(), 4);
}
