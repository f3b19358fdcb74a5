//! `sign`, `verify` and `challenge --query`.

use whatsapp_signals::SignatureVerifier;

use super::{SECRET, run, run_with};

const FILE: &str = "tests/payloads/text.json";

#[test]
fn a_signature_of_sign_is_right_to_verify_and_to_the_library() {
    let body = std::fs::read(format!("{}/{FILE}", super::ROOT)).unwrap();
    let signature = run(&["sign", FILE]).out;
    let verifier = SignatureVerifier::new(SECRET).unwrap();
    assert_eq!(signature, verifier.sign(&body) + "\n");

    let right = run(&["verify", FILE, "--signature", &signature]);
    assert_eq!(right.code, 0);
    assert_eq!(
        right.out,
        "tests/payloads/text.json: the signature is right\n"
    );
    let json = run(&["verify", FILE, "--json", "--signature", signature.trim()]).out;
    assert_eq!(
        json,
        "{\"file\":\"tests/payloads/text.json\",\"is_valid\":true}\n"
    );
    let json = run(&["sign", FILE, "--json"]).out;
    let expected = format!(
        "{{\"file\":\"{FILE}\",\"signature\":\"{}\"}}\n",
        signature.trim()
    );
    assert_eq!(json, expected);
}

#[test]
fn a_forged_signature_is_exit_code_1_and_says_why() {
    let other = run_with(
        &["sign", FILE],
        "",
        &[("META_APP_SECRET", "another secret")],
    )
    .out;
    let forged = [
        (
            other.trim(),
            "the signature matches the body with none of the app secrets",
        ),
        ("sha256=7f", "expected 64 hexadecimal digits, found 2"),
        (
            "sha1=7f",
            "expected a signature that begins with sha256=, found sha1=",
        ),
        ("", "missing header X-Hub-Signature-256"),
    ];
    for (signature, text) in forged {
        let run = run(&["verify", FILE, "--signature", signature]);
        assert_eq!(
            (run.code, run.out),
            (1, format!("{FILE}: {text}\n")),
            "{signature}"
        );
    }
    let json = run(&["verify", FILE, "--json", "--signature", "sha256=7f"]);
    assert_eq!(json.code, 1);
    let error = "expected 64 hexadecimal digits, found 2";
    let expected = format!("{{\"file\":\"{FILE}\",\"is_valid\":false,\"error\":\"{error}\"}}\n");
    assert_eq!(json.out, expected);
}

#[test]
fn a_missing_secret_is_wrong_usage_and_a_missing_file_is_a_failure() {
    for variables in [&[][..], &[("META_APP_SECRET", "")]] {
        let run = run_with(&["sign", FILE], "", variables);
        assert_eq!((run.code, &*run.out), (2, ""), "{variables:?}");
        assert!(run.errors.contains("app secret"), "{}", run.errors);
    }
    let run = run(&["verify", "no-such-file", "--signature", "sha256=7f"]);
    assert_eq!(run.code, 3);
    assert!(
        run.errors
            .starts_with("error: reading no-such-file failed: "),
        "{}",
        run.errors
    );
}

#[test]
fn the_query_of_a_handshake_gives_its_challenge_or_the_reason() {
    let check = |query: &str| {
        run_with(
            &["challenge", "--query", query],
            "",
            &[("META_VERIFY_TOKEN", "my token")],
        )
    };
    let right = check("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=my%20token");
    assert_eq!((right.code, &*right.out), (0, "1158201444\n"));
    let wrong = check("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=guess");
    assert_eq!(
        (wrong.code, &*wrong.out),
        (1, "hub.verify_token matches none of the verify tokens\n")
    );
}
