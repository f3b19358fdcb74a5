//! From a function to the same function and its registration.

use std::sync::atomic::{AtomicU32, Ordering};

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Error, Expr, Result, Token, Type};

use crate::args::Args;
use crate::function::Function;

pub(crate) fn receiver(args: TokenStream, item: &TokenStream) -> TokenStream {
    let parsed = parse(args, item);
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

fn parse(args: TokenStream, item: &TokenStream) -> Result<(Args, Function)> {
    let args: Args = syn::parse2(args)?;
    let function = Function::parse(item.clone())?;
    match &args.timeout {
        Some(timeout) if !function.is_async => Err(Error::new_spanned(
            timeout,
            "expected an `async fn` for a `timeout`: a function that is not async runs to its end",
        )),
        _ => Ok((args, function)),
    }
}

/// How many attributes of this crate were expanded so far. That is the order
/// of the source, and the last thing that static receivers are sorted by.
static EXPANDED: AtomicU32 = AtomicU32::new(0);

fn registration(args: &Args, function: &Function) -> TokenStream {
    let Function {
        name,
        is_async,
        payload,
        needs,
        output,
    } = function;
    let krate = args
        .krate
        .as_ref()
        .map_or_else(|| quote!(::whatsapp_signals), |path| quote!(#path));
    let private = quote!(#krate::__private);

    let index = EXPANDED.fetch_add(1, Ordering::Relaxed);
    let order = args.order.as_ref().map_or(quote!(0), |order| {
        typed(&quote!(::core::primitive::i32), order)
    });
    let uid = option(&quote!(&'static ::core::primitive::str), args.uid.as_ref());
    let limits = limits(&private, args);
    let accepts = args.filter.as_ref().map(|filter| {
        quote! {
            fn __whatsapp_signals_accepts(__whatsapp_signals_event: &#payload) -> ::core::primitive::bool {
                #private::accepts(__whatsapp_signals_event, #filter)
            }
        }
    });
    let filter = some(accepts.as_ref().map(|_| quote!(__whatsapp_signals_accepts)));

    // Spans decide where the compiler points, and it underlines from the first
    // token to the last. So these stand where the mistake would be: at the
    // return type, for an output that no receiver may have; at the argument,
    // for a wrong payload, with a second mark at the signal that sends another;
    // at the signal, for what is none.
    let (first, last) = ends(output);
    let mut called = name.clone();
    called.set_span(first);
    let values = needs.iter().map(|need| {
        // A type that no context can have is reported at the argument.
        let place = ends(need).0;
        let find = if is_object(need) {
            quote_spanned!(place=> needed_dyn)
        } else {
            quote_spanned!(place=> needed)
        };
        quote!(#private::#find::<#need>(__whatsapp_signals_context)?)
    });
    let arguments = quote!(__whatsapp_signals_event #(, #values)*);
    let arguments = quote_spanned!(last=> (#arguments));
    let wait = is_async.then(|| quote_spanned!(last=> .await));
    let constructor = if *is_async {
        quote!(async_function)
    } else {
        quote!(function)
    };
    let needs = needs.iter().map(|need| {
        let of = if is_object(need) {
            quote!(of_dyn)
        } else {
            quote!(of)
        };
        quote!(#private::Need::#of::<#need>())
    });
    let needs: Vec<_> = needs.collect();
    let (first, last) = ends(payload);
    let (constant, borrow) = (Token![const](first), Token![&](first));
    // The answer is the signal's. The compiler infers it, which it does neither in a `static` nor
    // in a `fn`: so the receiver is a constant within the registration.
    let registrations = args.signals.iter().map(|signal| {
        let first_of_signal = ends(signal).0;
        let register = located_at(first_of_signal, quote!(#private::Registration::new));
        let borrow_signal = Token![&](first_of_signal);
        let signal = quote!(#borrow_signal #signal);
        let call = quote!(#private::into_result(#signal, #called #arguments #wait));
        let call = if *is_async {
            quote!(#private::boxed(async move { #call }))
        } else {
            call
        };
        let fields = quote! {
            |__whatsapp_signals_event, __whatsapp_signals_context| #call,
            const { &[#(#needs),*] },
            #filter,
            #order,
            #uid,
            #limits,
            (
                ::core::concat!(::core::module_path!(), "::", ::core::stringify!(#name)),
                ::core::file!(),
                ::core::line!(),
                #index,
            ),
        };
        let fields = quote_spanned!(last=> (#fields));
        let receiver = quote!(#private::ReceiverOf::<#payload, _>::#constructor #fields);
        let receiver = quote_spanned!(last=> { #borrow #receiver });
        quote! {
            #private::inventory::submit! {
                #register(#signal, #constant #receiver)
            }
        }
    });

    quote! {
        const _: () = {
            #accepts
            #(#registrations)*
        };
    }
}

/// The limits of the receiver. A zero does not compile, and is reported at the value.
fn limits(private: &TokenStream, args: &Args) -> TokenStream {
    let limit = |kind, value: &Option<Expr>, expected| {
        value.as_ref().map(|value| {
            let zero = format!("expected {expected}, found 0");
            let checked = quote_spanned! {ends(value).0=>
                ::core::assert!(__WHATSAPP_SIGNALS_LIMIT > 0, #zero)
            };
            quote!({
                const __WHATSAPP_SIGNALS_LIMIT: #kind = #value;
                const _: () = #checked;
                __WHATSAPP_SIGNALS_LIMIT
            })
        })
    };
    let attempts = limit(
        quote!(::core::primitive::u32),
        &args.attempts,
        "at least 1 attempt",
    );
    let seconds = limit(
        quote!(::core::primitive::u64),
        &args.timeout,
        "a timeout of at least 1 second",
    );
    let attempts = some(attempts);
    let timeout = some(seconds.map(|seconds| quote!(::core::time::Duration::from_secs(#seconds))));
    quote!(#private::Limits { attempts: #attempts, timeout: #timeout })
}

fn is_object(need: &Type) -> bool {
    matches!(need, Type::TraitObject(_))
}

/// The first and the last place of the user's tokens, for tokens of ours.
///
/// Our names keep our hygiene: a span from inside a `macro_rules` macro would
/// otherwise bring that macro's, in which our names do not exist.
fn ends(tokens: &impl ToTokens) -> (Span, Span) {
    let mut spans = tokens
        .to_token_stream()
        .into_iter()
        .map(|token| Span::call_site().located_at(token.span()));
    let first = spans.next().unwrap_or_else(Span::call_site);
    (first, spans.last().unwrap_or(first))
}

/// Returns the tokens at another place, for the compiler to point there. Names keep their hygiene.
fn located_at(place: Span, tokens: TokenStream) -> TokenStream {
    let moved = tokens.into_iter().map(|mut token| {
        token.set_span(token.span().located_at(place));
        token
    });
    moved.collect()
}

/// The value as a constant of this type: a wrong one is then reported against
/// the type, and not as the argument of a function that nobody called.
fn typed(kind: &TokenStream, value: &Expr) -> TokenStream {
    quote!({
        const __WHATSAPP_SIGNALS_VALUE: #kind = #value;
        __WHATSAPP_SIGNALS_VALUE
    })
}

fn option(kind: &TokenStream, value: Option<&Expr>) -> TokenStream {
    some(value.map(|value| typed(kind, value)))
}

fn some(value: Option<TokenStream>) -> TokenStream {
    match value {
        None => quote!(::core::option::Option::None),
        Some(value) => quote!(::core::option::Option::Some(#value)),
    }
}
