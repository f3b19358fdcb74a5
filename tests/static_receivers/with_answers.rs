//! Functions that return a signal's answer.

use super::*;

static COUNTED: Signal<u32, u32> = Signal::with_responses("counted");
static ALSO_COUNTED: Signal<u32, u32> = Signal::with_responses("also_counted");
static CHECKED: Signal<u32, Result<u32, String>> = Signal::with_responses("checked");

type Answer = Result<u32, String>;

#[receiver(COUNTED)]
fn plain(n: &u32) -> u32 {
    n + 1
}

#[receiver([COUNTED, ALSO_COUNTED])]
fn alias(n: &u32) -> Answer {
    n.checked_add(2).ok_or_else(|| "too many".to_owned())
}

#[receiver(COUNTED)]
async fn waits(n: &u32) -> Result<u32, io::Error> {
    Ok(std::future::ready(n.saturating_sub(3)).await)
}

#[receiver(CHECKED)]
fn answers_with_a_result(n: &u32) -> Answer {
    alias(n)
}

#[test]
fn answers_are_those_of_the_functions() -> Done {
    let answers = |report: whatsapp_signals::Report<u32>| -> Vec<_> {
        let answers = report.into_responses().into_iter();
        answers
            .map(|(receiver, answer)| (receiver.line(), answer))
            .collect()
    };
    let report = pollster::block_on(COUNTED.asend(&7))?;
    assert_eq!(answers(report), [(11, 8), (16, 9), (21, 4)]);
    assert_eq!(answers(ALSO_COUNTED.send(&7)?), [(16, 9)]);
    let failure = ALSO_COUNTED.send(&u32::MAX).unwrap_err();
    assert_eq!(
        failure.error().map(ToString::to_string).as_deref(),
        Some("too many")
    );
    let checked = CHECKED.send(&u32::MAX)?;
    assert_eq!(checked.responses()[0].1, Err("too many".to_owned()));
    Ok(())
}
