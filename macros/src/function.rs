//! The annotated function: what of it the registration needs, and what it
//! must not be.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{
    Attribute, Error, FnArg, Ident, ItemFn, Result, ReturnType, Safety, Type, TypeReference,
};

pub(crate) struct Function {
    pub(crate) name: Ident,
    /// `Payload` of `fn name(event: &Payload)`.
    pub(crate) payload: Type,
    /// Where a wrong return type is reported.
    pub(crate) output: Span,
    /// The registration exists where the function exists.
    pub(crate) cfgs: Vec<Attribute>,
}

impl Function {
    pub(crate) fn parse(item: TokenStream) -> Result<Self> {
        let function: ItemFn = syn::parse2(item.clone()).map_err(|error| {
            // A function with a mistake inside keeps its own message.
            if item.into_iter().any(|token| token.to_string() == "fn") {
                error
            } else {
                Error::new(error.span(), "`#[receiver]` goes on a function")
            }
        })?;
        let signature = &function.sig;
        if let Some(receiver) = signature.receiver() {
            return Err(Error::new(
                receiver.span(),
                "a receiver is a free function and takes no `self`; to receive with state, \
                 implement `Receiver` for the struct and pass it to `Signal::connect`",
            ));
        }
        refuse(
            signature.asyncness.as_ref(),
            "async receivers are not supported yet: a receiver runs in the sender's thread",
        )?;
        refuse(
            matches!(signature.safety, Safety::Unsafe(_)).then_some(&signature.safety),
            "a receiver is called by the crate and cannot be `unsafe`",
        )?;
        refuse(
            signature.generics.type_params().next(),
            "a receiver is registered once and cannot be generic",
        )?;
        refuse(
            signature.generics.const_params().next(),
            "a receiver is registered once and cannot be generic",
        )?;

        let event = match (signature.inputs.first(), signature.inputs.len()) {
            (Some(FnArg::Typed(event)), 1) => event,
            _ => {
                return Err(Error::new(
                    signature.paren_token.span.join(),
                    "a receiver takes one argument, the event: `event: &Payload`",
                ));
            }
        };
        Ok(Self {
            name: signature.ident.clone(),
            payload: payload(&event.ty)?,
            output: match &signature.output {
                ReturnType::Default => signature.ident.span(),
                ReturnType::Type(_, output) => output.span(),
            },
            cfgs: function
                .attrs
                .into_iter()
                .filter(|attribute| attribute.path().is_ident("cfg"))
                .collect(),
        })
    }
}

/// `Payload` of `&Payload`.
fn payload(argument: &Type) -> Result<Type> {
    let Type::Reference(TypeReference {
        mutability: None,
        elem,
        ..
    }) = argument
    else {
        let asked = quote!(#argument).to_string();
        let asked = asked.trim_start_matches("& mut ");
        return Err(Error::new(
            argument.span(),
            format!("a receiver borrows its event: `&{asked}`"),
        ));
    };
    if let Type::ImplTrait(generic) = &**elem {
        return Err(Error::new(
            generic.span(),
            "a receiver is registered once and cannot be generic",
        ));
    }
    Ok((**elem).clone())
}

fn refuse(found: Option<impl ToTokens>, message: &str) -> Result<()> {
    found.map_or(Ok(()), |tokens| Err(Error::new(tokens.span(), message)))
}
