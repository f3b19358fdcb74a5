//! The handler of the Lambda function, with events as an API Gateway sends
//! them.

#[path = "../src/bin/lambda.rs"]
#[allow(dead_code, reason = "its `main` is for AWS")]
mod lambda;

use std::sync::Arc;

use lambda_http::http::StatusCode;
use lambda_http::{Body, request};
use serde_json::{Value, json};
use tempfile::TempDir;
use whatsapp_signals::store::SqliteStore;
use whatsapp_signals::{SignatureVerifier, WebhookEngine};
use whatsapp_signals_servers::{Answer, App, Inbox};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// As Meta escapes it.
const BODY: &str = r#"{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"field":"messages","value":{"messages":[{"from":"15550101001","id":"wamid.A","timestamp":"1785000000","type":"text","text":{"body":"Is it ready? \ud83d\udeb2 https:\/\/example.com"}}]}}]}]}"#;

/// An event of an HTTP API, payload format 2.0.
fn event(method: &str, query: &str, header: &str, body: Value, is_base64: bool) -> Value {
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/webhook",
        "rawQueryString": query,
        "headers": {
            "accept": "*/*",
            "content-type": "application/json",
            "host": "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com",
            "user-agent": "facebookexternalua",
            "x-forwarded-for": "203.0.113.7",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
            "x-hub-signature-256": header
        },
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2c3d4e5",
            "domainName": "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com",
            "domainPrefix": "a1b2c3d4e5",
            "http": {
                "method": method,
                "path": "/webhook",
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "facebookexternalua"
            },
            "requestId": "PzJ1dhK1DoEEJkg=",
            "routeKey": "$default",
            "stage": "$default",
            "time": "26/Nov/2026:08:00:00 +0000",
            "timeEpoch": 1_795_680_000_000_i64
        },
        "body": body,
        "isBase64Encoded": is_base64
    })
}

async fn invoke(app: &Arc<App>, event: Value) -> (u16, String) {
    let request = request::from_str(&event.to_string()).unwrap();
    let response = lambda::handle(Arc::clone(app), request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = match body {
        Body::Text(text) => text,
        other => String::from_utf8(other.to_vec()).unwrap(),
    };
    (parts.status.as_u16(), body)
}

#[tokio::test]
async fn it_answers_as_the_servers_do() {
    let folder = TempDir::new().unwrap();
    let database = folder.path().join("store.db");
    let inbox = Inbox::open(database.to_str().unwrap(), Answer::Delivered).await;
    let app = App::new(inbox.unwrap(), SECRET, "of another account, a token & more");
    let app = Arc::new(app.unwrap());
    let verifier = SignatureVerifier::new(SECRET).unwrap();
    let good = verifier.sign(BODY);
    let none = String::new;

    let get = |query| event("GET", query, "", Value::Null, false);
    let query = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=a%20token+%26%20more";
    assert_eq!(invoke(&app, get(query)).await, (200, "1158201444".into()));
    let guess = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=guess";
    assert_eq!(invoke(&app, get(guess)).await, (403, none()));
    assert_eq!(invoke(&app, get("")).await, (403, none()));

    let post = |header: &str, body: &str| event("POST", "", header, body.into(), false);
    let forged = BODY.replace("ready", "stolen");
    assert_eq!(invoke(&app, post("", BODY)).await, (401, none()));
    assert_eq!(invoke(&app, post(&good, &forged)).await, (401, none()));
    assert_eq!(invoke(&app, post(&good, BODY)).await, (200, none()));
    assert_eq!(invoke(&app, post(&good, BODY)).await, (200, none()));
    let broken = verifier.sign("{");
    assert_eq!(invoke(&app, post(&broken, "{")).await, (200, none()));
    let too_large = " ".repeat(4 * 1024 * 1024 + 1);
    assert_eq!(invoke(&app, post("", &too_large)).await, (413, none()));
    // Also as Base64: `{}`, of which the signature is.
    let base64 = event("POST", "", &verifier.sign("{}"), "e30=".into(), true);
    assert_eq!(invoke(&app, base64).await, (200, none()));
    let delete = event("DELETE", "", "", Value::Null, false);
    let method_not_allowed = StatusCode::METHOD_NOT_ALLOWED.as_u16();
    assert_eq!(invoke(&app, delete).await, (method_not_allowed, none()));

    let engine = WebhookEngine::new(SqliteStore::open(&database).unwrap());
    let message = engine
        .messages(&"wamid.A".into())
        .unwrap()
        .remove(0)
        .message;
    assert_eq!(message.body(), "Is it ready? \u{1f6b2} https://example.com");
    let letters = engine.dead_letters(9).unwrap();
    let bodies: Vec<_> = letters.iter().map(|letter| &letter.body[..]).collect();
    assert_eq!(bodies, [&b"{"[..], b"{}"]);
}
