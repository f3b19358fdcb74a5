//! The `#[receiver]` attribute of [whatsapp-signals]. Use the attribute through that crate, which
//! re-exports and documents it.
//!
//! [whatsapp-signals]: https://docs.rs/whatsapp-signals

mod args;
mod expand;
mod function;

use proc_macro::TokenStream;

/// Registers a function as a receiver of one or several signals. `whatsapp-signals` documents the
/// attribute.
#[proc_macro_attribute]
pub fn receiver(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::receiver(args.into(), &item.into()).into()
}
