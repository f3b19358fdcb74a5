//! `send`: signed webhooks to a web server under test.

use clap::Args;
use whatsapp_signals::SignatureVerifier;

use crate::exit::{Error, Exit};
use crate::item::{Bodies, Kind, Parties};
use crate::load::{Answers, Load};
use crate::output::Output;
use crate::post::Target;
use crate::signing::Secret;

/// Sends signed webhooks to a web server under test
///
/// Makes a body, signs it with the app secret, posts it, and prints the status and the time of the
/// answer. The exit code is 1 if an answer is not 200, and 3 if there is none. Secrets in arguments
/// can be seen by other users of the machine: prefer the variable `META_APP_SECRET`.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    whatsapp-signals send text 'Is my bike ready?' --from 15550101001\n  \
    whatsapp-signals send text Hi --repeat 1000 --users 50 --concurrency 8 --rate 200")]
pub(crate) struct SendArgs {
    #[command(subcommand)]
    kind: Kind,
    #[command(flatten)]
    parties: Parties,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    secret: Secret,
    /// Number of webhooks
    #[arg(long, global = true, value_name = "N", default_value_t = 1,
        value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    repeat: u64,
    /// Webhooks a second (default: no limit)
    #[arg(long, global = true, value_name = "N", value_parser = rate)]
    rate: Option<f64>,
    /// Number of webhooks that are sent at the same time
    #[arg(long, global = true, value_name = "N", default_value_t = 1,
        value_parser = clap::value_parser!(u16).range(1..=1024))]
    concurrency: u16,
}

/// Sends the webhooks.
pub(crate) fn run(args: SendArgs, output: &mut Output) -> Result<Exit, Error> {
    let concurrency = usize::from(args.concurrency);
    let verifier: SignatureVerifier = args.secret.verifier()?;
    let client = args.target.client(concurrency)?;
    let bodies = Bodies::new(args.parties, args.kind);
    let load = Load {
        repeat: args.repeat,
        rate: args.rate,
        concurrency,
    };
    let answers = load.run(|nth| {
        let body = bodies.body(nth);
        let answer = client.post(&body, &verifier.sign(&body))?;
        Ok(answer.status)
    });
    print(&answers, output)?;
    Ok(match answers.statuses.keys().all(|status| *status == 200) {
        _ if !answers.errors.is_empty() => Exit::Failed,
        true => Exit::Done,
        false => Exit::Wrong,
    })
}

fn print(answers: &Answers, output: &mut Output) -> Result<(), Error> {
    if output.is_json() {
        return Ok(output.json(answers)?);
    }
    output.text(&format!(
        "sent {} in {:.3} s",
        answers.sent, answers.seconds
    ))?;
    for (status, count) in &answers.statuses {
        output.text(&format!("status {status}: {count}"))?;
    }
    for (error, count) in &answers.errors {
        output.text(&format!("no answer: {count}: {error}"))?;
    }
    if let Some(latency) = answers.latency_ms {
        output.text(&format!("latency {latency}"))?;
    }
    Ok(())
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.001..=1e6).contains(&rate) => Ok(rate),
        _ => Err("expected a number from 0.001 to 1000000".into()),
    }
}
