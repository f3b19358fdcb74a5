//! A delivery with a context.

use super::Context;

/// A signal, an event or a webhook together with the [`Context`] of its delivery.
///
/// [`Signal::with`](crate::Signal::with), [`Webhook::with`](crate::Webhook::with),
/// [`WebhookEvent::with`](crate::WebhookEvent::with) and
/// [`Parser::with`](crate::Parser::with) return it. It has their methods that deliver.
#[derive(Debug)]
pub struct InContext<'a, D> {
    pub(crate) delivered: &'a D,
    pub(crate) context: &'a Context,
}

impl<'a, D> InContext<'a, D> {
    pub(crate) fn new(delivered: &'a D, context: &'a Context) -> Self {
        Self { delivered, context }
    }
}

impl<D> Clone for InContext<'_, D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D> Copy for InContext<'_, D> {}
