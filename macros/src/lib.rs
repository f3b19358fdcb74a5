//! The `#[receiver]` attribute of [whatsapp-signals]. Use the attribute through that crate, which
//! re-exports and documents it.
//!
//! [whatsapp-signals]: https://docs.rs/whatsapp-signals

mod args;
mod expand;
mod function;
mod json_object;

use proc_macro::TokenStream;

/// Registers a function as a receiver of one or several signals. `whatsapp-signals` documents the
/// attribute.
#[proc_macro_attribute]
pub fn receiver(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::receiver(args.into(), &item.into()).into()
}

/// Reads a struct from a JSON object of Meta's. For `whatsapp-signals` alone, whose private items
/// it names.
#[doc(hidden)]
#[proc_macro_attribute]
pub fn json_object(_args: TokenStream, item: TokenStream) -> TokenStream {
    json_object::json_object(item.into()).into()
}
