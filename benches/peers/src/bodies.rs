//! The bodies: invented, in the documented formats, as compact as Meta writes them.

/// A body of a webhook.
pub(crate) struct Body {
    pub(crate) name: &'static str,
    /// Leaked, because a request owns its body.
    pub(crate) json: &'static [u8],
    /// The number of messages and statuses in a documented format.
    pub(crate) documented: usize,
}

/// A part of the text of the documented message beside a rare one.
pub(crate) const DOCUMENTED_TEXT: &str = "Is my bicycle ready";
/// The id of the rare message.
pub(crate) const RARE_ID: &str = "wamid.HBgLMzE5NzAxMDAyMDIVAgASGBQzQTEyOUQzAA==";
/// The type of a message of an unknown type.
pub(crate) const RARE_TYPE: &str = "hologram";
/// A part of the content of the rare message.
pub(crate) const RARE_CONTENT: &str = "the front wheel";

/// Returns the measured bodies.
pub(crate) fn measured() -> Vec<Body> {
    let [unknown, ..] = rare();
    vec![
        body("a text", 1, texts(1, true)),
        body("an image", 1, image()),
        body("a status", 1, statuses(1)),
        body("100 texts", 100, texts(100, true)),
        body("1,000 texts", 1000, texts(1000, true)),
        body("100 statuses", 100, statuses(100)),
        body("a text, no user id", 1, texts(1, false)),
        body("100 texts, no user ids", 100, texts(100, false)),
        unknown,
    ]
}

/// Returns bodies with a text message and a message of a rare format.
pub(crate) fn rare() -> [Body; 3] {
    let from = r#""from":"31970100202","from_user_id":"NL.81020030040050060070""#;
    let wa_id =
        r#""profile":{"name":"Bram"},"wa_id":"31970100202","user_id":"NL.81020030040050060070""#;
    [
        // Each type of message was new once.
        beside_text(
            "a text, an unknown type",
            wa_id,
            from,
            &format!(r#""type":"{RARE_TYPE}","{RARE_TYPE}":{{"shape":"{RARE_CONTENT}"}}"#),
        ),
        // Meta documents an object.
        beside_text(
            "a text, one with a list for an object",
            wa_id,
            from,
            &format!(r#""type":"text","text":[{{"body":"{RARE_CONTENT}"}}]"#),
        ),
        // Meta documents it for users with a username.
        beside_text(
            "a text, one without a phone number",
            r#""profile":{"username":"bram.rides"},"user_id":"NL.81020030040050060070""#,
            r#""from_user_id":"NL.81020030040050060070""#,
            &format!(r#""type":"text","text":{{"body":"{RARE_CONTENT}"}}"#),
        ),
    ]
}

fn body(name: &'static str, documented: usize, value: String) -> Body {
    let json = format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"900800700600500","changes":[{{"value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550100200","phone_number_id":"300200100500600"}},{value}}},"field":"messages"}}]}}]}}"#
    );
    Body {
        name,
        json: json.into_bytes().leak(),
        documented,
    }
}

/// Returns text messages; without user ids, in the format until 2026.
fn texts(count: usize, have_user_ids: bool) -> String {
    let contacts = list(count, |n| contact(n, have_user_ids));
    let messages = list(count, |n| text(n, have_user_ids));
    format!(r#""contacts":[{contacts}],"messages":[{messages}]"#)
}

fn image() -> String {
    let contact = contact(0, true);
    let head = message(0, true);
    format!(
        r#""contacts":[{contact}],"messages":[{{{head},"type":"image","image":{{"caption":"This is the bent derailleur hanger","mime_type":"image/jpeg","sha256":"t9ldJpDHmH6dnqVcHd14djmUEl3ffcpTho7I6RVpGbM=","id":"7137021601430931"}}}}]"#
    )
}

fn statuses(count: usize) -> String {
    let statuses = list(count, |n| {
        format!(
            r#"{{"id":"wamid.HBgLMTU1NTAxMDEwMDEVAgASGBQzQT{n:08}","status":"delivered","timestamp":"1785000042","recipient_id":"1555010{n:04}","recipient_user_id":"US.7001002003004005{n:04}","conversation":{{"id":"ab12cd34ef56","origin":{{"type":"service"}}}},"pricing":{{"billable":true,"pricing_model":"PMP","category":"service","type":"regular"}}}}"#
        )
    });
    format!(r#""statuses":[{statuses}]"#)
}

fn beside_text(name: &'static str, user: &str, from: &str, content: &str) -> Body {
    let contact = contact(0, true);
    let text = text(0, true);
    let value = format!(
        r#""contacts":[{contact},{{{user}}}],"messages":[{text},{{{from},"id":"{RARE_ID}","timestamp":"1785000043",{content}}}]"#
    );
    body(name, 1, value)
}

fn contact(n: usize, has_user_id: bool) -> String {
    let user_id = user_id("user_id", n, has_user_id);
    format!(r#"{{"profile":{{"name":"Rider {n}"}},"wa_id":"1555010{n:04}"{user_id}}}"#)
}

fn text(n: usize, has_user_id: bool) -> String {
    let head = message(n, has_user_id);
    format!(
        r#"{{{head},"type":"text","text":{{"body":"Hello! {DOCUMENTED_TEXT} for pick-up today?"}}}}"#
    )
}

/// Returns the members that all messages have.
fn message(n: usize, has_user_id: bool) -> String {
    let user_id = user_id("from_user_id", n, has_user_id);
    format!(
        r#""from":"1555010{n:04}"{user_id},"id":"wamid.HBgLMTU1NTAxMDEwMDEVAgASGBQzQT{n:08}","timestamp":"1785000042""#
    )
}

/// Returns a comma and a member with the user's id, or nothing.
fn user_id(name: &str, n: usize, is_present: bool) -> String {
    if !is_present {
        return String::new();
    }
    format!(r#","{name}":"US.7001002003004005{n:04}""#)
}

fn list(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect::<Vec<_>>().join(",")
}
