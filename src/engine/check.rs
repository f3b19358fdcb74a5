//! The check of an engine's receivers at start-up.

use super::WebhookEngine;
use crate::CheckError;
use crate::signal::check_signals;
use crate::signals;
use crate::store::Store;

/// Checks at start-up.
impl<S: Store> WebhookEngine<S> {
    /// Checks that the receivers of this crate's signals can be called with the engine's context,
    /// as [`check`](crate::check) does for all signals of the program.
    ///
    /// # Errors
    ///
    /// All problems that were found.
    ///
    /// # Examples
    ///
    /// ```standalone_crate
    /// use whatsapp_signals::event::MessageReceived;
    /// use whatsapp_signals::store::MemoryStore;
    /// use whatsapp_signals::{Context, WebhookEngine, receiver, signals::MESSAGE_RECEIVED};
    ///
    /// struct Greeting(&'static str);
    ///
    /// #[receiver(MESSAGE_RECEIVED)]
    /// fn greet(_event: &MessageReceived, _greeting: &Greeting) {}
    ///
    /// # fn main() {
    /// let engine = WebhookEngine::new(MemoryStore::new());
    /// let error = engine.check().unwrap_err();
    /// println!("{error}"); // bot::greet (src/bot.rs:7) … needs bot::Greeting, which …
    ///
    /// let engine = engine.context(Context::new().with(Greeting("Good morning")));
    /// assert!(engine.check().is_ok());
    /// # }
    /// ```
    pub fn check(&self) -> Result<(), CheckError> {
        check_signals(signals::ALL, &self.settings.context, false)
    }

    /// Checks as [`check`](Self::check) does, for a program that calls [`process`](Self::process)
    /// and not [`process_async`](Self::process_async): async receivers are problems too.
    ///
    /// # Errors
    ///
    /// All problems that were found.
    pub fn check_sync(&self) -> Result<(), CheckError> {
        check_signals(signals::ALL, &self.settings.context, true)
    }
}
