//! A web server with one thread, which checks signatures and handshakes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use whatsapp_signals::{SignatureVerifier, VerifyToken, Webhook};

use super::SECRET;

/// A running server. Its thread ends with the test program.
pub(crate) struct Server {
    pub(crate) url: String,
    received: Arc<Mutex<Vec<Webhook>>>,
}

/// A request, and the answer to it.
struct Request {
    line: String,
    signature: Option<String>,
    body: Vec<u8>,
}

impl Server {
    /// Starts a server that answers the request with this number, from 0 on, with a status, if its
    /// signature is right, and otherwise with 401.
    pub(crate) fn start(status: impl Fn(usize) -> u16 + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/webhook", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let webhooks = Arc::clone(&received);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let request = read(&mut stream);
                let (status, body) = answer(&request, &webhooks, &status);
                let head = format!("HTTP/1.1 {status} -\r\nLocation: http://192.0.2.1/\r\n");
                let rest = format!(
                    "Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
                stream.write_all((head + &rest).as_bytes()).unwrap();
            }
        });
        Self { url, received }
    }

    /// Returns the webhooks with a right signature.
    pub(crate) fn received(&self) -> Vec<Webhook> {
        std::mem::take(&mut *self.received.lock().unwrap())
    }
}

fn answer(
    request: &Request,
    webhooks: &Mutex<Vec<Webhook>>,
    status: &dyn Fn(usize) -> u16,
) -> (u16, String) {
    if let Some(path) = request.line.strip_prefix("GET ") {
        let query = path.split(['?', ' ']).nth(1).unwrap();
        let token = VerifyToken::new("my token").unwrap();
        return match token.verify_query(query) {
            Ok(challenge) => (200, challenge.into_owned()),
            Err(error) => (403, error.to_string()),
        };
    }
    let verifier = SignatureVerifier::new(SECRET).unwrap();
    let header = request.signature.as_deref().map(str::as_bytes);
    if verifier.verify(&request.body, header).is_err() {
        return (401, String::new());
    }
    let mut webhooks = webhooks.lock().unwrap();
    let status = status(webhooks.len());
    webhooks.push(whatsapp_signals::parse(&request.body).unwrap());
    (status, "ok".into())
}

fn read(stream: &mut TcpStream) -> Request {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let (mut signature, mut len) = (None, 0);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        let Some((name, value)) = header.trim_end().split_once(": ") else {
            break;
        };
        match &*name.to_ascii_lowercase() {
            "x-hub-signature-256" => signature = Some(value.to_owned()),
            "content-length" => len = value.parse().unwrap(),
            _ => {}
        }
    }
    let mut body = vec![0; len];
    reader.read_exact(&mut body).unwrap();
    Request {
        line,
        signature,
        body,
    }
}
