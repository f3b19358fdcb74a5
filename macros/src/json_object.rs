//! The `#[json_object]` attribute: structs that are read from Meta's JSON objects.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Attribute, Field, Fields, ItemStruct, LitStr};

/// The number of members for which the reader has bits.
const MAX_MEMBERS: usize = 64;

/// Returns the struct with its derives and its reader, or the error in place of the struct.
pub(crate) fn json_object(item: TokenStream) -> TokenStream {
    let expanded = syn::parse2(item).and_then(expand);
    expanded.unwrap_or_else(|error| error.to_compile_error())
}

fn expand(mut item: ItemStruct) -> syn::Result<TokenStream> {
    let Fields::Named(fields) = &mut item.fields else {
        return Err(syn::Error::new(item.ident.span(), "expected named fields"));
    };
    let mut members = Vec::new();
    for field in &mut fields.named {
        members.push(member(field)?);
    }
    if members.len() > MAX_MEMBERS {
        return Err(syn::Error::new(
            item.ident.span(),
            "expected at most 64 members",
        ));
    }
    let name = &item.ident;
    let fields: Vec<_> = members.iter().map(|(field, _)| field).collect();
    let names: Vec<_> = members.iter().map(|(_, name)| name).collect();
    let (places, indices) = (0..members.len(), 0..members.len());
    Ok(quote! {
        #[derive(Clone, Debug, PartialEq, serde::Serialize)]
        #[non_exhaustive]
        #item

        impl crate::json::object::Member for #name {
            #[inline]
            fn read_node(
                json: crate::json::object::Lenient<'_, '_>,
            ) -> Result<Option<Self>, crate::json::Fault> {
                use crate::json::object::{Member, assign, read_members, take};
                const NAMES: &[&str] = &[#(#names),*];
                #(let mut #fields = Member::missing();)*
                let index_of = |name: &[u8]| {
                    #(if *name == *#names.as_bytes() {
                        return Some(#indices);
                    })*
                    None
                };
                let mut members = read_members(json, NAMES, index_of, |at, json| match at {
                    #(#places => assign(&mut #fields, json),)*
                    _ => Ok(()),
                })?;
                Ok(Some(Self { #(#fields: take(#fields, &mut members)?,)* }))
            }
        }

        impl<'de> serde::Deserialize<'de> for #name {
            fn deserialize<D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                crate::json::object::deserialize(deserializer)
            }
        }
    })
}

/// Returns a field's identifier and the name of its member, and gives the field the attributes
/// of serde by which it is written under that name.
fn member(field: &mut Field) -> syn::Result<(Ident, String)> {
    let ident = field.ident.clone().expect("named fields have identifiers");
    let mut name = ident.to_string();
    if let Some(at) = field
        .attrs
        .iter()
        .position(|attr| attr.path().is_ident("json"))
    {
        let wire = renamed(&field.attrs.remove(at))?;
        field
            .attrs
            .push(syn::parse_quote!(#[serde(rename = #wire)]));
        name = wire.value();
    }
    field.attrs.push(syn::parse_quote! {
        #[serde(skip_serializing_if = "crate::json::object::Member::is_missing")]
    });
    Ok((ident, name))
}

/// Parses `#[json(rename = "…")]`.
fn renamed(attribute: &Attribute) -> syn::Result<LitStr> {
    let mut name = None;
    attribute.parse_nested_meta(|meta| {
        if !meta.path.is_ident("rename") {
            return Err(meta.error("expected `rename`"));
        }
        name = Some(meta.value()?.parse()?);
        Ok(())
    })?;
    name.ok_or_else(|| syn::Error::new_spanned(attribute, "expected `rename`"))
}
