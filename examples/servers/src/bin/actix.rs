//! The webhook behind actix-web.
//!
//! ```sh
//! export META_APP_SECRET=… META_VERIFY_TOKEN=… DATABASE=bikes.db  # or postgres://…
//! cargo run --bin actix    # http://127.0.0.1:8080/webhook, or HOST and PORT
//! ```

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data, PayloadConfig};
use actix_web::{App as Routes, HttpRequest, HttpResponse, HttpServer, rt};
use whatsapp_signals::{BoxError, Parser};
use whatsapp_signals_servers::{Answer, App, address};

/// Meta registers the URL.
async fn register(app: Data<App>, request: HttpRequest) -> HttpResponse {
    match app.register(request.query_string()) {
        Some(challenge) => HttpResponse::Ok().body(challenge),
        None => HttpResponse::Forbidden().finish(),
    }
}

/// Meta sends a webhook. `Bytes` are the raw bytes, which is what Meta signed.
async fn receive(app: Data<App>, request: HttpRequest, body: Bytes) -> HttpResponse {
    let signature = request.headers().get("x-hub-signature-256").cloned();
    let status = StatusCode::from_u16(app.receive(body, signature).await);
    HttpResponse::new(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
}

/// A load balancer or a monitor reads the backlog.
async fn health(app: Data<App>) -> HttpResponse {
    let (status, json) = app.health().await;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    HttpResponse::build(status)
        .content_type("application/json")
        .body(json)
}

/// Prometheus reads the numbers.
async fn metrics(app: Data<App>) -> String {
    app.metrics()
}

#[actix_web::main]
async fn main() -> Result<(), BoxError> {
    let app = Arc::new(App::from_env(Answer::from_env()?).await?);
    rt::spawn(Arc::clone(&app).keep_tending());
    let ended = Arc::clone(&app);
    let server = HttpServer::new(move || {
        let webhook = web::resource("/webhook")
            .route(web::get().to(register))
            .route(web::post().to(receive));
        Routes::new()
            .app_data(Data::from(Arc::clone(&app)))
            .app_data(PayloadConfig::new(Parser::DEFAULT_MAX_LEN))
            .service(webhook)
            .route("/healthz", web::get().to(health))
            .route("/metrics", web::get().to(metrics))
    });
    // On SIGTERM it takes no new requests and answers those that have begun.
    let server = server.shutdown_timeout(10).bind(address()?)?;
    for address in server.addrs() {
        eprintln!("listening on http://{address}/webhook");
    }
    server.run().await?;
    ended.finish().await;
    Ok(())
}
