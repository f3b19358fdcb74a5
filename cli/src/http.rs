//! Requests to a web server under test.

use std::net::IpAddr;
use std::time::Duration;

use clap::Args;
use ureq::Agent;
use ureq::http::{Response, Uri};

use crate::exit::Error;

/// The maximum length of a response body, in bytes.
const MAX_BODY: u64 = 64 * 1024;

/// The URL of a web server.
#[derive(Args)]
pub(crate) struct Target {
    /// URL of the webhook, of a loopback address
    #[arg(long, global = true, default_value = "http://127.0.0.1:8080/webhook")]
    url: Uri,
    /// Allows a URL of another machine
    #[arg(long, global = true)]
    anywhere: bool,
    /// Seconds to wait for a response
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 30,
        value_parser = clap::value_parser!(u64).range(1..))]
    timeout: u64,
}

impl Target {
    /// Creates a client of the server. It uses no proxy and follows no redirect, so that requests reach
    /// no other server.
    pub(crate) fn client(&self, connections: usize) -> Result<Client, Error> {
        check_target(&self.url, self.anywhere)?;
        let agent = Agent::config_builder()
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(self.timeout)))
            .max_idle_connections(connections)
            .max_idle_connections_per_host(connections)
            .user_agent(concat!("whatsapp-signals/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        let url = self.url.clone();
        Ok(Client { agent, url })
    }
}

fn check_target(url: &Uri, anywhere: bool) -> Result<(), Error> {
    match url.scheme_str() {
        Some("http") => {}
        Some("https") => {
            let text = "expected a URL with http://, found https://: this program has no TLS, so \
                send to the HTTP port behind the TLS proxy, from its machine or through a tunnel \
                (ssh -L 8080:127.0.0.1:8080)";
            return Err(Error::Usage(text.into()));
        }
        _ => {
            return Err(Error::Usage(
                "expected a URL with http://, found none".into(),
            ));
        }
    }
    let host = url.host().unwrap_or_default();
    let ip = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = ip.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    if anywhere || is_loopback || host.eq_ignore_ascii_case("localhost") {
        return Ok(());
    }
    let text = format!("expected a loopback address or --anywhere, found the host {host}");
    Err(Error::Usage(text))
}

/// A client of one web server.
pub(crate) struct Client {
    agent: Agent,
    url: Uri,
}

/// The response of a web server.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Client {
    /// Posts a signed body. The error is the cause of a missing response.
    pub(crate) fn post(&self, body: &[u8], signature: &str) -> Result<Answer, String> {
        let request = self
            .agent
            .post(&self.url)
            .header("content-type", "application/json")
            .header("x-hub-signature-256", signature);
        answer(request.send(body))
    }

    /// Gets the URL with a query.
    pub(crate) fn get(&self, query: &[(&str, &str)]) -> Result<Answer, String> {
        let request = self.agent.get(&self.url).query_pairs(query.iter().copied());
        answer(request.call())
    }
}

fn answer(result: Result<Response<ureq::Body>, ureq::Error>) -> Result<Answer, String> {
    let text = |error: ureq::Error| match error {
        ureq::Error::Io(error) => error.to_string(),
        error => error.to_string(),
    };
    let mut response = result.map_err(text)?;
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(MAX_BODY);
    let body = body.read_to_vec().map_err(text)?;
    Ok(Answer { status, body })
}

#[cfg(test)]
mod tests {
    use ureq::http::Uri;

    use super::check_target;

    #[test]
    fn only_loopback_addresses_are_targets_without_anywhere() {
        let is_target =
            |url: &'static str, anywhere| check_target(&Uri::from_static(url), anywhere).is_ok();
        for url in [
            "http://127.0.0.1:8080/",
            "http://127.9.9.9",
            "http://[::1]:80/x",
            "http://LOCALHOST/",
        ] {
            assert!(is_target(url, false), "{url}");
        }
        for url in [
            "http://192.0.2.1/",
            "http://localhost.example.com/",
            "http://[2001:db8::1]/",
            "http://0.0.0.0/",
        ] {
            assert!(!is_target(url, false), "{url}");
            assert!(is_target(url, true), "{url}");
        }
        for url in ["https://127.0.0.1/", "/webhook", "ftp://127.0.0.1/"] {
            assert!(!is_target(url, true), "{url}");
        }
    }
}
