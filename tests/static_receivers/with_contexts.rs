//! Values that a receiver takes behind its event.

use std::sync::Arc;

use whatsapp_signals::{Cause, CheckError, Context, check};

use super::*;

static GREETED: Signal<Roll> = Signal::new("greeted");

trait Clerk: Send + Sync {
    fn name(&self) -> &'static str;
}

struct Fake;

impl Clerk for Fake {
    fn name(&self) -> &'static str {
        "the clerk"
    }
}

struct First(&'static str);
struct Second<T>(T);

#[receiver(GREETED)]
fn takes_nothing(roll: &Roll) {
    roll.add("takes_nothing");
}

#[receiver(GREETED)]
fn takes_values(roll: &Roll, First(name): &First, second: &Second<&'static str>) {
    roll.add(name);
    roll.add(second.0);
}

#[receiver(GREETED, filter = |_| true)]
fn takes_an_object<'a>(roll: &Roll, clerk: &'a dyn Clerk) -> Result<(), io::Error> {
    let clerk: &'a dyn Clerk = clerk;
    roll.add(clerk.name());
    clerk
        .name()
        .get(1..)
        .map(|_| ())
        .ok_or_else(|| io::Error::other("no name"))
}

#[receiver(GREETED)]
async fn takes_all(roll: &Roll, context: &Context, first: &First, clerk: &(dyn Clerk + 'static)) {
    let same = context.get::<First>().expect("a value");
    assert!(std::ptr::eq(same, first));
    std::future::ready(()).await;
    roll.add(clerk.name());
}

fn context() -> Context {
    let clerk: Arc<dyn Clerk> = Arc::new(Fake);
    let context = Context::new().with(First("replaced")).with(clerk);
    context.with(Second("second")).with(First("first"))
}

#[test]
fn values_are_found_by_their_types() -> Done {
    let (roll, context) = (Roll::default(), context());
    let sent = pollster::block_on(GREETED.with(&context).asend(&roll))?;
    assert_eq!(sent.called(), 4);
    let names = roll.0.into_inner()?;
    let expected = ["takes_nothing", "first", "second", "the clerk", "the clerk"];
    assert_eq!(names, expected);
    Ok(())
}

#[test]
fn a_function_that_takes_values_stays_a_function() {
    let roll = Roll::default();
    takes_values(&roll, &First("a"), &Second("b"));
    let context = context();
    let first = context.get().expect("a value");
    pollster::block_on(takes_all(&roll, &context, first, &Fake));
}

#[test]
fn needs_are_listed_by_their_types() {
    let listed = GREETED.receivers();
    let needs = |name: &str| -> Vec<_> {
        let found = listed
            .iter()
            .find(|receiver| receiver.path().ends_with(name));
        found.into_iter().flat_map(ReceiverInfo::needs).collect()
    };
    let module = module_path!();
    let first = format!("{module}::First");
    let second = format!("{module}::Second<&str>");
    let clerk = format!("alloc::sync::Arc<dyn {module}::Clerk>");
    assert_eq!(needs("takes_nothing"), [""; 0]);
    assert_eq!(needs("takes_values"), [&*first, &*second]);
    assert_eq!(needs("takes_an_object"), [&*clerk]);
    assert_eq!(needs("takes_all"), [&*first, &*clerk]);
}

#[test]
fn each_receiver_without_its_value_fails_by_itself() {
    let context = Context::new()
        .with(First("first"))
        .with(Arc::new(Second("in an Arc")));
    let roll = Roll::default();
    let report = pollster::block_on(GREETED.with(&context).asend_robust(&roll));
    assert_eq!((report.called(), report.succeeded()), (4, 1));
    let module = module_path!();
    let texts: Vec<_> = report.failures().iter().map(ToString::to_string).collect();
    for (text, (name, line, missing)) in texts.iter().zip([
        ("takes_values", "31", "Second<&str>"),
        ("takes_an_object", "37", "Clerk>"),
        ("takes_all", "48", "Clerk>"),
    ]) {
        let prefix = format!(
            "receiver {module}::{name} ({}:{line}) of signal greeted",
            file!()
        );
        let rest = text
            .strip_prefix(&*prefix)
            .unwrap_or_else(|| panic!("{prefix}: {text}"));
        assert!(rest.starts_with(" needs "), "{text}");
        assert!(
            rest.contains(&format!("{missing}, which the context lacks")),
            "{text}"
        );
    }
    let hint =
        ", which the context lacks: it has an `Arc` of this type, which a receiver takes as `&Arc<";
    assert!(texts[0].contains(hint), "{}", texts[0]);
    let is_missing = |cause: &Cause| matches!(cause, Cause::MissingContext(_));
    assert!(
        report
            .failures()
            .iter()
            .all(|failure| is_missing(failure.cause()))
    );
    assert!(report.failures()[0].error().is_none());
    assert_eq!(
        roll.0.into_inner().expect("no receiver panics"),
        ["takes_nothing"]
    );

    let failure = GREETED.send(&Roll::default()).unwrap_err();
    assert!(is_missing(failure.cause()), "a send without a context");
}

#[test]
fn a_context_shows_types_and_no_values() {
    let context = Context::new()
        .with("a secret")
        .with(String::from("another"));
    let shown = format!("{context:?}");
    assert_eq!(
        shown,
        r#"Context { values: ["&str", "alloc::string::String"], .. }"#
    );
}

#[test]
fn a_check_lists_the_values_that_a_context_lacks() {
    let missing = |context: &Context| -> Vec<String> {
        let error = check(context).err();
        let problems = error.iter().flat_map(CheckError::problems);
        let texts = problems.map(ToString::to_string);
        texts
            .filter(|text| text.starts_with(module_path!()))
            .collect()
    };
    let texts = missing(&Context::new().with(First("first")));
    let expected = ["takes_values", "takes_an_object", "takes_all"];
    assert_eq!(texts.len(), expected.len(), "{texts:#?}");
    for (text, name) in texts.iter().zip(expected) {
        assert!(
            text.starts_with(&format!("{}::{name} ({}:", module_path!(), file!())),
            "{text}"
        );
        assert!(text.ends_with(", which the context lacks"), "{text}");
    }
    assert_eq!(missing(&context()), [""; 0]);
    assert_eq!(missing(&Context::new().only_own_receivers()), [""; 0]);
}
