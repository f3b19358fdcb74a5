//! What stands between the parentheses: `SIGNAL, order = .., uid = ..`.

use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Expr, Ident, Path, Token, bracketed};

pub(crate) struct Args {
    pub(crate) signals: Vec<Path>,
    pub(crate) order: Option<Expr>,
    pub(crate) uid: Option<Expr>,
    pub(crate) filter: Option<Expr>,
    /// Where `whatsapp_signals` is to be found, when not under its own name.
    pub(crate) krate: Option<Path>,
}

impl Parse for Args {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut args = Self {
            signals: signals(input)?,
            order: None,
            uid: None,
            filter: None,
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

/// `SIGNAL` or `[SIGNAL, SIGNAL]`.
fn signals(input: ParseStream<'_>) -> syn::Result<Vec<Path>> {
    let missing = "expected a signal, as in `#[receiver(MESSAGE_RECEIVED)]`";
    if input.is_empty() || input.peek2(Token![=]) {
        return Err(input.error(missing));
    }
    if !input.peek(syn::token::Bracket) {
        return Ok(vec![input.parse()?]);
    }
    let list;
    let bracket = bracketed!(list in input);
    let signals = Punctuated::<Path, Token![,]>::parse_terminated(&list)?;
    if signals.is_empty() {
        return Err(syn::Error::new(bracket.span.join(), missing));
    }
    Ok(signals.into_iter().collect())
}

impl Args {
    /// One `name = value`.
    fn option(&mut self, input: ParseStream<'_>) -> syn::Result<()> {
        if input.peek(Token![crate]) {
            let name: Token![crate] = input.parse()?;
            input.parse::<Token![=]>()?;
            let path = Path::parse_mod_style(input)?;
            return set(&mut self.krate, path, name.span, "crate");
        }
        let name: Ident = input.parse()?;
        let slot = if name == "order" {
            &mut self.order
        } else if name == "uid" {
            &mut self.uid
        } else if name == "filter" {
            &mut self.filter
        } else {
            return Err(syn::Error::new(
                name.span(),
                format!("unknown option `{name}`, expected `order`, `uid`, `filter` or `crate`"),
            ));
        };
        input.parse::<Token![=]>()?;
        set(slot, input.parse()?, name.span(), &name)
    }
}

fn set<T>(
    slot: &mut Option<T>,
    value: T,
    span: proc_macro2::Span,
    name: impl std::fmt::Display,
) -> syn::Result<()> {
    if slot.replace(value).is_some() {
        return Err(syn::Error::new(
            span,
            format!("option `{name}` is given twice"),
        ));
    }
    Ok(())
}
