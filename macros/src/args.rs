//! The arguments of the attribute: `SIGNAL, order = .., uid = ..`.

use std::collections::HashSet;

use proc_macro2::Span;
use quote::ToTokens;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, Ident, Path, Result, Token, bracketed};

/// The arguments of one `#[receiver]`.
pub(crate) struct Args {
    pub(crate) signals: Vec<Path>,
    pub(crate) order: Option<Expr>,
    pub(crate) uid: Option<Expr>,
    pub(crate) filter: Option<Expr>,
    pub(crate) attempts: Option<Expr>,
    /// In seconds.
    pub(crate) timeout: Option<Expr>,
    /// The path of the crate `whatsapp_signals`, if it has another name.
    pub(crate) krate: Option<Path>,
}

impl Parse for Args {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut args = Self {
            signals: signals(input)?,
            order: None,
            uid: None,
            filter: None,
            attempts: None,
            timeout: None,
            krate: None,
        };
        while !input.is_empty() {
            input.parse::<Token![,]>()?;
            if input.is_empty() {
                break;
            }
            args.option(input)?;
        }
        Ok(args)
    }
}

/// Parses `SIGNAL` or `[SIGNAL, SIGNAL]`.
fn signals(input: ParseStream<'_>) -> Result<Vec<Path>> {
    if !input.peek(syn::token::Bracket) {
        return Ok(vec![signal(input)?]);
    }
    let list;
    let bracket = bracketed!(list in input);
    let signals = Punctuated::<Path, Token![,]>::parse_terminated_with(&list, signal)?;
    if signals.is_empty() {
        return Err(no_signal(bracket.span.join()));
    }
    // Finds equal paths only: two different paths may lead to one signal.
    let mut seen = HashSet::new();
    for signal in &signals {
        let path = signal.to_token_stream().to_string();
        if !seen.insert(path) {
            return Err(Error::new_spanned(signal, "this signal is listed twice"));
        }
    }
    Ok(signals.into_iter().collect())
}

fn signal(input: ParseStream<'_>) -> Result<Path> {
    if input.peek2(Token![=]) {
        return Err(no_signal(input.span()));
    }
    input
        .parse()
        .map_err(|error: Error| no_signal(error.span()))
}

fn no_signal(span: Span) -> Error {
    Error::new(
        span,
        "expected the path of a signal, as in `#[receiver(MESSAGE_RECEIVED)]`",
    )
}

impl Args {
    /// Parses one `name = value`.
    fn option(&mut self, input: ParseStream<'_>) -> Result<()> {
        if input.peek(Token![crate]) {
            let name: Token![crate] = input.parse()?;
            input.parse::<Token![=]>()?;
            let path = Path::parse_mod_style(input)?;
            return set(&mut self.krate, path, name.span, "crate");
        }
        let name: Ident = input.parse()?;
        if !input.peek(Token![=]) {
            return Err(Error::new(
                name.span(),
                "expected `name = value`; several signals go in brackets, as in `[FIRST, SECOND]`",
            ));
        }
        let slot = if name == "order" {
            &mut self.order
        } else if name == "uid" {
            &mut self.uid
        } else if name == "filter" {
            &mut self.filter
        } else if name == "attempts" {
            &mut self.attempts
        } else if name == "timeout" {
            &mut self.timeout
        } else {
            let django = match &*name.to_string() {
                "dispatch_uid" => "; Django's `dispatch_uid` is `uid` here",
                "sender" => "; there is no sender here, but a `filter`",
                _ => "",
            };
            let expected = "expected `order`, `uid`, `filter`, `attempts`, `timeout` or `crate`";
            let message = format!("unknown option `{name}`, {expected}{django}");
            return Err(Error::new(name.span(), message));
        };
        input.parse::<Token![=]>()?;
        set(slot, input.parse()?, name.span(), &name)
    }
}

fn set<T>(slot: &mut Option<T>, value: T, span: Span, name: impl std::fmt::Display) -> Result<()> {
    if slot.replace(value).is_some() {
        return Err(Error::new(span, format!("option `{name}` is given twice")));
    }
    Ok(())
}
