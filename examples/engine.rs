//! Webhooks that are stored in a file, handled once, and retried.
//!
//! ```sh
//! alias engine='cargo run --features sqlite --example engine --'
//! engine --database bikes.db tests/payloads/text.json          # the receivers run
//! engine --database bikes.db tests/payloads/text.json          # a repetition by Meta: a duplicate
//! engine --database bikes.db --fail tests/payloads/image.json  # the CRM is down …
//! engine --database bikes.db tests/payloads/image.json         # … and up again: only its receiver runs
//! curl … | engine --database bikes.db -                        # from a pipe
//! ```
//!
//! The receivers print to stdout, where the last line has the counts of all bodies. Failures are
//! printed to stderr.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::{env, fs, io};

use whatsapp_signals::store::SqliteStore;
use whatsapp_signals::{EngineErrorKind, Outcome, WebhookEngine};

/// The receivers of the program.
mod workshop {
    use whatsapp_signals::event::{
        FlowCompleted, MessageReceived, MessageStatusChanged, Unrecognized, UserSubscribed,
    };
    use whatsapp_signals::receiver;
    use whatsapp_signals::signals::{
        FLOW_COMPLETED, MESSAGE_RECEIVED, MESSAGE_STATUS_CHANGED, UNRECOGNIZED, USER_SUBSCRIBED,
    };

    #[receiver(MESSAGE_RECEIVED)]
    fn greet(event: &MessageReceived) {
        // The contact is stored already, with your labels and notes.
        let contact = event.contact.as_ref();
        let name = contact.map_or("someone", |contact| contact.display_name());
        println!("greet: {name} wrote {:?}", event.message.body());
    }

    #[receiver(FLOW_COMPLETED)]
    fn book(event: &FlowCompleted) {
        println!("book: {} answers", event.response.data.len());
    }

    #[receiver(USER_SUBSCRIBED)]
    fn welcome(event: &UserSubscribed) {
        let name = event.contact.display_name();
        println!("welcome: {name} through {}", event.signup.signup_id);
    }

    #[receiver(MESSAGE_STATUS_CHANGED)]
    fn track(event: &MessageStatusChanged) {
        println!("track: {}", event.update.status);
    }

    #[receiver(UNRECOGNIZED)]
    fn note(event: &Unrecognized) {
        println!("note: {} at {}", event.reason, event.path);
    }
}

/// The receivers of another system, which may be unavailable.
mod crm {
    use std::sync::atomic::{AtomicBool, Ordering};

    use whatsapp_signals::event::{MessageReceived, MessageStatusChanged, UserSubscribed};
    use whatsapp_signals::receiver;
    use whatsapp_signals::signals::{MESSAGE_RECEIVED, MESSAGE_STATUS_CHANGED, USER_SUBSCRIBED};

    pub(crate) static IS_DOWN: AtomicBool = AtomicBool::new(false);

    #[receiver(MESSAGE_RECEIVED, order = 1)]
    fn crm_message(event: &MessageReceived) -> Result<(), &'static str> {
        forward(event.message.message_type())
    }

    #[receiver(MESSAGE_STATUS_CHANGED, order = 1)]
    fn crm_status(event: &MessageStatusChanged) -> Result<(), &'static str> {
        forward(event.update.status.as_str())
    }

    #[receiver(USER_SUBSCRIBED, order = 1)]
    fn crm_subscriber(event: &UserSubscribed) -> Result<(), &'static str> {
        forward(event.signup.signup_id.as_str())
    }

    fn forward(what: &str) -> Result<(), &'static str> {
        // Ordering: set once, before the first event.
        if IS_DOWN.load(Ordering::Relaxed) {
            return Err("the CRM is down");
        }
        println!("crm: {what}");
        Ok(())
    }
}

fn main() -> ExitCode {
    let Some(args) = Args::read() else {
        eprintln!("usage: engine --database FILE [--fail] BODY… | -");
        return ExitCode::from(2);
    };
    // Ordering: this is the only thread.
    crm::IS_DOWN.store(args.fail, Ordering::Relaxed);
    match run(&args) {
        Ok(is_good) => ExitCode::from(u8::from(!is_good)),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Handles all bodies. Returns false if one of them failed.
fn run(args: &Args) -> Result<bool, Box<dyn std::error::Error>> {
    // A repeated command does not wait for the due time.
    let engine = WebhookEngine::new(SqliteStore::open(&args.database)?);
    let engine = engine.backoff(Duration::ZERO, Duration::ZERO);
    engine.check_sync()?;
    let mut total = Outcome::default();
    let mut is_good = true;
    for body in &args.bodies {
        match engine.process(&read(body)?) {
            Ok(outcome) => total += outcome,
            Err(error) => match error.kind() {
                EngineErrorKind::Parse(error) => {
                    eprintln!("{}: {error}", body.display());
                    is_good = false;
                }
                _ => return Err(error.into()),
            },
        }
    }
    for failed in total.failures() {
        eprintln!("failed: {}", failed.failure);
    }
    println!("{total}");
    Ok(is_good)
}

fn read(body: &Path) -> io::Result<Vec<u8>> {
    if body == Path::new("-") {
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut io::stdin(), &mut bytes)?;
        return Ok(bytes);
    }
    fs::read(body)
}

struct Args {
    database: PathBuf,
    fail: bool,
    bodies: Vec<PathBuf>,
}

impl Args {
    fn read() -> Option<Self> {
        let (mut database, mut fail, mut bodies) = (None, false, Vec::new());
        let mut args = env::args_os().skip(1);
        while let Some(arg) = args.next() {
            match arg.to_str() {
                Some("--database") => database = Some(PathBuf::from(args.next()?)),
                Some("--fail") => fail = true,
                Some(flag) if flag.starts_with("--") => return None,
                _ => bodies.push(PathBuf::from(arg)),
            }
        }
        let has_bodies = !bodies.is_empty();
        has_bodies.then_some(Self {
            database: database?,
            fail,
            bodies,
        })
    }
}
