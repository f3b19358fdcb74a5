//! The handshake by which Meta registers a webhook, and its errors.
#![cfg(feature = "signature")]

use std::borrow::Cow;
use std::collections::BTreeMap;

use whatsapp_signals::ChallengeErrorKind::{
    self, Duplicate, EmptyToken, Missing, WrongMode, WrongToken,
};
use whatsapp_signals::{ChallengeError, VerifyToken};

const TOKEN: &str = "a token & more";

fn tokens(tokens: &[&str]) -> VerifyToken {
    let first = VerifyToken::new(tokens[0]);
    let all = tokens[1..]
        .iter()
        .try_fold(first.unwrap(), VerifyToken::with_token);
    all.unwrap()
}

/// Checks a handshake of three parts by each way, which answer alike.
#[track_caller]
fn verify(token: &VerifyToken, parts: [&str; 3]) -> Result<String, ChallengeError> {
    let names = ["hub.mode", "hub.verify_token", "hub.challenge"];
    let pairs = names.into_iter().zip(parts);
    let answer = token.verify_pairs(pairs.clone()).map(str::to_owned);
    let query: String = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs.clone())
        .finish();
    assert_eq!(
        token.verify_query(&query).map(Cow::into_owned),
        answer,
        "{query}"
    );
    // In another order, and as a map of a framework has them.
    let map: BTreeMap<String, String> = pairs.rev().map(|(n, v)| (n.into(), v.into())).collect();
    assert_eq!(token.verify_pairs(&map).cloned(), answer, "{map:?}");
    answer
}

#[test]
fn the_challenge_comes_back_as_it_is() {
    for challenge in ["1158201444", "0", " 1 ", "é", "<b>", "a+b&c=d"] {
        let answer = verify(&tokens(&[TOKEN]), ["subscribe", TOKEN, challenge]);
        assert_eq!(answer.as_deref(), Ok(challenge));
    }
}

#[test]
fn missing_and_wrong_parts_are_distinct_errors() {
    let good = ["subscribe", TOKEN, "1"];
    let with = |at: usize, part| {
        let mut parts = good;
        parts[at] = part;
        parts
    };
    for (parts, kind) in [
        (with(0, ""), Missing("hub.mode")),
        (with(1, ""), Missing("hub.verify_token")),
        (with(2, ""), Missing("hub.challenge")),
        (["", "", ""], Missing("hub.mode")),
        (with(0, "unsubscribe"), WrongMode),
        (with(0, "Subscribe"), WrongMode),
        (with(1, "a token & mo"), WrongToken),
        (with(1, "a token & more "), WrongToken),
        (with(1, "A token & more"), WrongToken),
        (with(1, "a token & more\0"), WrongToken),
        (with(1, "another"), WrongToken),
    ] {
        for token in [
            tokens(&[TOKEN]),
            tokens(&["b", TOKEN]),
            tokens(&[TOKEN, "b", "c"]),
        ] {
            let error = verify(&token, parts).unwrap_err();
            assert_eq!(error.kind(), &kind, "{parts:?}");
        }
    }
}

#[test]
fn an_empty_token_is_refused() {
    let error = VerifyToken::new("").unwrap_err();
    assert_eq!(error.kind(), &EmptyToken, "no setting, no way in");
    assert_eq!(error.to_string(), "the verify token is empty");
    let error = tokens(&[TOKEN]).with_token(String::new()).unwrap_err();
    assert_eq!(error.kind(), &EmptyToken);
}

#[test]
fn each_of_several_tokens_is_accepted() {
    let each = ["of the shop", "of the workshop", "of the shop ", "é"];
    let all = tokens(&each);
    for token in each {
        let answer = verify(&all, ["subscribe", token, "7"]);
        assert_eq!(answer.as_deref(), Ok("7"), "{token:?}");
        assert_eq!(verify(&all.clone(), ["subscribe", token, "7"]), answer);
    }
    for guess in [
        "",
        "of the",
        "of the shopof the workshop",
        "of the shop,of the workshop",
        "e",
    ] {
        assert!(
            verify(&all, ["subscribe", guess, "7"]).is_err(),
            "{guess:?}"
        );
    }
}

#[test]
fn debug_shows_the_number_of_tokens_and_nothing_else() {
    assert_eq!(
        format!("{:?}", tokens(&["secret"])),
        "VerifyToken { tokens: 1, .. }"
    );
    assert_eq!(
        format!("{:?}", tokens(&["secret", "b"])),
        "VerifyToken { tokens: 2, .. }"
    );
}

#[test]
fn every_byte_of_the_token_counts() {
    for at in 0..TOKEN.len() {
        let mut token = TOKEN.as_bytes().to_vec();
        token[at] ^= 1;
        let token = String::from_utf8(token).unwrap();
        let error = verify(&tokens(&[TOKEN]), ["subscribe", &token, "1"]).unwrap_err();
        assert_eq!(error.kind(), &WrongToken, "byte {at}");
    }
    // Longer than a block of the hash, and differing in the last byte alone.
    let long = "x".repeat(200);
    assert!(verify(&tokens(&[&long]), ["subscribe", &long, "1"]).is_ok());
    let other = format!("{}y", &long[1..]);
    let error = verify(&tokens(&[&long]), ["subscribe", &other, "1"]).unwrap_err();
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
        let answer = tokens(&[TOKEN]).verify_query(query).unwrap();
        assert_eq!(answer, challenge, "{query}");
    }
    let query = "hub.mode=subscribe&hub.challenge=1&hub.verify_token=t";
    let answer = tokens(&["t"]).verify_query(query).unwrap();
    assert!(matches!(answer, Cow::Borrowed("1")), "nothing was copied");
}

#[test]
fn a_query_that_is_no_handshake_is_refused() {
    let refused = |query: &str| -> ChallengeErrorKind {
        tokens(&["t"])
            .verify_query(query)
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
}

/// All texts are pinned, so that none has a token in it.
#[test]
fn errors_show_no_token() {
    for (query, text) in [
        ("", "missing hub.mode"),
        ("hub.mode=a&hub.mode=a", "duplicate hub.mode"),
        (
            "hub.mode=guess&hub.verify_token=guess&hub.challenge=guess",
            "expected hub.mode=subscribe, found another mode",
        ),
        (
            "hub.mode=subscribe&hub.verify_token=guess&hub.challenge=guess",
            "hub.verify_token matches none of the verify tokens",
        ),
    ] {
        let error = tokens(&["secret"]).verify_query(query).unwrap_err();
        assert_eq!(error.to_string(), text);
        let debug = format!("{error:?}");
        assert!(
            !debug.contains("secret") && !debug.contains("guess"),
            "{debug}"
        );
    }
}

#[test]
fn tokens_and_errors_go_to_other_threads() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    shared::<ChallengeError>();
    shared::<VerifyToken>();
}
