//! The return types of receivers.

use super::*;

static OUTCOMES: Signal<bool> = Signal::new("outcomes");

type Boxed = Box<dyn Error + Send + Sync>;

#[derive(Debug)]
struct Own;

impl std::fmt::Display for Own {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("own")
    }
}

impl Error for Own {}

fn unless<E>(good: bool, error: E) -> Result<(), E> {
    if good { Ok(()) } else { Err(error) }
}

#[receiver(OUTCOMES)]
fn string(good: &bool) -> Result<(), String> {
    unless(*good, "string".to_owned())
}

#[receiver(OUTCOMES)]
fn text(good: &bool) -> Result<(), &'static str> {
    unless(*good, "text")
}

#[receiver(OUTCOMES)]
fn input(good: &bool) -> io::Result<()> {
    unless(*good, io::Error::other("input"))
}

#[receiver(OUTCOMES)]
fn boxed(good: &bool) -> Result<(), Boxed> {
    unless(*good, "boxed")?;
    Ok(())
}

#[receiver(OUTCOMES)]
fn own(good: &bool) -> Result<(), Own> {
    unless(*good, Own)
}

#[receiver(OUTCOMES)]
fn nothing(_: &bool) {}

#[receiver(OUTCOMES)]
fn panics(good: &bool) {
    assert!(*good, "panics");
}

#[test]
fn t16_errors_of_every_type_are_reported_with_their_receiver() -> Done {
    assert_eq!(OUTCOMES.send(&true)?.succeeded(), 7);

    let report = OUTCOMES.send_robust(&false);
    assert_eq!((report.called(), report.succeeded()), (7, 1));
    let failures = report.into_failures();
    let expected = ["string", "text", "input", "boxed", "own", "panics"];
    assert_eq!(failures.len(), expected.len());
    for (failure, name) in failures.iter().zip(expected) {
        let receiver = failure.receiver();
        assert_eq!(receiver.path(), format!("{}::{name}", module_path!()));
        assert!(receiver.file().ends_with("with_outcomes.rs"));
        let said = failure.error().map(ToString::to_string);
        let said = said.or(failure.panic_message().map(ToOwned::to_owned));
        assert_eq!(said.as_deref(), Some(name));
    }
    assert!(
        failures[2]
            .error()
            .is_some_and(<dyn Error + Send + Sync>::is::<io::Error>)
    );
    assert!(
        failures[4]
            .error()
            .is_some_and(<dyn Error + Send + Sync>::is::<Own>)
    );
    Ok(())
}

#[test]
fn t85_send_stops_at_the_first_static_receiver_that_fails() {
    let failure = OUTCOMES.send(&false).unwrap_err();
    assert_eq!(names(&[failure.receiver().clone()]), ["string"]);
}
