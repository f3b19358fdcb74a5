//! `challenge`: the handshake with which Meta registers a URL.

use std::hash::{BuildHasher, Hasher, RandomState};

use clap::Args;
use serde::Serialize;
use whatsapp_signals::VerifyToken;

use crate::exit::{Error, Exit};
use crate::http::{Answer, Target};
use crate::output::Output;

/// Sends the handshake of a registration, or checks its query
///
/// Sends the handshake of Meta's App Dashboard to a web server, which must answer 200 with the
/// challenge as the whole body. With `--query` it sends nothing, and checks the query of a
/// handshake. The exit code is 1 if the answer or the query is wrong.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    META_VERIFY_TOKEN=… whatsapp-signals challenge --url http://127.0.0.1:8080/webhook\n  \
    META_VERIFY_TOKEN=… whatsapp-signals challenge --query \
    'hub.mode=subscribe&hub.challenge=7&hub.verify_token=…'")]
pub(crate) struct ChallengeArgs {
    #[command(flatten)]
    target: Target,
    /// Verify token of the webhook
    #[arg(long, env = "META_VERIFY_TOKEN", hide_env_values = true)]
    verify_token: String,
    /// Query of a handshake, without the question mark
    #[arg(long, conflicts_with_all = ["url", "anywhere", "timeout"])]
    query: Option<String>,
}

#[derive(Serialize)]
struct Checked<'a> {
    is_valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

/// Sends or checks a handshake.
pub(crate) fn run(args: &ChallengeArgs, output: &mut Output) -> Result<Exit, Error> {
    let token = &args.verify_token;
    let verifier = VerifyToken::new(token).map_err(|error| Error::Usage(error.to_string()))?;
    let checked = match &args.query {
        Some(query) => {
            let challenge = verifier.verify_query(query);
            challenge.map_err(|error| error.to_string())
        }
        None => register(&args.target, token)?.map(Into::into),
    };
    let (challenge, error) = (checked.as_deref().ok(), checked.as_ref().err());
    let is_valid = challenge.is_some();
    let error = error.map(String::as_str);
    let line = match (&args.query, error) {
        (_, Some(error)) => error.to_owned(),
        (Some(_), None) => challenge.unwrap_or_default().to_owned(),
        (None, None) => "the server answered 200 with the challenge".into(),
    };
    let checked = Checked {
        is_valid,
        challenge,
        error,
    };
    output.either(&checked, &line)?;
    Ok(if is_valid { Exit::Done } else { Exit::Fault })
}

/// Sends the handshake, and returns the challenge if the response is correct.
fn register(target: &Target, token: &str) -> Result<Result<String, String>, Error> {
    let challenge = RandomState::new().build_hasher().finish().to_string();
    let answer = target.client(1)?.get(&[
        ("hub.mode", "subscribe"),
        ("hub.challenge", &challenge),
        ("hub.verify_token", token),
    ]);
    let Answer { status, body } =
        answer.map_err(|error| Error::Failed(format!("no answer: {error}")))?;
    Ok(match status {
        200 if body == challenge.as_bytes() => Ok(challenge),
        200 => Err("expected the challenge as the body, found another body with status 200".into()),
        _ => Err(format!(
            "expected status 200 with the challenge, found status {status}"
        )),
    })
}
