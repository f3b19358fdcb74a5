//! Accepted signatures, and the errors of the others.
#![cfg(feature = "signature")]

use whatsapp_signals::SignatureErrorKind::{
    self, EmptySecret, Mismatch, Missing, NoPrefix, NotHex, Sha1, WrongLength,
};
use whatsapp_signals::{SignatureError, SignatureVerifier};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// One text in three ways: as Meta writes it, with some of its escapes, and as
/// most JSON libraries do. The signatures were made with Python's `hmac`.
const SIGNED: [(&str, &str); 3] = [
    (
        r#"{"text":{"body":"\ud83d\udeb2 https:\/\/example.com\/a ada\u0040example.com"}}"#,
        "sha256=9e67fc23f612667ea680da4f9d69c7a852b0a91f2f39b7d78b347724c94e9a13",
    ),
    (
        r#"{"text":{"body":"🚲 https:\/\/example.com\/a ada@example.com"}}"#,
        "sha256=1282efce45f9cd7ebe7bbbd8fb40a331bb66c8bb31eabe5c4f23dd8cdb8c284d",
    ),
    (
        r#"{"text":{"body":"🚲 https://example.com/a ada@example.com"}}"#,
        "sha256=49884aad82a33490d6c32d581417b33bd67424a1606892b2410ad3e59f0737be",
    ),
];

fn verifier(secret: impl AsRef<[u8]>) -> SignatureVerifier {
    SignatureVerifier::new(secret).unwrap()
}

/// A verifier with one of two secrets and with both answer alike.
#[track_caller]
fn refused(body: impl AsRef<[u8]>, header: impl AsRef<[u8]>) -> SignatureErrorKind {
    let (body, header) = (body.as_ref(), Some(header.as_ref()));
    let one = verifier(SECRET).verify(body, header).unwrap_err();
    let two = verifier(SECRET).with_secret("other").unwrap();
    assert_eq!(two.verify(body, header).unwrap_err(), one);
    one.kind().clone()
}

#[test]
fn signatures_made_elsewhere_are_accepted() {
    for (body, header) in SIGNED {
        let signature = Some(header.as_bytes());
        assert_eq!(verifier(SECRET).verify(body, signature), Ok(()), "{body}");
        assert_eq!(verifier(SECRET).sign(body), header, "{body}");
    }
}

/// Test cases 1, 2, 3 and 6 of RFC 4231; the last has a key longer than a block.
#[test]
fn rfc_4231() {
    for (key, data, tag) in [
        (
            &[0x0b; 20][..],
            &b"Hi There"[..],
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        ),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            &[0xaa; 20],
            &[0xdd; 50],
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
        ),
        (
            &[0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
    ] {
        assert_eq!(verifier(key).sign(data), format!("sha256={tag}"));
        let header = format!("sha256={tag}");
        assert!(verifier(key).verify(data, Some(header.as_bytes())).is_ok());
    }
}

#[test]
fn row_34_a_header_that_is_no_signature() {
    let (body, good) = SIGNED[0];
    let digits = good.strip_prefix("sha256=").unwrap();
    let of = |digits: &str| format!("sha256={digits}");

    for (header, kind) in [
        // Missing; sha1; no prefix.
        (String::new(), Missing),
        (format!("sha1={}", &digits[..40]), Sha1),
        (format!("sha1={digits}"), Sha1),
        (digits.into(), NoPrefix),
        (format!(" {good}"), NoPrefix),
        (format!("SHA256={digits}"), NoPrefix),
        (format!("sha256:{digits}"), NoPrefix),
        ("sha256".into(), NoPrefix),
        // An odd number of digits; none; 31 and 33 bytes.
        (of(&digits[..63]), WrongLength(63)),
        (of(""), WrongLength(0)),
        (of(&digits[..62]), WrongLength(62)),
        (of(&format!("{digits}00")), WrongLength(66)),
        // Not hexadecimal, though of the right length.
        (of(&format!("{}g", &digits[..63])), NotHex),
        (of(&format!("+{}", &digits[1..])), NotHex),
        (of(&format!("0x{}", &digits[2..])), NotHex),
        (of(&format!("{digits}\n")), NotHex),
        // Not ASCII: two bytes of UTF-8, full-width digits, and before all.
        (of(&format!("é{}", &digits[2..])), NotHex),
        (of(&"１".repeat(64)), NotHex),
        (format!("é{good}"), NoPrefix),
        // Another signature.
        (of(&"0".repeat(64)), Mismatch),
        (SIGNED[1].1.into(), Mismatch),
    ] {
        assert_eq!(refused(body, &header), kind, "{header:?}");
    }
    for verifier in [verifier(SECRET), verifier(SECRET).with_secret("b").unwrap()] {
        let error = verifier.verify(body, None).unwrap_err();
        assert_eq!(error.kind(), &Missing, "no header is as an empty one");
    }
    let not_utf8 = [b"sha256=", &[0xff; 64][..]].concat();
    assert_eq!(refused(body, not_utf8), NotHex);
}

#[test]
fn row_34_every_digit_counts() {
    let (body, good) = SIGNED[0];
    for at in "sha256=".len()..good.len() {
        let mut header = good.as_bytes().to_vec();
        header[at] = if header[at] == b'0' { b'1' } else { b'0' };
        assert_eq!(refused(body, header), Mismatch, "digit {at}");
    }
}

#[test]
fn row_34_upper_case_digits_are_accepted() {
    for (body, good) in SIGNED {
        let digits = good.strip_prefix("sha256=").unwrap();
        let upper = format!("sha256={}", digits.to_ascii_uppercase());
        assert_ne!(upper, good);
        let mixed = format!("{}{}", &upper[..40], &good[40..]);
        for header in [upper, mixed] {
            let signature = Some(header.as_bytes());
            assert_eq!(verifier(SECRET).verify(body, signature), Ok(()), "{header}");
        }
    }
}

#[test]
fn row_34_two_headers_joined_with_a_comma_are_never_one() {
    let (body, good) = SIGNED[0];
    let other = SIGNED[1].1;
    for comma in [",", ", "] {
        for (first, second) in [(good, good), (good, other), (other, good), (good, "")] {
            assert_eq!(refused(body, [first, comma, second].concat()), NotHex);
        }
        assert_eq!(refused(body, ["sha1=00", comma, good].concat()), Sha1);
        assert_eq!(refused(body, [comma, good].concat()), NoPrefix);
    }
}

#[test]
fn row_34_an_empty_secret_is_refused() {
    let error = SignatureVerifier::new("").unwrap_err();
    assert_eq!(error.kind(), &EmptySecret);
    let error = verifier(SECRET).with_secret([]).unwrap_err();
    assert_eq!(error.kind(), &EmptySecret);
}

#[test]
fn row_35_a_body_that_was_written_again_has_another_signature() {
    for body in [
        r#"{"body":"\ud83d\udeb2"}"#,
        r#"{"body":"https:\/\/example.com"}"#,
        r#"{"body":"ada\u0040example.com"}"#,
        SIGNED[0].0,
        SIGNED[1].0,
    ] {
        let header = verifier(SECRET).sign(body);
        assert_eq!(
            verifier(SECRET).verify(body, Some(header.as_bytes())),
            Ok(())
        );
        let value: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(refused(value.to_string(), header), Mismatch, "{body}");
    }
    // The same, with signatures made elsewhere.
    let written_again: serde_json::Value = serde_json::from_str(SIGNED[0].0).unwrap();
    assert_eq!(written_again.to_string(), SIGNED[2].0);
    assert_eq!(refused(SIGNED[2].0, SIGNED[0].1), Mismatch);
}

#[test]
fn row_35_a_byte_more_or_less_is_another_body() {
    let (body, good) = SIGNED[0];
    for body in [&format!("{body}\n"), &body[1..], ""] {
        assert_eq!(refused(body, good), Mismatch, "{body:?}");
    }
}

#[test]
fn a_body_need_be_neither_json_nor_utf8() {
    for body in [&b""[..], b"\xff\0", &vec![b'x'; 100_000]] {
        let header = verifier(SECRET).sign(body);
        assert_eq!(
            verifier(SECRET).verify(body, Some(header.as_bytes())),
            Ok(())
        );
    }
}

#[test]
fn each_of_several_secrets_is_accepted_and_the_first_one_signs() {
    let all = verifier("a")
        .with_secret("b")
        .unwrap()
        .with_secret("c")
        .unwrap();
    for secret in ["a", "b", "c"] {
        let header = verifier(secret).sign("{}");
        let header = Some(header.as_bytes());
        assert_eq!(all.verify("{}", header), Ok(()), "{secret}");
        assert_eq!(all.clone().verify("{}", header), Ok(()), "{secret}");
    }
    let error = all
        .verify("{}", Some(verifier("d").sign("{}").as_bytes()))
        .unwrap_err();
    assert_eq!(error.kind(), &Mismatch);
    assert_eq!(all.sign("{}"), verifier("a").sign("{}"));
}

#[test]
fn debug_shows_how_many_secrets_there_are_and_nothing_else() {
    let one = verifier(SECRET);
    assert_eq!(format!("{one:?}"), "SignatureVerifier { secrets: 1, .. }");
    let two = one.with_secret("other").unwrap();
    assert_eq!(format!("{two:?}"), "SignatureVerifier { secrets: 2, .. }");
}

/// All texts are pinned, so that none has a signature, a secret or a body in it.
#[test]
fn errors_show_neither_a_signature_nor_a_secret() {
    let (body, good) = SIGNED[0];
    for (header, text) in [
        ("", "missing header X-Hub-Signature-256"),
        (
            "sha1=5e63a7",
            "expected a signature that begins with sha256=, found sha1=",
        ),
        ("5e63a7", "expected a signature that begins with sha256="),
        (
            "sha256=5e63a7!",
            "expected hexadecimal digits behind sha256=, found another character",
        ),
        ("sha256=5e63a7", "expected 64 hexadecimal digits, found 6"),
        (
            good,
            "the signature matches the body with none of the app secrets",
        ),
    ] {
        let error = verifier("another")
            .verify(body, Some(header.as_bytes()))
            .unwrap_err();
        assert_eq!(error.to_string(), text);
        let debug = format!("{error:?}");
        let parts = [SECRET, "another", "5e63a7", &good[7..15], "example"];
        assert!(parts.iter().all(|part| !debug.contains(part)), "{debug}");
    }
    let error = SignatureVerifier::new("").unwrap_err();
    assert_eq!(error.to_string(), "the app secret is empty");
}

#[test]
fn verifiers_and_errors_go_to_other_threads() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    shared::<SignatureVerifier>();
    shared::<SignatureError>();
}
