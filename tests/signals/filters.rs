//! The ready-made filters: what each accepts, alone and combined, behind
//! `#[receiver]` and in `connect_with`.

use std::cell::Cell;

use whatsapp_signals::event::{MessageReceived, MessageStatusChanged};
use whatsapp_signals::filter::{
    Filter, has_media, has_type, is_command, is_from, is_group_message, is_reply, is_text, is_to,
    replies_to, reply_id_is, status_is, text_equals, text_starts_with,
};
use whatsapp_signals::model::MessageStatus;
use whatsapp_signals::{ConnectOptions, Signal, receiver, testing};

fn text(body: &str) -> MessageReceived {
    testing::text(body).from("15550101001").event()
}

fn image() -> MessageReceived {
    let image = testing::image().caption("hi");
    image.from("15550101002").user_id("US.7002").event()
}

fn answer() -> MessageReceived {
    let answer = testing::text("yes").from("15550101001");
    answer.in_group("g").reply_to("wamid.Q").event()
}

#[track_caller]
fn check<E>(
    filter: impl Filter<E>,
    accepted: impl IntoIterator<Item = E>,
    declined: impl IntoIterator<Item = E>,
) {
    let accepts = |event: E| filter(&event);
    for (at, event) in accepted.into_iter().enumerate() {
        assert!(accepts(event), "accepted, {at}");
    }
    for (at, event) in declined.into_iter().enumerate() {
        assert!(!accepts(event), "declined, {at}");
    }
}

#[test]
fn each_filter_accepts_the_events_of_its_name() {
    check(is_text, [text("hi"), answer()], [image()]);
    check(has_media, [image()], [text("image")]);
    check(is_reply, [answer()], [text("hi"), image()]);
    check(is_group_message, [answer()], [text("hi"), image()]);

    check(has_type("image"), [image()], [text("image")]);
    // The caption of an image is no text message.
    check(
        text_equals("hi"),
        [text("hi")],
        ["Hi", "hi ", "", "hi there"]
            .map(text)
            .into_iter()
            .chain([image()]),
    );
    check(
        text_starts_with("hi"),
        ["hi", "hi there", "hint"].map(text),
        ["Hi", " hi", "", "h"]
            .map(text)
            .into_iter()
            .chain([image()]),
    );
    check(
        is_command("start"),
        ["/start", "/start now", "/start\nnow", "/start\u{a0}now"].map(text),
        [
            "start",
            "/starting",
            "/Start",
            "/ start",
            " /start",
            "/",
            "",
        ]
        .map(text),
    );
    check(
        replies_to("wamid.Q"),
        [answer()],
        [text("wamid.Q"), image()],
    );
    check(is_from("15550101001"), [text("hi"), answer()], [image()]);
    check(is_from("15550101002"), [image()], [text("15550101002")]);
    check(is_from("US.7002"), [image()], [text("hi")]);
    check(is_to("300200100500600"), [text("hi"), image()], []);
    check(is_to("300200100500601"), [], [text("hi"), image()]);
}

#[test]
fn buttons_rows_and_templates_are_picked_by_id() {
    let button = || testing::button_reply("yes", "Yes").event();
    let row = || testing::list_reply("yes", "Of course").event();
    let template = || testing::button("yes", "Sure").event();
    check(
        reply_id_is("yes"),
        [button(), row(), template()],
        [text("yes")],
    );
    check(reply_id_is("Yes"), [], [button(), row(), template()]);
}

#[test]
fn statuses_are_distinguished() {
    let status = |status: &str| testing::sent("wamid.A").set("/status", status).event();
    check(
        status_is(MessageStatus::Failed),
        [status("failed")],
        [status("sent"), status("teleported")],
    );
    let unknown = MessageStatus::from("teleported".to_owned());
    check(status_is(unknown), [status("teleported")], [status("sent")]);
}

#[test]
fn filters_compare_with_texts_that_are_made_at_run_time() {
    let name = format!("st{}", "art");
    check(is_command(name.clone()), [text("/start")], [text("/stop")]);
    check(is_command(Box::<str>::from(name)), [text("/start")], []);
}

#[test]
fn combinations_follow_the_table_of_truth_and_ask_no_more_than_needed() {
    thread_local!(static ASKED: Cell<usize> = const { Cell::new(0) });
    fn asked(answer: bool) -> impl Filter<u8> {
        move |_: &u8| {
            ASKED.set(ASKED.get() + 1);
            answer
        }
    }
    for a in [false, true] {
        assert_eq!(asked(a).not()(&0), !a);
        for b in [false, true] {
            ASKED.set(0);
            assert_eq!(asked(a).and(asked(b))(&0), a && b);
            assert_eq!(ASKED.replace(0), 1 + usize::from(a));
            assert_eq!(asked(a).or(asked(b))(&0), a || b);
            assert_eq!(ASKED.replace(0), 1 + usize::from(!a));
        }
    }
}

static TAKEN: Signal<MessageReceived> = Signal::new("taken");
static FOLLOWED: Signal<MessageStatusChanged> = Signal::new("followed");

#[receiver(TAKEN, uid = "is_text", filter = is_text)]
#[receiver(TAKEN, uid = "command", filter = is_command("start"))]
#[receiver(TAKEN, uid = "either", filter = has_media.or(text_equals("photo")))]
#[receiver(TAKEN, uid = "not", filter = is_reply.or(has_media).not())]
#[receiver(TAKEN, uid = "closure", filter = |event| event.message.has_media())]
#[receiver(
    TAKEN,
    uid = "mixed",
    filter = is_text.and(|event: &MessageReceived| event.message.body().len() > 5)
)]
fn take(_: &MessageReceived) {}

#[receiver(FOLLOWED, filter = status_is(MessageStatus::Failed).not())]
fn follow(_: &MessageStatusChanged) {}

#[test]
fn they_stand_behind_the_attribute() {
    for (event, called) in [
        (text("/start"), 4),
        (text("photo"), 3),
        (text("hi"), 2),
        (image(), 2),
        (answer(), 1),
    ] {
        let report = TAKEN.send_robust(&event);
        assert_eq!(report.called(), called, "{}", event.message.body());
        assert_eq!(report.filtered(), 6 - called);
    }
    assert_eq!(FOLLOWED.receivers().len(), 1);
}

#[test]
fn they_stand_in_connect_with() {
    let signal = Signal::new("message");
    let wanted = has_type("image").or(is_command("start").and(is_from("15550101001")));
    let options = ConnectOptions::new().filter(wanted);
    let _connection = signal
        .connect_with(options, |_: &MessageReceived| {})
        .unwrap();
    for (event, called) in [(image(), 1), (text("/start"), 1), (text("start"), 0)] {
        assert_eq!(signal.send_robust(&event).called(), called);
    }
}
