//! `send` and `challenge` against a web server.

use std::collections::HashSet;
use std::net::TcpListener;

use serde_json::Value;
use whatsapp_signals::WebhookEvent;

use super::server::Server;
use super::{Run, run, run_with};

fn send(server: &Server, args: &[&str]) -> Run {
    run(&[&["send"], args, &["--url", &server.url]].concat())
}

#[test]
fn each_kind_of_webhook_arrives_signed_and_typed() {
    let server = Server::start(|_| 200);
    let kinds: [(&[&str], &[&str]); 9] = [
        (&["text", "Hi"], &["message_received"]),
        (
            &["image", "--caption", "The new gears"],
            &["message_received"],
        ),
        (&["image"], &["message_received"]),
        (
            &["button", "approve", "Approve repair"],
            &["message_received"],
        ),
        (
            &["button", "approve", "Approve", "--template"],
            &["message_received"],
        ),
        (
            &["flow", r#"{"bikes": 2}"#],
            &["message_received", "flow_completed"],
        ),
        (
            &["status", "failed", "wamid.OFFER", "--code", "131047"],
            &["message_status_changed"],
        ),
        (&["batch", "3", "Hello"], &["message_received"; 3]),
        (
            &[
                "batch",
                "8",
                "Hello",
                "--kinds",
                "text,image,button,flow,delivered,failed",
            ],
            &[
                "message_received",
                "message_received",
                "message_received",
                "message_received",
                "flow_completed",
                "message_received",
                "message_received",
                "message_status_changed",
                "message_status_changed",
            ],
        ),
    ];
    for (args, signals) in kinds {
        let run = send(&server, args);
        assert_eq!(run.code, 0, "{args:?}: {}", run.errors);
        assert!(run.out.contains("\nstatus 200: 1\n"), "{}", run.out);
        let webhooks = server.received();
        let names: Vec<_> = webhooks.iter().flatten().map(WebhookEvent::name).collect();
        assert_eq!(names, signals, "{args:?}");
    }
}

#[test]
fn the_user_the_number_and_the_account_are_those_of_the_options() {
    let server = Server::start(|_| 200);
    let run = send(
        &server,
        &[
            "text",
            "Goedemorgen",
            "--from",
            "+31 970 100 202",
            "--name",
            "Bram de Wit",
            "--to-number",
            "300200100500601",
            "--display-number",
            "15550100201",
            "--waba",
            "520400300200800",
            "--id",
            "wamid.HBgL",
        ],
    );
    assert_eq!(run.code, 0, "{}", run.errors);
    let webhook = server.received().remove(0);
    let WebhookEvent::MessageReceived(event) = &webhook.events()[0] else {
        panic!("a message");
    };
    assert_eq!(event.message.text(), Some("Goedemorgen"));
    assert_eq!(event.message.id.as_str(), "wamid.HBgL");
    assert_eq!(event.message.sender().unwrap().phone(), Some("31970100202"));
    assert_eq!(
        event.contact.as_ref().unwrap().display_name(),
        "Bram de Wit"
    );
    assert_eq!(
        event.account.phone_number_id.as_ref().unwrap(),
        "300200100500601"
    );
    assert_eq!(event.account.waba_id.as_ref().unwrap(), "520400300200800");
}

#[test]
fn repeated_webhooks_have_ids_of_their_own_and_the_users_in_turn() {
    let server = Server::start(|_| 200);
    let args = [
        "text",
        "Hi",
        "--repeat",
        "40",
        "--concurrency",
        "4",
        "--users",
        "5",
        "--json",
    ];
    let run = send(&server, &args);
    assert_eq!(run.code, 0, "{}", run.errors);
    let answers: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(answers["sent"], 40);
    assert_eq!(answers["statuses"]["200"], 40);
    assert!(answers["latency_ms"]["p99"].as_f64().unwrap() > 0.0);
    let mut keys = HashSet::new();
    let mut users = HashSet::new();
    for event in server.received().iter().flatten() {
        keys.insert(event.dedup_key());
        users.insert(event.partition_key());
    }
    assert_eq!((keys.len(), users.len()), (40, 5));
}

#[test]
fn a_rate_spreads_webhooks_over_time() {
    let server = Server::start(|_| 200);
    let args = [
        "text",
        "Hi",
        "--repeat",
        "6",
        "--rate",
        "10",
        "--concurrency",
        "2",
        "--json",
    ];
    let answers: Value = serde_json::from_str(&send(&server, &args).out).unwrap();
    let seconds = answers["seconds"].as_f64().unwrap();
    assert!(seconds >= 0.5, "the last one is due after 0.5 s: {seconds}");
}

#[test]
fn the_time_of_a_late_request_begins_when_it_was_due() {
    let server = Server::start(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        200
    });
    let args = ["text", "Hi", "--repeat", "5", "--json"];
    let max = |rate: &[&str]| {
        let answers = send(&server, &[&args, rate].concat()).out;
        let answers: Value = serde_json::from_str(&answers).unwrap();
        answers["latency_ms"]["max"].as_f64().unwrap()
    };
    // The last one is due after 40 ms, and sent after 400 ms.
    let late = max(&["--rate", "100"]);
    assert!(late >= 440.0, "{late}");
    let alone = max(&[]);
    assert!(alone < 400.0, "{alone}");
}

#[test]
fn an_answer_other_than_200_is_exit_code_1() {
    let server = Server::start(|nth| if nth == 1 { 503 } else { 200 });
    let run = send(&server, &["text", "Hi", "--repeat", "3"]);
    assert_eq!(run.code, 1);
    assert!(
        run.out.contains("status 200: 2\nstatus 503: 1\n"),
        "{}",
        run.out
    );
    assert!(run.out.contains("\nlatency p50 "), "{}", run.out);

    let forged = run_with(
        &["send", "text", "Hi", "--url", &server.url],
        "",
        &[("META_APP_SECRET", "another secret")],
    );
    assert_eq!(forged.code, 1);
    assert!(forged.out.contains("status 401: 1\n"), "{}", forged.out);
}

#[test]
fn a_redirect_is_not_followed() {
    let server = Server::start(|_| 307);
    let run = send(&server, &["text", "Hi"]);
    assert_eq!(run.code, 1);
    assert!(run.out.contains("status 307: 1\n"), "{}", run.out);
}

#[test]
fn a_server_that_is_down_is_exit_code_3() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("http://127.0.0.1:{port}/");
    let run = run(&["send", "text", "Hi", "--url", &url]);
    assert_eq!(run.code, 3);
    assert!(run.out.contains("no answer: 1: "), "{}", run.out);
}

#[test]
fn a_handshake_is_answered_with_its_challenge_or_is_exit_code_1() {
    let server = Server::start(|_| 200);
    let challenge = |token: &str| {
        let args = ["challenge", "--url", &server.url];
        run_with(&args, "", &[("META_VERIFY_TOKEN", token)])
    };
    let right = challenge("my token");
    assert_eq!(
        (right.code, &*right.out),
        (0, "the server answered 200 with the challenge\n")
    );
    let wrong = challenge("guess");
    let text = "expected status 200 with the challenge, found status 403\n";
    assert_eq!((wrong.code, &*wrong.out), (1, text));
}
