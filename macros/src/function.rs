//! The annotated function: the parts that the registration needs, and the errors of a function that
//! cannot be a receiver.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{
    Error, FnArg, Ident, Item, Result, ReturnType, Safety, Type, TypeGroup, TypeImplTrait,
    TypeParen,
};

/// The parts of a function that its registration needs.
pub(crate) struct Function {
    pub(crate) name: Ident,
    pub(crate) is_async: bool,
    /// `Payload` of `fn name(event: &Payload)`.
    pub(crate) payload: Type,
    /// The types of the references behind the event.
    pub(crate) needs: Vec<Type>,
    /// The tokens at which a wrong return type is reported.
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
        let mut types = inputs.iter().filter_map(|input| match input {
            FnArg::Typed(argument) => Some(&*argument.ty),
            FnArg::Receiver(_) => None,
        });
        let Some(event) = types.next() else {
            return Err(Error::new(
                signature.paren_token.span.join(),
                "a receiver takes the event, `event: &Payload`, and behind it \
                 what it needs of the context, as `db: &Db`",
            ));
        };
        Ok(Self {
            name: signature.ident.clone(),
            is_async: signature.asyncness.is_some(),
            payload: payload(event)?,
            needs: types.map(need).collect::<Result<_>>()?,
            output: match &signature.output {
                ReturnType::Default => signature.ident.to_token_stream(),
                ReturnType::Type(_, output) => output.to_token_stream(),
            },
        })
    }
}

const GENERIC: &str = "a receiver is registered once and cannot be generic: \
                       name each type, as in `event: &MessageReceived`, and write `&dyn Trait` \
                       for any value of a trait";

/// Parses `Payload` from `&Payload`.
fn payload(argument: &Type) -> Result<Type> {
    match argument {
        // A `$argument:ty` of a macro is wrapped in a group.
        Type::Group(group) => payload(&group.elem),
        Type::ImplTrait(_) => Err(Error::new_spanned(argument, GENERIC)),
        Type::Reference(reference) if reference.mutability.is_some() => Err(Error::new_spanned(
            argument,
            "a receiver shares its event with other receivers: write `&` instead of `&mut`",
        )),
        Type::Reference(reference) => match &*reference.elem {
            generic @ Type::ImplTrait(_) => Err(Error::new_spanned(generic, GENERIC)),
            // Clippy recommends `&str` for an argument, but no signal carries a `str`.
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

/// Parses `Db` from `&Db`, an argument behind the event.
fn need(argument: &Type) -> Result<Type> {
    match argument {
        Type::Group(group) => need(&group.elem),
        Type::ImplTrait(generic) => Err(generic_need(generic)),
        Type::Reference(reference) if reference.mutability.is_some() => Err(Error::new_spanned(
            argument,
            "a receiver shares the context with other receivers: write `&` instead of `&mut`, \
             and put a lock around what changes",
        )),
        Type::Reference(reference) => match bare(&reference.elem) {
            Type::ImplTrait(generic) => Err(generic_need(generic)),
            Type::Path(path) if path.path.is_ident("str") => Err(Error::new_spanned(
                path,
                "a context finds a value by its type: write `&String` instead of `&str`, \
                 or better a struct of your own",
            )),
            Type::Slice(slice) => Err(Error::new_spanned(
                slice,
                "a context finds a value by its type: write `&Vec<_>` instead of a slice",
            )),
            need => Ok(need.clone()),
        },
        _ => Err(Error::new_spanned(
            argument,
            format!(
                "a receiver borrows what it needs of the context: write `&{}`",
                text(argument)
            ),
        )),
    }
}

/// Returns the type within parentheses and within the group that wraps a `$type:ty` of a macro.
fn bare(mut wrapped: &Type) -> &Type {
    while let Type::Paren(TypeParen { elem, .. }) | Type::Group(TypeGroup { elem, .. }) = wrapped {
        wrapped = elem;
    }
    wrapped
}

fn generic_need(generic: &TypeImplTrait) -> Error {
    let object = format!("dyn {}", text(&generic.bounds));
    let borrowed = match generic.bounds.len() {
        1 => format!("&{object}"),
        _ => format!("&({object})"),
    };
    let message = format!(
        "a receiver is registered once and cannot be generic: name the type, or write \
         `{borrowed}`, for which the context has an `Arc<{object}>`"
    );
    Error::new_spanned(generic, message)
}

/// Returns the source text of tokens, without the spaces that `TokenStream` puts between them.
fn text(tokens: &impl ToTokens) -> String {
    let mut text = tokens.to_token_stream().to_string();
    for (spaced, close) in [
        (" :: ", "::"),
        (" < ", "<"),
        (" >", ">"),
        (" ,", ","),
        ("& ", "&"),
    ] {
        text = text.replace(spaced, close);
    }
    text
}

fn refuse(found: Option<impl ToTokens>, message: &str) -> Result<()> {
    found.map_or(Ok(()), |tokens| Err(Error::new_spanned(tokens, message)))
}
