//! Objects whose `type` names the member with their content.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::json::object::{FromNode, Lenient};
use crate::json::{self, Fault, Node, only};

/// An object whose `type` names the member with its content.
pub(crate) struct Tagged<'a> {
    pub(crate) object: Node<'a>,
    pub(crate) kind: Cow<'a, str>,
    pub(crate) members: Candidates<'a>,
}

/// The members of an object that may be its content.
pub(crate) type Candidates<'a> = SmallVec<[json::Member<'a>; 4]>;

/// The text of a `type`.
pub(crate) struct TypeText<'a>(pub(crate) Cow<'a, str>);

impl<'a> FromNode<'a> for TypeText<'a> {
    #[inline]
    fn read_into(slot: &mut Option<Self>, json: Lenient<'_, 'a>) -> Result<(), Fault> {
        let text = json.exact_text().ok_or(Fault::Malformed)?;
        *slot = Some(Self(text));
        Ok(())
    }
}

/// Returns the `type` of an object.
///
/// # Errors
///
/// The reason why it has no `type`.
pub(crate) fn type_of(object: Node<'_>) -> Result<Cow<'_, str>, Fault> {
    if !object.is_object() {
        return Err(Fault::Malformed);
    }
    let kind = object.only("type")?;
    let kind = kind.ok_or_else(|| Fault::Missing("type".into()))?;
    kind.exact_text().ok_or(Fault::Malformed)
}

impl<'a> Tagged<'a> {
    /// Reads the `type` and the members of an object.
    ///
    /// # Errors
    ///
    /// The reason why it has no `type`.
    pub(crate) fn new(object: Node<'a>) -> Result<Self, Fault> {
        Ok(Self {
            object,
            kind: type_of(object)?,
            members: object.members().collect(),
        })
    }

    /// Returns the member with the content; `None` when it is missing or `null`.
    ///
    /// # Errors
    ///
    /// [`Fault::Duplicate`].
    #[inline]
    pub(crate) fn optional(&self) -> Result<Option<Node<'a>>, Fault> {
        only(&self.members, &self.kind)
    }

    /// Returns the member with the content.
    ///
    /// # Errors
    ///
    /// [`Fault::Duplicate`], [`Fault::Missing`].
    #[inline]
    pub(crate) fn required(&self) -> Result<Node<'a>, Fault> {
        self.optional()?
            .ok_or_else(|| Fault::Missing((&*self.kind).into()))
    }
}
