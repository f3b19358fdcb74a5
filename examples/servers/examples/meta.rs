//! Meta, as far as a server on this machine is concerned: sends signed webhooks with
//! one message each, again until they are answered with 200, and says how long the
//! answers took.
//!
//! ```sh
//! cargo run --example meta -- http://127.0.0.1:8080/webhook 10000        # as fast as it can
//! cargo run --example meta -- http://127.0.0.1:8080/webhook 10000 1000   # 1,000 a second
//! ```
//!
//! It signs with `META_APP_SECRET`. Several URLs with commas between take turns, as behind a load
//! balancer.

use std::env;
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Client;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use whatsapp_signals::{BoxError, SignatureVerifier};

/// The number of webhooks in flight.
const AT_ONCE: usize = 64;

/// A webhook of one of a thousand users.
fn body(number: usize) -> String {
    let user = number % 1000;
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"102290129340398","changes":[{{"field":"messages","value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550783881","phone_number_id":"106540352242922"}},"contacts":[{{"profile":{{"name":"Ada Okafor"}},"wa_id":"1555{user:07}"}}],"messages":[{{"from":"1555{user:07}","id":"wamid.{number}","timestamp":"1785000000","type":"text","text":{{"body":"Good morning! Is my gravel bike out of the stand yet?"}}}}]}}}}]}}]}}"#
    )
}

/// Sends a webhook until the answer is 200, each time to the next URL. Returns the duration of the
/// last answer, and the number of times that it was sent.
async fn deliver(
    client: Client,
    urls: Vec<String>,
    body: String,
    signature: String,
) -> (Duration, u32) {
    for (times, url) in (1..).zip(urls.iter().cycle()) {
        let request = client
            .post(url)
            .header("x-hub-signature-256", &signature)
            .body(body.clone());
        let began = Instant::now();
        let answer = request.send().await;
        let took = began.elapsed();
        match answer.map(|answer| answer.status().as_u16()) {
            Ok(200) => return (took, times),
            Ok(status @ 400..500) => panic!("the answer is {status}"),
            _ => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
    unreachable!("it is sent until it is taken")
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let mut args = env::args().skip(1);
    let urls = args.next().ok_or("usage: meta URL[,URL…] COUNT [RATE]")?;
    let mut urls: Vec<String> = urls.split(',').map(str::to_owned).collect();
    let count: usize = args.next().ok_or("how many?")?.parse()?;
    let rate: Option<f64> = args.next().map(|rate| rate.parse()).transpose()?;
    let verifier = SignatureVerifier::new(&env::var("META_APP_SECRET")?)?;
    let client = Client::new();
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let mut sending = JoinSet::new();
    let began = Instant::now();
    for number in 0..count {
        if let Some(rate) = rate {
            // A fixed timetable: what comes late is not left out.
            let due = began + Duration::from_secs_f64(number as f64 / rate);
            tokio::time::sleep_until(due.into()).await;
        }
        let permit = Arc::clone(&permits).acquire_owned().await?;
        let body = body(number);
        let signature = verifier.sign(&body);
        let work = deliver(client.clone(), urls.clone(), body, signature);
        urls.rotate_left(1);
        sending.spawn(async move {
            let result = work.await;
            drop(permit);
            result
        });
    }
    let results = sending.join_all().await;
    let seconds = began.elapsed().as_secs_f64();
    let again: u32 = results.iter().map(|(_, times)| times - 1).sum();
    let mut took: Vec<_> = results.into_iter().map(|(took, _)| took).collect();
    took.sort();
    let of = |share: f64| took[(share * (took.len() - 1) as f64) as usize].as_secs_f64() * 1000.0;
    println!(
        "{count} webhooks in {seconds:.1} s ({:.0}/s), {again} sent again; answered in p50 {:.1} ms, p99 {:.1} ms, most {:.1} ms",
        count as f64 / seconds,
        of(0.5),
        of(0.99),
        of(1.0),
    );
    Ok(())
}
