//! The `#[receiver]` attribute of [whatsapp-signals]. Use it through that
//! crate, which re-exports and documents it.
//!
//! [whatsapp-signals]: https://docs.rs/whatsapp-signals

mod args;
mod expand;
mod function;

use proc_macro::TokenStream;

/// Registers a function as a receiver of one or several signals; documented
/// where `whatsapp-signals` re-exports it.
#[proc_macro_attribute]
pub fn receiver(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::receiver(args.into(), &item.into()).into()
}
