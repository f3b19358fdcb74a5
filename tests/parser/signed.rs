//! Only what Meta signed is read: the order of the checks, what is answered,
//! and what a forged body costs.
#![cfg(feature = "signature")]

use crate::support;
use allocation_counter::measure;
use whatsapp_signals::store::{MemoryStore, StoreExt};
use whatsapp_signals::{
    EngineError, Parser, SignatureVerifier, SignedError, WebhookEngine, parse, parse_signed,
};

fn verifier() -> SignatureVerifier {
    SignatureVerifier::new("app secret").unwrap()
}

fn engine() -> WebhookEngine<MemoryStore> {
    WebhookEngine::new(MemoryStore::new()).parser(Parser::new().max_len(100_000))
}

/// What is answered to a body, by `parse_signed` and by an engine.
#[track_caller]
fn statuses(body: &[u8], header: &str) -> [u16; 2] {
    let parsed = Parser::new()
        .max_len(100_000)
        .parse_signed(body, header, &verifier());
    let processed = engine().process_signed(body, header, &verifier());
    [
        parsed.map_or_else(|error| error.http_status(), |_| 200),
        processed.map_or_else(|error| error.http_status(), |outcome| outcome.http_status()),
    ]
}

#[test]
fn the_length_comes_first_then_the_signature_then_the_json() {
    let good = br#"{"object":"whatsapp_business_account","entry":[]}"#;
    let too_large = vec![b' '; 100_001];
    let forged = verifier().sign("another body");
    for (body, header, status) in [
        (&good[..], verifier().sign(good), 200),
        (good, forged.clone(), 401),
        (good, String::new(), 401),
        (good, "sha1=00".into(), 401),
        (b"{", verifier().sign("{"), 200),
        (b"{", forged.clone(), 401),
        (b"", verifier().sign(""), 200),
        (b"", forged.clone(), 401),
        (b"\xff", verifier().sign(b"\xff"), 200),
        (&too_large, verifier().sign(&too_large), 413),
        (&too_large, forged, 413),
    ] {
        let shown = String::from_utf8_lossy(&body[..body.len().min(20)]);
        assert_eq!(statuses(body, &header), [status; 2], "{shown:?} {header}");
    }
}

#[test]
fn errors_of_signatures_and_of_bodies_are_kept_apart() {
    let error = parse_signed(b"{", "", &verifier()).unwrap_err();
    assert!(matches!(error, SignedError::Signature(_)));
    assert_eq!(
        error.to_string(),
        "the header X-Hub-Signature-256 is missing"
    );
    let error = parse_signed(b"{", verifier().sign("{"), &verifier()).unwrap_err();
    assert!(matches!(error, SignedError::Parse(_)));

    let error = engine().process_signed(b"{", "", &verifier()).unwrap_err();
    assert!(matches!(error, EngineError::Signature(_)));
    assert!(!error.should_retry());
    let error = engine().process_signed(b"{", verifier().sign("{"), &verifier());
    assert!(matches!(error, Err(EngineError::Parse(_))));
}

#[test]
fn what_is_not_signed_or_too_large_leaves_nothing_behind() {
    let engine = engine().log_webhooks(true);
    let body = std::fs::read("tests/payloads/text.json").unwrap();
    let too_large = vec![b' '; 100_001];
    for (body, header) in [
        (&body[..], ""),
        (&body, &verifier().sign("{}")),
        (b"{", ""),
        (&too_large, &verifier().sign(&too_large)),
    ] {
        assert!(engine.process_signed(body, header, &verifier()).is_err());
    }
    assert!(engine.store().webhooks(None, 10).unwrap().is_empty());
    assert!(engine.dead_letters(10).unwrap().is_empty());
}

#[test]
fn a_signed_body_is_read_as_an_unsigned_one_is() {
    for (_, body) in support::payloads() {
        let body = body.into_bytes();
        let header = verifier().sign(&body);
        let signed = parse_signed(&body, &header, &verifier()).unwrap();
        assert_eq!(signed, parse(&body).unwrap());
        let outcome = engine()
            .process_signed(&body, &header, &verifier())
            .unwrap();
        assert_eq!(outcome.fired(), signed.events().len());
    }
}

/// The bytes that are allocated for a forged body of this length.
fn forged(len: usize) -> [u64; 2] {
    let (body, header, verifier) = (vec![b'x'; len], verifier().sign("{}"), verifier());
    let engine = WebhookEngine::new(MemoryStore::new());
    let parsed = measure(|| assert!(parse_signed(&body, &header, &verifier).is_err()));
    let processed = measure(|| assert!(engine.process_signed(&body, &header, &verifier).is_err()));
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
fn what_another_product_has_sent_is_not_kept() {
    let engine = engine();
    for body in [
        r#"{"object":"instagram","entry":[]}"#,
        r#"{"object":"page"}"#,
    ] {
        let error = engine.process_signed(body.as_bytes(), verifier().sign(body), &verifier());
        assert_eq!(error.unwrap_err().http_status(), 200);
    }
    assert!(engine.dead_letters(9).unwrap().is_empty());
    // Without a product's name, or with WhatsApp's, a later version may read it.
    for body in [
        r#"{"entry":[]}"#,
        r#"{"object":7}"#,
        "[]",
        r#"{"object":"whatsapp_account","entry":[]}"#,
    ] {
        let error = engine.process_signed(body.as_bytes(), verifier().sign(body), &verifier());
        assert_eq!(error.unwrap_err().http_status(), 200);
    }
    assert_eq!(engine.dead_letters(9).unwrap().len(), 4);
}
