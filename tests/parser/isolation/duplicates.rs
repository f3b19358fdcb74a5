//! Members that are there twice.

use super::*;

#[test]
fn a_duplicate_member_is_malformed_at_every_level() {
    malformed_message(
        r#"{"id":"wamid.ODD","id":"wamid.ODD2","type":"request_welcome"}"#,
        &Reason::Duplicate("id".into()),
    );
    let duplicate = |member: &str| Reason::Duplicate(member.into());
    malformed_message(
        r#"{"id":"wamid.ODD","type":"interactive","interactive":{"type":"product","product":{},"product":{}}}"#,
        &duplicate("product"),
    );
    let twice = r#"{"messages":[],"messages":[]}"#;
    let change = format!(r#"{{"field":"messages","value":{twice}}},"#);
    let body = messages(&[GOOD]).replace(
        r#"{"field":"messages""#,
        &format!(r#"{change}{{"field":"messages""#),
    );
    beside(&body, "0].value", twice, &duplicate("messages"));

    let twice = r#"{"id":"1","changes":[],"changes":[]}"#;
    let body = messages(&[GOOD]).replace(r#""entry":["#, &format!(r#""entry":[{twice},"#));
    let malformed = others(&body);
    assert_eq!(
        (malformed[0].path.as_str(), &malformed[0].reason),
        ("entry[0]", &duplicate("changes"))
    );
    assert_eq!(malformed[0].raw.as_str(), twice);
}

/// However well each of the two could be read.
#[test]
fn of_two_members_of_one_name_neither_is_believed() {
    let message = r#"{"id":"wamid.ODD","type":"request_welcome"}"#;
    let status = r#"{"id":"wamid.ODD","status":"read"}"#;
    let lists = format!(r#""messages":[{message}]"#);
    for (name, member, others) in [
        ("messages", format!("[{message}]"), String::new()),
        ("statuses", format!("[{status}]"), String::new()),
        (
            "user_actions",
            r#"[{"timestamp":"1"}]"#.to_owned(),
            String::new(),
        ),
        ("errors", r#"[{"code":1}]"#.to_owned(), String::new()),
        (
            "contacts",
            r#"[{"wa_id":"1"}]"#.to_owned(),
            format!(",{lists}"),
        ),
        (
            "metadata",
            r#"{"phone_number_id":"300"}"#.to_owned(),
            format!(",{lists}"),
        ),
    ] {
        let value = format!(r#"{{"{name}":{member},"{name}":{member}{others}}}"#);
        let change = format!(r#"{{"field":"messages","value":{value}}}"#);
        let duplicate = Reason::Duplicate(name.into());
        beside(&before(&change), "0].value", &value, &duplicate);
    }

    let value = format!("{{{lists}}}");
    for (name, change) in [
        (
            "field",
            format!(r#"{{"field":"messages","field":"messages","value":{value}}}"#),
        ),
        (
            "value",
            format!(r#"{{"field":"messages","value":{value},"value":{value}}}"#),
        ),
    ] {
        let duplicate = Reason::Duplicate(name.into());
        beside(&before(&change), "0]", &change, &duplicate);
    }

    let change = format!(r#"{{"field":"messages","value":{value}}}"#);
    let changes = format!(r#""changes":[{change}]"#);
    for (name, members) in [
        ("id", format!(r#""id":"1","id":"1",{changes}"#)),
        ("time", format!(r#""id":"1","time":1,"time":1,{changes}"#)),
        ("changes", format!(r#""id":"1",{changes},{changes}"#)),
        ("changes", format!(r#"{changes},"id":"1",{changes}"#)),
    ] {
        let entry = format!("{{{members}}}");
        let body = messages(&[GOOD]).replace(r#""entry":["#, &format!(r#""entry":[{entry},"#));
        let malformed = others(&body);
        let found: Vec<_> = malformed
            .iter()
            .map(|malformed| (malformed.path.as_str(), &malformed.reason))
            .collect();
        assert_eq!(found, [("entry[0]", &Reason::Duplicate(name.into()))]);
    }
}

/// Without a known meaning, neither of them is preferred.
#[test]
fn an_unknown_member_that_is_there_twice_is_reported_twice() {
    let malformed = others(&body(&format!(
        r#""messages":[{GOOD}],"shiny":1,"shiny":2"#
    )));
    let seen: Vec<_> = malformed
        .iter()
        .map(|malformed| (malformed.raw.as_str(), &malformed.reason))
        .collect();
    let unknown = Reason::UnknownMember;
    assert_eq!(seen, [("1", &unknown), ("2", &unknown)]);
}

/// A good message, with a change before it.
fn before(change: &str) -> String {
    let good = r#"{"field":"messages""#;
    messages(&[GOOD]).replace(good, &format!("{change},{good}"))
}
