//! From a function to the same function and its registration.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use crate::args::Args;
use crate::function::Function;

pub(crate) fn receiver(args: TokenStream, item: TokenStream) -> TokenStream {
    let parsed = syn::parse2(args).and_then(|args| Ok((args, Function::parse(item.clone())?)));
    let registration = match parsed {
        Ok((args, function)) => registration(&args, &function),
        Err(error) => error.into_compile_error(),
    };
    // The function stays as it was written, also beside an error, so that
    // nobody who calls it is told that it does not exist.
    quote! {
        #item
        #registration
    }
}

fn registration(args: &Args, function: &Function) -> TokenStream {
    let Function {
        name,
        payload,
        output,
        cfgs,
    } = function;
    let krate = args
        .krate
        .as_ref()
        .map_or_else(|| quote!(::whatsapp_signals), |path| quote!(#path));
    let private = quote!(#krate::__private);

    let order = args
        .order
        .as_ref()
        .map_or(quote!(0), |order| quote!(#order));
    let uid = option(args.uid.as_ref());
    let filter = option(args.filter.as_ref());
    // Spans decide where the compiler points: at the return type for an
    // output that no receiver may have, at the argument for a wrong payload.
    let (at_output, at_payload) = (pointing_at(*output), pointing_at(payload.span()));
    let call = quote_spanned!(at_output=> #private::into_result(#name(__event)));
    let registered = quote_spanned!(at_payload=> &__RECEIVER);
    let signals = &args.signals;

    quote! {
        #(#cfgs)*
        const _: () = {
            fn __receive(__event: &#payload) -> ::core::result::Result<(), #krate::BoxError> {
                #call
            }
            static __RECEIVER: #private::Registered<#payload> = #private::Registered::function(
                __receive,
                #filter,
                #order,
                #uid,
                (
                    ::core::concat!(::core::module_path!(), "::", ::core::stringify!(#name)),
                    ::core::file!(),
                    ::core::line!(),
                ),
            );
            #(
                #private::inventory::submit! {
                    #private::Registration::new(&#signals, #registered)
                }
            )*
        };
    }
}

/// Our names, the user's place: a span from inside a `macro_rules` macro would
/// otherwise bring that macro's hygiene, in which our names do not exist.
fn pointing_at(span: Span) -> Span {
    Span::call_site().located_at(span)
}

fn option(value: Option<&syn::Expr>) -> TokenStream {
    match value {
        Some(value) => {
            let at_value = pointing_at(value.span());
            quote_spanned!(at_value=> ::core::option::Option::Some(#value))
        }
        None => quote!(::core::option::Option::None),
    }
}
