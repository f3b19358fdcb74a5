//! The requests of Meta.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::Client;
use whatsapp_signals::SignatureVerifier;

use super::server::{SECRET, Server};

/// Returns a webhook with a message.
pub fn body(wamid: &str) -> String {
    batch([wamid])
}

/// Returns the key of the event of that message.
pub fn key(wamid: &str) -> String {
    format!("message_received:{wamid}:text:number=106540352242922")
}

/// Returns a webhook with several messages, whose text is escaped as Meta does.
pub fn batch<'a>(wamids: impl IntoIterator<Item = &'a str>) -> String {
    let message = |wamid| {
        format!(
            r#"{{"from":"15550101001","id":"{wamid}","timestamp":"1785000000","type":"text","text":{{"body":"Is it ready? \ud83d\udeb2 https:\/\/example.com\/bikes ada\u0040example.com"}}}}"#
        )
    };
    let messages: Vec<String> = wamids.into_iter().map(message).collect();
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"102290129340398","changes":[{{"field":"messages","value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550783881","phone_number_id":"106540352242922"}},"contacts":[{{"profile":{{"name":"Ada Okafor"}},"wa_id":"15550101001"}}],"messages":[{}]}}}}]}}]}}"#,
        messages.join(",")
    )
}

pub fn sign(body: &str) -> String {
    SignatureVerifier::new(SECRET).unwrap().sign(body)
}

/// Sends a body, and returns the status of the answer, or an error without one.
pub async fn send(
    client: &Client,
    server: &str,
    body: String,
    signature: Option<String>,
) -> reqwest::Result<u16> {
    let mut request = client
        .post(server)
        .header("content-type", "application/json");
    if let Some(signature) = signature {
        request = request.header("x-hub-signature-256", signature);
    }
    Ok(request.body(body).send().await?.status().as_u16())
}

/// Sends a body repeatedly until the answer is 200, as Meta does.
pub async fn deliver(client: &Client, server: &str, body: &str) {
    for _ in 0..200 {
        match send(client, server, body.to_owned(), Some(sign(body)))
            .await
            .unwrap()
        {
            200 => return,
            503 => tokio::time::sleep(Duration::from_millis(200)).await,
            status => panic!("the answer is {status}"),
        }
    }
    panic!("nobody takes it");
}

/// An incomplete request.
pub struct Request {
    stream: TcpStream,
    rest: Vec<u8>,
}

impl Request {
    /// Sends the head and half of a signed body.
    pub fn begin(server: &Server, body: &str) -> Self {
        let signature = format!("x-hub-signature-256: {}\r\n", sign(body));
        let mut stream = send_head(server, body.len(), &signature);
        let (begun, rest) = body.as_bytes().split_at(body.len() / 2);
        stream.write_all(begun).unwrap();
        let rest = rest.to_vec();
        Self { stream, rest }
    }

    /// Sends the second half, and returns the status of the answer.
    pub fn end(mut self) -> u16 {
        self.stream.write_all(&self.rest).unwrap();
        read_status(&mut self.stream).unwrap()
    }
}

/// Sends a body of this length, and returns the status. A server may answer before or after it has
/// read the whole body.
pub fn send_large(server: &Server, len: usize) -> u16 {
    let mut stream = send_head(server, len, "");
    let soon = Some(Duration::from_millis(500));
    stream.set_read_timeout(soon).unwrap();
    if let Ok(status) = read_status(&mut stream) {
        return status;
    }
    stream.write_all(&vec![b' '; len]).unwrap();
    stream.set_read_timeout(None).unwrap();
    read_status(&mut stream).unwrap()
}

fn send_head(server: &Server, len: usize, headers: &str) -> TcpStream {
    let address = server.url().strip_prefix("http://").unwrap();
    let (address, path) = address.split_once('/').unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(
        stream,
        "POST /{path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {len}\r\n{headers}\r\n"
    )
    .unwrap();
    stream
}

fn read_status(stream: &mut TcpStream) -> io::Result<u16> {
    let mut answer = [0; "HTTP/1.1 200".len()];
    stream.read_exact(&mut answer)?;
    let answer = str::from_utf8(&answer).unwrap();
    Ok(answer.strip_prefix("HTTP/1.1 ").unwrap().parse().unwrap())
}
