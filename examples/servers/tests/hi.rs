//! The bot of the README, as a process between Meta's webhooks and a Graph API of the test's.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use parking_lot::Mutex;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use whatsapp_signals::SignatureVerifier;

const SECRET: &str = "0123456789abcdef";
const TOKEN: &str = "EAAGm0PX4ZCps";

const TEXT: &[u8] = include_bytes!("../../../tests/payloads/text.json");
const USERNAME_ONLY: &[u8] = include_bytes!("../../../tests/payloads/text-username-only.json");
const ODD: &[u8] = include_bytes!("../../../tests/payloads/batch-with-odd-items.json");

/// A Graph API on a port of its own.
#[derive(Default)]
struct Graph {
    requests: Mutex<Vec<Value>>,
    /// The statuses of the next answers, the last one first (then: 200).
    statuses: Mutex<Vec<StatusCode>>,
}

impl Graph {
    /// Starts the API, and returns it with its base URL.
    async fn start() -> (Arc<Self>, String) {
        let graph = Arc::new(Self::default());
        let routes = Router::new().fallback(answer).with_state(graph.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v24.0", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, routes).await });
        (graph, url)
    }

    /// Returns the bodies of the requests since the last call, which all went to the number of
    /// the payloads.
    fn take_bodies(&self) -> Vec<Value> {
        let requests = std::mem::take(&mut *self.requests.lock());
        let body = |mut request: Value| {
            let body = request["body"].take();
            let to = "POST /v24.0/300200100500600/messages";
            let authorization = format!("Bearer {TOKEN}");
            let expected = json!({"to": to, "authorization": authorization, "body": null});
            assert_eq!(request, expected);
            body
        };
        requests.into_iter().map(body).collect()
    }
}

async fn answer(
    State(graph): State<Arc<Graph>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    graph.requests.lock().push(json!({
        "to": format!("{method} {uri}"),
        "authorization": headers["authorization"].to_str().unwrap(),
        "body": serde_json::from_slice::<Value>(&body).unwrap(),
    }));
    graph.statuses.lock().pop().unwrap_or(StatusCode::OK)
}

/// Returns the body that says hi to a user.
fn hi(member: &str, id: &str) -> Value {
    json!({"messaging_product": "whatsapp", member: id, "type": "text", "text": {"body": "hi"}})
}

struct Bot {
    process: Child,
    output: BufReader<ChildStdout>,
    url: String,
    client: Client,
}

fn command(graph: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hi"));
    command
        .env("META_ACCESS_TOKEN", TOKEN)
        .env("META_APP_SECRET", SECRET)
        .env("META_VERIFY_TOKEN", "a token")
        .env("GRAPH_URL", graph)
        .env("PORT", "0");
    command
}

impl Bot {
    fn start(graph: &str) -> Self {
        let mut command = command(graph);
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let url = line.trim_end().strip_prefix("listening on ").expect(&line);
        Self {
            process,
            output,
            url: url.to_owned(),
            client: Client::new(),
        }
    }

    /// Sends a webhook, and returns the status of the answer.
    async fn post(&self, body: &'static [u8], secret: &str) -> u16 {
        let signature = SignatureVerifier::new(secret).unwrap().sign(body);
        let request = self.client.post(&self.url).body(body);
        let request = request.header("x-hub-signature-256", signature);
        request.send().await.unwrap().status().as_u16()
    }

    /// Sends a webhook until the answer is 200, as Meta does.
    async fn deliver(&self, body: &'static [u8]) {
        for _ in 0..100 {
            if self.post(body, SECRET).await == 200 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("the answer is never 200");
    }

    /// Ends the bot, and returns its log, which contains neither users nor secrets.
    fn log(mut self) -> String {
        self.process.kill().unwrap();
        let mut log = String::new();
        self.output.read_to_string(&mut log).unwrap();
        let mut errors = self.process.stderr.take().unwrap();
        errors.read_to_string(&mut log).unwrap();
        for secret in ["15550101001", "31970100202", "IE.92", "Good morning", TOKEN] {
            assert!(!log.contains(secret), "{secret}: {log}");
        }
        log
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn meta_registers_the_url_with_the_right_token() {
    let bot = Bot::start("http://127.0.0.1:9");
    let register = |token: &str| {
        let query = format!("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}");
        bot.client.get(format!("{}?{query}", bot.url)).send()
    };
    let registered = register("a%20token").await.unwrap();
    assert_eq!(registered.text().await.unwrap(), "1158201444");
    assert_eq!(register("a%20guess").await.unwrap().status(), 403);
}

#[tokio::test]
async fn each_text_gets_one_answer() {
    let (graph, url) = Graph::start().await;
    let bot = Bot::start(&url);
    let ada = hi("to", "15550101001");

    assert_eq!(bot.post(TEXT, "a guess").await, 401);
    assert_eq!(graph.take_bodies(), [Value::Null; 0]);
    assert_eq!(bot.post(TEXT, SECRET).await, 200);
    assert_eq!(graph.take_bodies(), [ada]);
    assert_eq!(bot.post(TEXT, SECRET).await, 200, "Meta's repetition");
    assert_eq!(graph.take_bodies(), [Value::Null; 0]);
    assert_eq!(bot.post(b"Hi", SECRET).await, 200);
    assert_eq!(graph.take_bodies(), [Value::Null; 0]);

    assert_eq!(bot.post(USERNAME_ONLY, SECRET).await, 200);
    let dara = hi("recipient", "IE.92030040050060070080");
    assert_eq!(graph.take_bodies(), [dara]);

    let log = bot.log();
    for expected in ["not signed", "not a webhook", "processed delivered=1"] {
        assert!(log.contains(expected), "{expected}: {log}");
    }
}

#[tokio::test]
async fn a_malformed_item_does_not_affect_its_neighbors() {
    let (graph, url) = Graph::start().await;
    let bot = Bot::start(&url);
    assert_eq!(bot.post(ODD, SECRET).await, 200);
    let users = ["15550101001", "15550101001", "31970100202"];
    assert_eq!(graph.take_bodies(), users.map(|user| hi("to", user)));
    let log = bot.log();
    assert!(log.contains("unrecognized"), "{log}");
}

#[tokio::test]
async fn a_webhook_is_repeated_until_the_graph_api_accepts_the_answers() {
    let (graph, url) = Graph::start().await;
    let bot = Bot::start(&url);
    let [ada, bram] = ["15550101001", "31970100202"].map(|user| hi("to", user));

    // Of three texts, the second one is not answered.
    let statuses = [StatusCode::INTERNAL_SERVER_ERROR, StatusCode::OK];
    graph.statuses.lock().extend(statuses);
    assert_eq!(bot.post(ODD, SECRET).await, 503);
    assert_eq!(graph.take_bodies(), [ada.clone(), ada.clone(), bram]);
    assert_eq!(bot.post(ODD, SECRET).await, 503, "it is not due");
    bot.deliver(ODD).await;
    assert_eq!(graph.take_bodies(), [ada], "the missing answer alone");

    graph.statuses.lock().push(StatusCode::UNAUTHORIZED);
    assert_eq!(bot.post(TEXT, SECRET).await, 503, "an expired token");
    let log = bot.log();
    for expected in ["hi::say_hi", "500 Internal", "401 Unauthorized"] {
        assert!(log.contains(expected), "{expected}: {log}");
    }
}

#[tokio::test]
async fn a_graph_api_that_is_not_there_has_the_webhook_repeated() {
    let bot = Bot::start("http://127.0.0.1:9");
    assert_eq!(bot.post(TEXT, SECRET).await, 503);
    assert!(bot.log().contains("hi::say_hi"));
}

#[test]
fn a_missing_setting_is_named() {
    for name in ["META_ACCESS_TOKEN", "META_APP_SECRET", "META_VERIFY_TOKEN"] {
        let output = command("").env_remove(name).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success());
        assert_eq!(
            error,
            format!("Error: \"{name}: environment variable not found\"\n")
        );
    }
}
