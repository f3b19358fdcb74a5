//! The handshake: who may register a webhook, and what the others are told.
#![cfg(feature = "signature")]

use std::borrow::Cow;

use whatsapp_signals::ChallengeErrorKind::{
    self, Duplicate, EmptyToken, Missing, WrongMode, WrongToken,
};
use whatsapp_signals::{ChallengeError, verify_challenge, verify_challenge_query};

const TOKEN: &str = "a token & more";

#[test]
fn the_challenge_comes_back_as_it_is() {
    for challenge in ["1158201444", "0", " 1 ", "é", "<b>"] {
        let answer = verify_challenge("subscribe", TOKEN, challenge, TOKEN);
        assert_eq!(answer, Ok(challenge));
    }
}

#[test]
fn what_is_missing_or_wrong_is_told_apart() {
    let good = ["subscribe", TOKEN, "1", TOKEN];
    let with = |at: usize, part| {
        let mut parts = good;
        parts[at] = part;
        parts
    };
    for (parts, kind) in [
        (with(0, ""), Missing("hub.mode")),
        (with(1, ""), Missing("hub.verify_token")),
        (with(2, ""), Missing("hub.challenge")),
        (with(3, ""), EmptyToken),
        (["", "", "", ""], EmptyToken),
        (["subscribe", "", "1", ""], EmptyToken),
        (with(0, "unsubscribe"), WrongMode),
        (with(0, "Subscribe"), WrongMode),
        (with(1, "a token & mo"), WrongToken),
        (with(1, "a token & more "), WrongToken),
        (with(1, "A token & more"), WrongToken),
        (with(1, "a token & more\0"), WrongToken),
        (with(3, "another"), WrongToken),
    ] {
        let [mode, token, challenge, expected] = parts;
        let error = verify_challenge(mode, token, challenge, expected).unwrap_err();
        assert_eq!(error.kind(), &kind, "{parts:?}");
    }
}

#[test]
fn every_byte_of_the_token_counts() {
    for at in 0..TOKEN.len() {
        let mut token = TOKEN.as_bytes().to_vec();
        token[at] ^= 1;
        let token = String::from_utf8(token).unwrap();
        let error = verify_challenge("subscribe", &token, "1", TOKEN).unwrap_err();
        assert_eq!(error.kind(), &WrongToken, "byte {at}");
    }
    // Longer than a block of the hash, and differing in the last byte alone.
    let long = "x".repeat(200);
    assert!(verify_challenge("subscribe", &long, "1", &long).is_ok());
    let error = verify_challenge("subscribe", &format!("{}y", &long[1..]), "1", &long).unwrap_err();
    assert_eq!(error.kind(), &WrongToken);
}

#[test]
fn the_query_is_decoded() {
    for (query, challenge) in [
        // As Meta sends it; in another order; both ways to write a space.
        (
            "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=a%20token%20%26%20more",
            "1158201444",
        ),
        (
            "hub.verify_token=a+token+%26+more&hub.challenge=1&hub.mode=subscribe",
            "1",
        ),
        // Names may be escaped too, and others may be there.
        (
            "utm=x&hub%2Emode=subscribe&&hub.challenge=%31&hub.verify_token=%61+token+%26+more&=",
            "1",
        ),
        (
            "hub.mode=subscribe&hub.challenge=a%2Bb%3D%E2%82%AC&hub.verify_token=a+token+%26+more",
            "a+b=€",
        ),
    ] {
        let answer = verify_challenge_query(query, TOKEN).unwrap();
        assert_eq!(answer, challenge, "{query}");
    }
    let query = "hub.mode=subscribe&hub.challenge=1&hub.verify_token=t";
    let answer = verify_challenge_query(query, "t").unwrap();
    assert!(matches!(answer, Cow::Borrowed("1")), "nothing was copied");
}

#[test]
fn a_query_that_is_no_handshake_is_refused() {
    let refused = |query: &str| -> ChallengeErrorKind {
        verify_challenge_query(query, "t")
            .unwrap_err()
            .kind()
            .clone()
    };
    let rest = "hub.challenge=1&hub.verify_token=t";
    for (query, kind) in [
        ("", Missing("hub.mode")),
        ("&&&", Missing("hub.mode")),
        ("%", Missing("hub.mode")),
        (rest, Missing("hub.mode")),
        ("hub.mode", Missing("hub.mode")),
        ("hub_mode=subscribe", Missing("hub.mode")),
        ("hub.mode=subscribe", Missing("hub.verify_token")),
        (
            "hub.mode=subscribe&hub.verify_token=t",
            Missing("hub.challenge"),
        ),
        (
            "hub.mode=subscribe&hub.verify_token=&hub.challenge=1",
            Missing("hub.verify_token"),
        ),
        (
            "hub.mode=subscribe&hub.verify_token=%ff&hub.challenge=1",
            WrongToken,
        ),
        (
            "hub.mode=subscribe&hub.verify_token=t%&hub.challenge=1",
            WrongToken,
        ),
        (
            "hub.mode=subscribe&hub.verify_token=x&hub.challenge=1&hub.verify_token=t",
            Duplicate("hub.verify_token"),
        ),
        (
            "hub.mode=subscribe&hub.challenge=1&hub.challenge=1&hub.verify_token=t",
            Duplicate("hub.challenge"),
        ),
    ] {
        assert_eq!(refused(query), kind, "{query}");
    }
    let error = verify_challenge_query("hub.mode=subscribe&hub.challenge=1", "").unwrap_err();
    assert_eq!(error.kind(), &EmptyToken, "no setting, no way in");
}

/// All texts are pinned, so that none has a token in it.
#[test]
fn errors_show_no_token() {
    for (query, expected, text) in [
        ("", "", "the expected verify token is empty"),
        ("", "secret", "hub.mode is missing"),
        ("hub.mode=a&hub.mode=a", "secret", "hub.mode is there twice"),
        (
            "hub.mode=guess&hub.verify_token=guess&hub.challenge=guess",
            "secret",
            "hub.mode is not subscribe",
        ),
        (
            "hub.mode=subscribe&hub.verify_token=guess&hub.challenge=guess",
            "secret",
            "hub.verify_token is not the expected one",
        ),
    ] {
        let error = verify_challenge_query(query, expected).unwrap_err();
        assert_eq!(error.to_string(), text);
        let debug = format!("{error:?}");
        assert!(
            !debug.contains("secret") && !debug.contains("guess"),
            "{debug}"
        );
    }
}

#[test]
fn errors_go_to_other_threads() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    shared::<ChallengeError>();
}
