//! Calls of the schema's functions, by which a commit writes its changes.
//!
//! A commit is one statement, and so one message to the server, however many rows it writes.

use std::fmt::Write as _;

use crate::row::Param;
use crate::schema::Schema;

/// The SQLSTATE of a commit whose transaction must begin with [`begin`](crate::session::begin).
macro_rules! needs_begin {
    () => {
        "WS001"
    };
}
pub(crate) use needs_begin;

/// A function of the schema. It returns true if all rows have the versions that a decision read.
pub(crate) struct Function {
    name: &'static str,
    /// The types of its arguments.
    arguments: &'static str,
    body: Body,
}

enum Body {
    Plpgsql(&'static str),
    Write(&'static str),
    WriteAll(&'static str),
    Check(&'static str),
}

impl Function {
    /// Creates a function with this body in PL/pgSQL.
    pub(crate) const fn new(
        name: &'static str,
        arguments: &'static str,
        body: &'static str,
    ) -> Self {
        Self::with(name, arguments, Body::Plpgsql(body))
    }

    /// Creates a function that runs statements.
    pub(crate) const fn write(
        name: &'static str,
        arguments: &'static str,
        sql: &'static str,
    ) -> Self {
        Self::with(name, arguments, Body::Write(sql))
    }

    /// Creates a function that runs statements. The first one must write a row for each element of the
    /// first argument.
    pub(crate) const fn write_all(
        name: &'static str,
        arguments: &'static str,
        sql: &'static str,
    ) -> Self {
        Self::with(name, arguments, Body::WriteAll(sql))
    }

    /// Creates a function that returns the value of an expression.
    pub(crate) const fn check(
        name: &'static str,
        arguments: &'static str,
        sql: &'static str,
    ) -> Self {
        Self::with(name, arguments, Body::Check(sql))
    }

    const fn with(name: &'static str, arguments: &'static str, body: Body) -> Self {
        Self {
            name,
            arguments,
            body,
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the body in PL/pgSQL, as the server stores it.
    pub(crate) fn source(&self, schema: &Schema) -> String {
        let body = match self.body {
            Body::Plpgsql(body) => body.to_owned(),
            Body::Write(sql) => format!("BEGIN {} RETURN true; END", by_rows(&format!("{sql};"))),
            Body::WriteAll(sql) => {
                let sql = format!("{sql};");
                let (first, rest) = sql.split_once(';').unwrap_or_default();
                let sql = by_rows(&format!(
                    "{first}; GET DIAGNOSTICS written = ROW_COUNT;{rest}"
                ));
                format!("DECLARE written bigint; BEGIN {sql} RETURN written = cardinality($1); END")
            }
            Body::Check(sql) => format!("BEGIN {} END", by_rows(&format!("RETURN {sql};"))),
        };
        schema.insert_name(&body)
    }

    /// Returns the statement that creates the function.
    pub(crate) fn create(&self, schema: &Schema) -> String {
        let body = self.source(schema);
        let body = body.replace('\\', r"\\").replace('\'', "''");
        format!(
            "CREATE FUNCTION {}.{}({}) RETURNS boolean LANGUAGE plpgsql AS E'{body}'",
            schema.quoted(),
            self.name,
            self.arguments
        )
    }
}

/// Returns statements over arrays, with a branch for arrays of one element: reading one row from
/// arrays takes longer than inserting it.
fn by_rows(sql: &str) -> String {
    let (mut one, mut rest, mut first) = (String::new(), sql, None);
    while let Some((before, after)) = rest.split_once("unnest(") {
        let (arrays, after) = after.split_once(')').unwrap_or((after, ""));
        let mut elements: Vec<_> = arrays
            .split(", ")
            .map(|name| format!("{name}[1]"))
            .collect();
        let without_ordinality = after.strip_prefix(" WITH ORDINALITY");
        elements.extend(without_ordinality.map(|_| "1::bigint".to_owned()));
        let _ = write!(one, "{before}(SELECT {})", elements.join(", "));
        rest = without_ordinality.unwrap_or(after);
        first = first.or(arrays.split(", ").next());
    }
    match first {
        Some(first) => {
            format!("IF cardinality({first}) = 1 THEN {one}{rest} ELSE {sql} END IF;")
        }
        None => sql.to_owned(),
    }
}

/// Calls of functions, in order.
#[derive(Default)]
pub(crate) struct Calls<'a> {
    /// The names of the functions, each with its number of parameters.
    functions: Vec<(&'static str, usize)>,
    params: Vec<Param<'a>>,
}

impl<'a> Calls<'a> {
    /// Adds a call.
    pub(crate) fn push(&mut self, function: &'static Function, params: Vec<Param<'a>>) {
        self.functions.push((function.name, params.len()));
        self.params.extend(params);
    }

    /// Returns the statement that makes the calls, with its parameters. It fails at the first call that
    /// returns `false`. The calls are nested in `CASE`s, because only these guarantee an order.
    pub(crate) fn into_statement(self, schema: &Schema) -> (String, Vec<Param<'a>>) {
        let (schema, mut param) = (schema.quoted(), 0);
        let mut sql = format!("SELECT {schema}.require(");
        for (name, params) in &self.functions {
            let _ = write!(sql, "CASE WHEN {schema}.{name}(");
            for n in 0..*params {
                param += 1;
                let _ = write!(sql, "{}${param}", if n == 0 { "" } else { ", " });
            }
            sql.push_str(") THEN ");
        }
        sql.push_str("true");
        for _ in &self.functions {
            sql.push_str(" END");
        }
        sql.push(')');
        (sql, self.params)
    }
}
