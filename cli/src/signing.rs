//! `sign` and `verify`: the signatures of bodies.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use whatsapp_signals::SignatureVerifier;

use crate::exit::{Error, Exit};
use crate::output::{Output, read_body};

/// The app secret. The variable is better than the argument, which other users of the machine see.
#[derive(Args)]
pub(crate) struct Secret {
    /// App secret of the Meta app
    #[arg(long, global = true, env = "META_APP_SECRET", hide_env_values = true)]
    secret: Option<String>,
}

impl Secret {
    /// Returns the verifier of this secret.
    pub(crate) fn verifier(&self) -> Result<SignatureVerifier, Error> {
        let Some(secret) = &self.secret else {
            let text = "expected the app secret in META_APP_SECRET or --secret, found none";
            return Err(Error::Usage(text.into()));
        };
        SignatureVerifier::new(secret).map_err(|error| Error::Usage(error.to_string()))
    }
}

/// Prints the signature of a body
///
/// The signature is that of the exact bytes, for the header `X-Hub-Signature-256`.
#[derive(Args)]
#[command(after_help = "Example:\n  META_APP_SECRET=… whatsapp-signals sign body.json")]
pub(crate) struct SignArgs {
    /// File with the body, or - for the standard input
    file: PathBuf,
    #[command(flatten)]
    secret: Secret,
}

/// Checks the signature of a body
///
/// The exit code is 1 if the signature is wrong.
#[derive(Args)]
#[command(
    after_help = "Example:\n  META_APP_SECRET=… whatsapp-signals verify body.json --signature sha256=…"
)]
pub(crate) struct VerifyArgs {
    /// File with the body, or - for the standard input
    file: PathBuf,
    /// Header `X-Hub-Signature-256` of the request
    #[arg(long)]
    signature: String,
    #[command(flatten)]
    secret: Secret,
}

#[derive(Serialize)]
struct Signed<'a> {
    file: &'a str,
    signature: String,
}

#[derive(Serialize)]
struct Verified<'a> {
    file: &'a str,
    is_valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Prints the signature of a body.
pub(crate) fn sign(args: &SignArgs, output: &mut Output) -> Result<Exit, Error> {
    let verifier = args.secret.verifier()?;
    let body = read_body(&args.file).map_err(Error::Failed)?;
    let file = &*args.file.to_string_lossy();
    let signature = verifier.sign(body);
    let line = signature.clone();
    output.either(&Signed { file, signature }, &line)?;
    Ok(Exit::Done)
}

/// Prints whether a signature is that of a body.
pub(crate) fn verify(args: &VerifyArgs, output: &mut Output) -> Result<Exit, Error> {
    let verifier = args.secret.verifier()?;
    let body = read_body(&args.file).map_err(Error::Failed)?;
    let error = verifier.verify(body, Some(args.signature.trim().as_bytes()));
    let error = error.err().map(|error| error.to_string());
    let line = error.as_deref().unwrap_or("the signature is right");
    let line = format!("{}: {line}", args.file.display());
    let is_valid = error.is_none();
    let result = Verified {
        file: &args.file.to_string_lossy(),
        is_valid,
        error,
    };
    output.either(&result, &line)?;
    Ok(if is_valid { Exit::Done } else { Exit::Fault })
}
