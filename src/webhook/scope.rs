//! What the items of one change have in common.

use std::cell::OnceCell;
use std::sync::Arc;

use crate::model::{Account, Timestamp};

/// What the items of one change share.
#[derive(Clone, Default)]
pub(crate) struct Scope<'a> {
    pub(crate) field: Option<&'a str>,
    /// The field's name once more, for the events that keep it: there may be
    /// many, and the name may be long.
    pub(crate) kept_field: OnceCell<Arc<str>>,
    pub(crate) account: Arc<Account>,
    /// Of the `entry`.
    pub(crate) time: Option<Timestamp>,
}

impl Scope<'_> {
    pub(crate) fn keep_field(&self) -> Option<Arc<str>> {
        let kept = |field: &str| Arc::clone(self.kept_field.get_or_init(|| field.into()));
        self.field.map(kept)
    }
}
