//! The annotated function: what of it the registration needs, and what it
//! must not be.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{Error, FnArg, Ident, Item, Result, ReturnType, Safety, Type};

pub(crate) struct Function {
    pub(crate) name: Ident,
    pub(crate) is_async: bool,
    /// `Payload` of `fn name(event: &Payload)`.
    pub(crate) payload: Type,
    /// Where a wrong return type is reported.
    pub(crate) output: TokenStream,
}

impl Function {
    pub(crate) fn parse(item: TokenStream) -> Result<Self> {
        // A function without a body is no `Item::Fn` either.
        let Item::Fn(function) = syn::parse2(item)? else {
            return Err(Error::new(
                Span::call_site(),
                "`#[receiver]` goes on a function, as in `fn greet(event: &MessageReceived) { .. }`",
            ));
        };
        let signature = &function.sig;
        refuse(
            signature.receiver(),
            "a receiver is a free function and takes no `self`; to receive with state, \
             implement `Receiver` for the struct and pass it to `Signal::connect`",
        )?;
        refuse(
            matches!(signature.safety, Safety::Unsafe(_)).then_some(&signature.safety),
            "a receiver is called from safe code and cannot be `unsafe`: \
             write a safe one that calls this function",
        )?;
        refuse(signature.generics.type_params().next(), GENERIC)?;
        refuse(signature.generics.const_params().next(), GENERIC)?;

        let inputs = &signature.inputs;
        let (Some(FnArg::Typed(event)), 1) = (inputs.first(), inputs.len()) else {
            return Err(Error::new(
                signature.paren_token.span.join(),
                "a receiver takes one argument, the event: `event: &Payload`",
            ));
        };
        Ok(Self {
            name: signature.ident.clone(),
            is_async: signature.asyncness.is_some(),
            payload: payload(&event.ty)?,
            output: match &signature.output {
                ReturnType::Default => signature.ident.to_token_stream(),
                ReturnType::Type(_, output) => output.to_token_stream(),
            },
        })
    }
}

const GENERIC: &str = "a receiver is registered once and cannot be generic: \
                       name the payload, as in `event: &MessageReceived`";

/// `Payload` of `&Payload`.
fn payload(argument: &Type) -> Result<Type> {
    match argument {
        // What a `$argument:ty` of a macro brings along.
        Type::Group(group) => payload(&group.elem),
        Type::ImplTrait(_) => Err(Error::new_spanned(argument, GENERIC)),
        Type::Reference(reference) if reference.mutability.is_some() => Err(Error::new_spanned(
            argument,
            "a receiver shares its event with other receivers: write `&` instead of `&mut`",
        )),
        Type::Reference(reference) => match &*reference.elem {
            generic @ Type::ImplTrait(_) => Err(Error::new_spanned(generic, GENERIC)),
            // What clippy recommends for an argument, and no signal carries.
            Type::Path(path) if path.path.is_ident("str") => Err(Error::new_spanned(
                path,
                "a receiver borrows the payload itself: write `&String` instead of `&str`",
            )),
            Type::Slice(slice) => Err(Error::new_spanned(
                slice,
                "a receiver borrows the payload itself: write `&Vec<_>` instead of a slice",
            )),
            payload => Ok(payload.clone()),
        },
        _ => Err(Error::new_spanned(
            argument,
            "a receiver borrows its event: write `&` before the type",
        )),
    }
}

fn refuse(found: Option<impl ToTokens>, message: &str) -> Result<()> {
    found.map_or(Ok(()), |tokens| Err(Error::new_spanned(tokens, message)))
}
