//! The rules for a body's envelope: the object that names its product, and the
//! members around the entries.

use super::ParseErrorKind;

/// The `object` of WhatsApp's webhooks.
const OBJECT: &str = "whatsapp_business_account";

/// The rules for the members of a body, as a [`Parser`](super::Parser) sets them.
#[derive(Clone, Copy, Debug)]
pub(super) struct EnvelopeRules {
    pub(super) accepted_objects: &'static [&'static str],
    pub(super) ignored_members: &'static [&'static str],
}

impl EnvelopeRules {
    pub(super) const DEFAULT: Self = Self {
        accepted_objects: &[OBJECT],
        ignored_members: &[],
    };

    /// Checks the `object` of a body.
    pub(super) fn check_object(&self, object: Option<&str>) -> Result<(), ParseErrorKind> {
        match object {
            Some(object) if self.accepted_objects.contains(&object) => Ok(()),
            _ => Err(ParseErrorKind::WrongObject(object.map(Into::into))),
        }
    }

    /// Whether a member beside `object` and `entry` is stepped over without a report.
    pub(super) fn is_ignored(&self, member: &str) -> bool {
        self.ignored_members.contains(&member)
    }
}
