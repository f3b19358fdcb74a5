//! The parts of `campaign` around the campaign: the contacts, the webhook's server, the progress
//! bars and the summary.

use std::convert::Infallible;
use std::fmt::Write;
use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Router, routing::post};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::sleep;
use whatsapp_signals::BoxError;
use whatsapp_signals::engine::Records;
use whatsapp_signals::model::{Account, Campaign};
use whatsapp_signals::store::Store;

use crate::graph::SECRET;
use crate::{App, Inbox};

/// The id of the campaign.
pub const ID: &str = "spring-2027";

/// The number of contacts.
pub const TOTAL: u64 = 200;

/// Returns the number that sends.
pub fn account() -> Account {
    Account::new("900800700600500").with_number("300200100500600", "15550100200")
}

/// Returns the requests that send a template to the contacts, each with a name in its text.
pub fn requests(template: &str) -> impl Iterator<Item = String> {
    let names = ["Ada", "Bram", "Chiyo"].into_iter().cycle();
    (0..TOTAL).zip(names).map(move |(contact, name)| {
        let body = json!({"type": "body", "parameters": [{"type": "text", "text": name}]});
        let template = json!({"name": template, "language": {"code": "en"}, "components": [body]});
        let to = format!("+1 555 0102 {contact:03}");
        json!({"messaging_product": "whatsapp", "to": to, "type": "template", "template": template})
            .to_string()
    })
}

/// Starts the webhook's server on a free port of 127.0.0.1, and returns its URL.
pub async fn listen(inbox: &Arc<Inbox>) -> Result<String, BoxError> {
    let app = App::new(Arc::clone(inbox), SECRET, "a token")?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/webhook", listener.local_addr()?);
    let routes = Router::new()
        .route("/webhook", post(receive))
        .with_state(Arc::new(app));
    tokio::spawn(axum::serve(listener, routes).into_future());
    Ok(url)
}

/// Receives a webhook.
async fn receive(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let signature = headers.get("x-hub-signature-256").cloned();
    let status = app.receive(body, signature).await;
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Returns the campaign as it is stored.
pub async fn load(shop: &Records<'_, Arc<dyn Store>>) -> Result<Campaign, BoxError> {
    let campaign = shop.campaign_async(ID).await?;
    Ok(campaign.ok_or("the campaign is not stored")?)
}

/// Shows the counts of the campaign as bars on stderr, if it is a terminal, until the future is
/// dropped.
pub async fn show_progress(shop: &Records<'_, Arc<dyn Store>>) -> Result<Infallible, BoxError> {
    let style = ProgressStyle::with_template("{prefix:<9} {bar:50} {pos:>3} of {len}")?;
    let screen = MultiProgress::new();
    let bars = ["sent", "delivered", "read", "failed"].map(|name| {
        let bar = screen.add(ProgressBar::new(TOTAL));
        bar.with_style(style.clone()).with_prefix(name)
    });
    loop {
        let counts = load(shop).await?.counts;
        let counts = [counts.sent, counts.delivered, counts.read, counts.failed];
        for (bar, count) in bars.iter().zip(counts) {
            bar.set_position(count);
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Returns the counts of a campaign as a table.
pub fn summary(campaign: &Campaign) -> String {
    let counts = &campaign.counts;
    let mut table = format!("{}: {} contacts\n", campaign.name, counts.total);
    for (name, part, of, whole) in [
        ("sent", counts.sent, counts.total, "all"),
        ("delivered", counts.delivered, counts.sent, "those sent"),
        ("read", counts.read, counts.sent, "those sent"),
        ("failed", counts.failed, counts.total, "all"),
    ] {
        let rate = 100.0 * part as f64 / of as f64;
        // Writing to a `String` cannot fail.
        let _ = writeln!(table, "{name:<9} {part:>3} {rate:>6.1} % of {whole}");
    }
    table
}
