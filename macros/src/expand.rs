//! The expansion: the annotated function, and its registration behind it.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Error, Expr, Result, Token, Type};

use crate::args::Args;
use crate::function::Function;

pub(crate) fn receiver(args: TokenStream, item: &TokenStream) -> TokenStream {
    let parsed = parse(args, item);
    let registration = match parsed {
        Ok((args, function)) => registration(&args, &function, position(item)),
        Err(error) => error.into_compile_error(),
    };
    // The function is expanded even beside an error, so that the compiler does not report its
    // callers, too.
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

fn registration(args: &Args, function: &Function, position: u64) -> TokenStream {
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

    // The compiler reports an error at the spans of the generated tokens, from the first to the
    // last. So the tokens get the spans of the probable mistake: the return type for a wrong
    // output; the argument for a wrong payload, with a second mark at the signal; and the signal
    // for a path to something else.
    let (first, last) = ends(output);
    let mut called = name.clone();
    called.set_span(first);
    let values = needs.iter().map(|need| {
        // A type that no context can have is reported at the argument.
        let span = ends(need).0;
        let find = if is_object(need) {
            quote_spanned!(span=> require_dyn)
        } else {
            quote_spanned!(span=> require)
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
    // The type of the response is that of the signal. The compiler can infer it in a constant
    // within the registration, but neither in a `static` nor in a `fn`.
    let registrations = args.signals.iter().map(|signal| {
        let first_of_signal = ends(signal).0;
        let register = located_at(first_of_signal, quote!(#private::register));
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
                #position,
            ),
        };
        let fields = quote_spanned!(last=> (#fields));
        let receiver = quote!(#private::RegisteredReceiver::<#payload, _>::#constructor #fields);
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

/// Returns a number that distinguishes functions of one name whose attributes one macro call makes
/// in one line, and that grows in the order of the source: the sum of the positions of all tokens,
/// as the functions differ in the tokens that the caller passes to the macro.
///
/// Static receivers are sorted by this number at last, so it must not depend on the order of
/// expansion, which a compiler may change.
fn position(tokens: &TokenStream) -> u64 {
    let of_token = |token: TokenTree| match token {
        TokenTree::Group(group) => position(&group.stream()),
        token => {
            let span = token.span().unwrap();
            ((span.line() as u64) << 16) + span.column() as u64
        }
    };
    tokens.clone().into_iter().map(of_token).sum()
}

/// Returns the limits of the receiver. A zero does not compile, and is reported at the value.
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

/// Returns the first and the last source location of the user's tokens, as spans for generated
/// tokens.
///
/// The generated names keep the hygiene of this macro. With the hygiene of a `macro_rules` macro
/// around the user's tokens, the names would not resolve.
fn ends(tokens: &impl ToTokens) -> (Span, Span) {
    let mut spans = tokens
        .to_token_stream()
        .into_iter()
        .map(|token| Span::call_site().located_at(token.span()));
    let first = spans.next().unwrap_or_else(Span::call_site);
    (first, spans.last().unwrap_or(first))
}

/// Moves tokens to another source location, at which the compiler reports their errors. Names keep
/// their hygiene.
fn located_at(span: Span, tokens: TokenStream) -> TokenStream {
    let moved = tokens.into_iter().map(|mut token| {
        token.set_span(token.span().located_at(span));
        token
    });
    moved.collect()
}

/// Returns the value as a constant of a type, so that a wrong value is reported as a mismatch of
/// that type, and not as the argument of a generated call.
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
