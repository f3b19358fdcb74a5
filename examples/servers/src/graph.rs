//! A fake of Meta's Graph API on this machine, for `campaign`: answers requests to send messages,
//! and sends their statuses as signed webhooks, out of order and twice.
//!
//! The fate of a message depends on the number of its recipient alone, so each run ends with the
//! same counts.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use axum::{Router, extract::State, http::StatusCode, routing::post};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::sleep;
use whatsapp_signals::model::Timestamp;
use whatsapp_signals::{BoxError, SignatureVerifier};

/// The app secret, with which webhooks are signed.
pub const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The end of the URL that the number sends by.
const PATH: &str = "/v25.0/300200100500600/messages";

/// The most milliseconds from an answer to a status.
const MAX_DELAY: u64 = 1500;

/// The most times that a webhook is sent until it is answered with 200.
const MAX_ATTEMPTS: usize = 100;

/// The fake.
pub struct Graph {
    url: String,
    webhook: String,
    verifier: SignatureVerifier,
    http: Client,
    /// The webhooks that are to be delivered.
    deliveries: Mutex<JoinSet<Result<(), BoxError>>>,
}

impl Graph {
    /// Starts the API on a free port of 127.0.0.1. It sends webhooks to a URL.
    pub async fn start(webhook: String) -> Result<Arc<Self>, BoxError> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let graph = Arc::new(Self {
            url: format!("http://{}{PATH}", listener.local_addr()?),
            webhook,
            verifier: SignatureVerifier::new(SECRET)?,
            http: Client::new(),
            deliveries: Mutex::default(),
        });
        let routes = Router::new()
            .route(PATH, post(answer))
            .with_state(Arc::clone(&graph));
        tokio::spawn(axum::serve(listener, routes).into_future());
        Ok(graph)
    }

    /// Returns a request to send a message, without its body. Meta's goes to
    /// `https://graph.facebook.com`.
    pub fn request(&self) -> RequestBuilder {
        self.http.post(&self.url).bearer_auth("an access token")
    }

    /// Waits until the statuses of all messages are delivered.
    pub async fn finish(&self) -> Result<(), BoxError> {
        let mut deliveries = self.deliveries.lock().await;
        while let Some(delivered) = deliveries.join_next().await {
            delivered??;
        }
        Ok(())
    }

    /// Sends a webhook until the answer is 200, as Meta does.
    async fn deliver(&self, body: &str) -> Result<(), BoxError> {
        let signature = self.verifier.sign(body);
        for _ in 0..MAX_ATTEMPTS {
            let request = self.http.post(&self.webhook).body(body.to_owned());
            let request = request.header("x-hub-signature-256", &signature);
            if request.send().await?.status() == StatusCode::OK {
                return Ok(());
            }
            sleep(Duration::from_millis(100)).await;
        }
        Err("a webhook was not taken".into())
    }
}

/// Returns the statuses of a message to a number in the order of their times, or `None` if it is
/// refused. Of 200 numbers in a row, 6 are refused, 4 fail, 20 have their phones off, and 40 do not
/// read the message.
fn statuses(number: u64) -> Option<&'static [&'static str]> {
    match number % 100 {
        7 | 57 | 93 => None,
        13 | 71 => Some(&["sent", "failed"]),
        number if number % 10 == 4 => Some(&["sent"]),
        number if number % 5 == 0 => Some(&["sent", "delivered"]),
        _ => Some(&["sent", "delivered", "read"]),
    }
}

/// Returns the wamid of the message to a number. A repeated request gets the same one, unlike
/// Meta's.
fn wamid(to: &str) -> String {
    format!("wamid.HBgL{to}")
}

/// Returns the webhook with a status of the message to a number.
fn status_webhook(to: &str, status: &str, at: i64) -> String {
    let mut update = json!({"id": wamid(to), "status": status, "timestamp": at.to_string(),
        "recipient_id": to});
    if status == "failed" {
        let title = "Message not delivered to keep the ecosystem healthy";
        update["errors"] = json!([{"code": 131049, "title": title, "message": title,
            "error_data": {"details": "The user gets enough marketing messages."}}]);
    }
    let number =
        json!({"display_phone_number": "15550100200", "phone_number_id": "300200100500600"});
    let value = json!({"messaging_product": "whatsapp", "metadata": number,
        "statuses": [update]});
    let entry =
        json!({"id": "900800700600500", "changes": [{"field": "messages", "value": value}]});
    json!({"object": "whatsapp_business_account", "entry": [entry]}).to_string()
}

/// Answers a request to send a message.
async fn answer(
    State(graph): State<Arc<Graph>>,
    request: String,
) -> Result<(StatusCode, String), StatusCode> {
    let request: Value = serde_json::from_str(&request).map_err(|_| StatusCode::BAD_REQUEST)?;
    let input = request["to"].as_str().unwrap_or_default();
    let to: String = input.chars().filter(char::is_ascii_digit).collect();
    let number: u64 = to.parse().unwrap_or_default();
    let Some(statuses) = statuses(number) else {
        let error = json!({"message": "(#131026) Message undeliverable", "type": "OAuthException",
            "code": 131026, "error_data": {"messaging_product": "whatsapp",
            "details": "The recipient has no WhatsApp."}, "fbtrace_id": format!("Az{to}")});
        return Ok((StatusCode::BAD_REQUEST, json!({"error": error}).to_string()));
    };
    let mut random = fastrand::Rng::with_seed(number);
    let now = Timestamp::now().as_secs();
    for (at, status) in (now..).zip(statuses) {
        let body = status_webhook(&to, status, at);
        // Of one message in ten, the first status is there before the answer.
        let is_early = *status == "sent" && number % 10 == 1;
        if is_early {
            let delivered = graph.deliver(&body).await;
            delivered.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
        }
        for _ in usize::from(is_early)..2 {
            let delay = Duration::from_millis(random.u64(..MAX_DELAY));
            let (meta, body) = (Arc::clone(&graph), body.clone());
            graph.deliveries.lock().await.spawn(async move {
                sleep(delay).await;
                meta.deliver(&body).await
            });
        }
    }
    let answer = json!({"messaging_product": "whatsapp",
        "contacts": [{"input": input, "wa_id": to}],
        "messages": [{"id": wamid(&to), "message_status": "accepted"}]});
    Ok((StatusCode::OK, answer.to_string()))
}
