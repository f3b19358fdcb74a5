//! The `#[json_object]` attribute: structs that are read from Meta's JSON objects.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::punctuated::Punctuated;
use syn::{Attribute, Field, Fields, ItemStruct, LitStr, Token};

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
    let mut expansion = Expansion::default();
    for field in &mut fields.named {
        expansion.add(field)?;
    }
    if expansion.names.len() > MAX_MEMBERS {
        return Err(syn::Error::new(
            item.ident.span(),
            "expected at most 64 members",
        ));
    }
    let name = &item.ident;
    let Expansion {
        names,
        variables,
        assignments,
        fields,
        writes,
    } = expansion;
    let (arms, indexes) = (0..names.len(), 0..names.len());
    Ok(quote! {
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        #item

        impl crate::json::object::MemberValue for #name {
            #[inline]
            fn read_node(
                json: crate::json::object::Lenient<'_, '_>,
            ) -> Result<Option<Self>, crate::json::Fault> {
                use crate::json::object;
                const NAMES: &[&str] = &[#(#names),*];
                #(let mut #variables;)*
                let index_of = |name: &[u8]| {
                    #(if *name == *#names.as_bytes() {
                        return Some(#indexes);
                    })*
                    None
                };
                let members = object::read_members(json, NAMES, index_of, |at, json| match at {
                    #(#arms => #assignments,)*
                    _ => Ok(()),
                })?;
                Ok(Some(Self { #(#fields,)* }))
            }
        }

        #[automatically_derived]
        impl<'de> serde::Deserialize<'de> for #name {
            fn deserialize<D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                crate::json::object::deserialize(deserializer)
            }
        }

        #[automatically_derived]
        impl serde::Serialize for #name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut members = serializer.serialize_map(None)?;
                #(#writes?;)*
                serde::ser::SerializeMap::end(members)
            }
        }
    })
}

/// The generated code of a struct, field by field.
#[derive(Default)]
struct Expansion {
    /// The names of the members, in the order of the fields.
    names: Vec<String>,
    /// The variable of each field, with its initial value.
    variables: Vec<TokenStream>,
    /// The assignment of each member to its variable, from the optional `json`.
    assignments: Vec<TokenStream>,
    /// Each field with its value, from the variable and `members`.
    fields: Vec<TokenStream>,
    /// The serialization of each field to the map `members`.
    writes: Vec<TokenStream>,
}

impl Expansion {
    /// Adds a field, and removes its `json` attribute.
    fn add(&mut self, field: &mut Field) -> syn::Result<()> {
        let ident = field.ident.clone().expect("named fields have identifiers");
        let is_json = |attribute: &Attribute| attribute.path().is_ident("json");
        let names = match field.attrs.iter().position(is_json) {
            Some(at) => Names::parse(&field.attrs.remove(at))?,
            None => Names::Member(ident.to_string()),
        };
        match names {
            Names::Member(name) => self.add_member(&ident, name),
            Names::Ids(names) => self.add_ids(&ident, names),
        }
        Ok(())
    }

    fn add_member(&mut self, ident: &Ident, name: String) {
        let at = self.names.len();
        self.variables
            .push(quote!(#ident = object::MemberValue::missing()));
        self.assignments
            .push(quote!(object::assign(&mut #ident, json)));
        self.fields
            .push(quote!(#ident: object::take(#ident, &members, #at)?));
        self.writes
            .push(quote!(crate::json::object::write(&mut members, #name, &self.#ident)));
        self.names.push(name);
    }

    fn add_ids(&mut self, ident: &Ident, names: [String; 3]) {
        self.variables
            .push(quote!(#ident = crate::model::Ids::default()));
        for id in ["wa_id", "user_id", "parent_user_id"] {
            let id = Ident::new(id, ident.span());
            self.assignments
                .push(quote!(object::assign_id(&mut #ident.#id, json)));
        }
        self.fields
            .push(quote!(#ident: crate::model::Identity::from_ids(&#ident)));
        self.writes.push(
            quote!(crate::model::write_ids(&mut members, [#(#names),*], self.#ident.as_ref())),
        );
        self.names.extend(names);
    }
}

/// The members of a field.
enum Names {
    /// One member.
    Member(String),
    /// The ids of a user: the WhatsApp id, the user id and the parent user id.
    Ids([String; 3]),
}

impl Names {
    /// Parses `#[json(rename = "…")]` or `#[json(ids("…", "…", "…"))]`.
    fn parse(attribute: &Attribute) -> syn::Result<Self> {
        let mut names = None;
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("rename") {
                let name: LitStr = meta.value()?.parse()?;
                names = Some(Self::Member(name.value()));
                return Ok(());
            }
            if !meta.path.is_ident("ids") {
                return Err(meta.error("expected `rename` or `ids`"));
            }
            let list;
            syn::parenthesized!(list in meta.input);
            let list = Punctuated::<LitStr, Token![,]>::parse_terminated(&list)?;
            let list: Vec<_> = list.iter().map(LitStr::value).collect();
            let ids = list.try_into();
            names = Some(Self::Ids(
                ids.map_err(|_| meta.error("expected three names"))?,
            ));
            Ok(())
        })?;
        names.ok_or_else(|| syn::Error::new_spanned(attribute, "expected `rename` or `ids`"))
    }
}
