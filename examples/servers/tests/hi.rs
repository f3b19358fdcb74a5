//! The bot of the README, as a process that Meta calls.

use std::env;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use reqwest::Client;
use whatsapp_signals::SignatureVerifier;

const SECRET: &str = "0123456789abcdef";

/// Starts it, and gives its URL.
fn start() -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hi"))
        .env("META_APP_SECRET", SECRET)
        .env("META_VERIFY_TOKEN", "a token")
        .env("PORT", "0")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut errors = BufReader::new(child.stderr.as_mut().unwrap());
    let mut line = String::new();
    errors.read_line(&mut line).unwrap();
    let url = line.trim_end().strip_prefix("listening on ").expect(&line);
    (child, url.to_owned())
}

async fn post(client: &Client, url: &str, body: &'static [u8], signature: String) -> u16 {
    let request = client.post(url).header("x-hub-signature-256", signature);
    request.body(body).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn the_bot_says_hi_to_whoever_writes_and_to_nobody_else() {
    let (mut bot, url) = start();
    let client = Client::new();
    let register = |token: &str| {
        let query = format!("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}");
        client.get(format!("{url}?{query}")).send()
    };
    let registered = register("a%20token").await.unwrap();
    assert_eq!(registered.text().await.unwrap(), "1158201444");
    assert_eq!(register("a%20guess").await.unwrap().status(), 403);

    let text = include_bytes!("../../../tests/payloads/text.json");
    let odd = include_bytes!("../../../tests/payloads/batch-with-odd-items.json");
    let (ours, theirs) = (SECRET, "a guess");
    let sign = |secret: &str, body: &[u8]| SignatureVerifier::new(secret).unwrap().sign(body);
    for (body, secret, status) in [
        (&text[..], ours, 200),
        (text, theirs, 401),
        // Meta sends it again.
        (text, ours, 200),
        (odd, ours, 200),
        (b"Hi", ours, 200),
    ] {
        assert_eq!(post(&client, &url, body, sign(secret, body)).await, status);
    }

    bot.kill().unwrap();
    let mut said = String::new();
    bot.stdout
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    // One for the text, which came twice, and one for each good text of the batch.
    let ada = "15550101001";
    let hi = [ada, ada, ada, "31970100202"].map(|to| format!("-> {to}: hi\n"));
    assert_eq!(said, hi.concat());
}
