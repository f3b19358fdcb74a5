//! Static receivers of all events.

use std::sync::Arc;

use whatsapp_signals::signals::ANY_EVENT;
use whatsapp_signals::store::MemoryStore;
use whatsapp_signals::{CheckError, Context, WebhookEngine, WebhookEvent, parse};

use super::*;

#[receiver(ANY_EVENT, order = -1, uid = "before")]
fn before(_: &WebhookEvent, roll: &Arc<Roll>) {
    roll.add("before");
}

#[receiver(ANY_EVENT)]
async fn after(event: &WebhookEvent, roll: &Arc<Roll>) {
    std::future::ready(()).await;
    roll.add(event.name());
}

#[test]
fn they_get_each_event_with_the_values_of_the_context() -> Done {
    let webhook = parse(include_bytes!("../payloads/flow-reply.json"))?;
    let all = ["before", "message_received", "before", "flow_completed"];
    for (leaves_out, expected) in [("none", &all[..]), ("before", &[all[1], all[3]])] {
        let roll = Arc::new(Roll::default());
        let context = Context::new().with(Arc::clone(&roll));
        let context = context.without_receiver(leaves_out);
        let report = pollster::block_on(webhook.with(&context).dispatch_async());
        assert!(report.is_ok(), "{report:?}");
        assert_eq!(*roll.0.lock().expect("no receiver panics"), expected);
    }
    Ok(())
}

#[test]
fn the_check_of_an_engine_finds_their_problems() {
    let problems = |context: Context, is_sync: bool| -> Vec<String> {
        let engine = WebhookEngine::new(MemoryStore::new()).context(context);
        let checked = if is_sync {
            engine.check_sync()
        } else {
            engine.check()
        };
        let error = checked.err();
        let problems = error.iter().flat_map(CheckError::problems);
        problems.map(ToString::to_string).collect()
    };
    let missing = problems(Context::new(), false);
    assert_eq!(missing.len(), 2, "{missing:#?}");
    for problem in missing {
        assert!(problem.contains("of signal any_event needs "), "{problem}");
    }
    let complete = Context::new().with(Arc::new(Roll::default()));
    assert_eq!(problems(complete.clone(), false), [""; 0]);
    let [problem] = &problems(complete, true)[..] else {
        panic!("one receiver is async");
    };
    let expected = "of signal any_event is async and needs process_async";
    assert!(problem.ends_with(expected), "{problem}");
}
