//! Calls of the schema's functions, by which a commit writes its changes.
//!
//! A commit is one statement that calls one function after the other, however many rows there are,
//! and so one message to the server.

use std::fmt::Write as _;

use crate::schema::Schema;
use crate::session::Param;
use crate::{commit, contacts, messages, reads, turns};

/// A function of the schema. It returns whether all rows that it used are as a decision saw them.
pub(crate) struct Function {
    name: Name,
    arguments: Types,
    body: Body,
}

type Name = &'static str;
type Types = &'static [&'static str];

enum Body {
    Plpgsql(&'static str),
    Write(&'static str),
    WriteAll(&'static str),
    Check(&'static str),
}

impl Function {
    /// Returns the function with this body in PL/pgSQL.
    pub(crate) const fn new(name: Name, arguments: Types, body: &'static str) -> Self {
        Self::with(name, arguments, Body::Plpgsql(body))
    }

    /// Returns the function that runs statements.
    pub(crate) const fn write(name: Name, arguments: Types, sql: &'static str) -> Self {
        Self::with(name, arguments, Body::Write(sql))
    }

    /// Returns the function that runs a statement, which must write a row for each element of the
    /// first argument.
    pub(crate) const fn write_all(name: Name, arguments: Types, sql: &'static str) -> Self {
        Self::with(name, arguments, Body::WriteAll(sql))
    }

    /// Returns the function with the value of an expression.
    pub(crate) const fn check(name: Name, arguments: Types, sql: &'static str) -> Self {
        Self::with(name, arguments, Body::Check(sql))
    }

    const fn with(name: Name, arguments: Types, body: Body) -> Self {
        Self {
            name,
            arguments,
            body,
        }
    }

    /// Returns the functions of all commits.
    pub(crate) fn all() -> impl Iterator<Item = &'static Self> {
        let files = [
            reads::FUNCTIONS,
            commit::FUNCTIONS,
            turns::FUNCTIONS,
            contacts::FUNCTIONS,
            messages::FUNCTIONS,
        ];
        files.into_iter().flatten().copied()
    }

    /// Returns the statement that creates it.
    pub(crate) fn create(&self, schema: &Schema) -> String {
        let body = match self.body {
            Body::Plpgsql(body) => body.to_owned(),
            Body::Write(sql) => format!("BEGIN {sql}; RETURN true; END"),
            Body::WriteAll(sql) => format!(
                "DECLARE written bigint; BEGIN {sql}; GET DIAGNOSTICS written = ROW_COUNT; \
                RETURN written = cardinality($1); END"
            ),
            Body::Check(sql) => format!("BEGIN RETURN {sql}; END"),
        };
        let body = schema.insert_name(&body);
        let body = body.replace('\\', r"\\").replace('\'', "''");
        let (name, arguments) = (self.name, self.arguments.join(", "));
        let name = schema.insert_name(&format!("schema.{name}"));
        format!("CREATE FUNCTION {name}({arguments}) RETURNS boolean LANGUAGE plpgsql AS E'{body}'")
    }
}

/// Calls of functions, in their order.
#[derive(Default)]
pub(crate) struct Calls<'a> {
    functions: Vec<&'static Function>,
    params: Vec<Param<'a>>,
}

impl<'a> Calls<'a> {
    /// Adds a call.
    pub(crate) fn push(&mut self, function: &'static Function, params: Vec<Param<'a>>) {
        self.functions.push(function);
        self.params.extend(params);
    }

    /// Returns the statement that makes the calls, with its parameters: each of them if those
    /// before it returned `true`, and without that the statement fails. Only a `CASE` promises the
    /// order.
    pub(crate) fn into_statement(self, schema: &Schema) -> (String, Vec<Param<'a>>) {
        let (mut sql, mut param) = (String::from("SELECT schema.require("), 0);
        for function in &self.functions {
            let _ = write!(sql, "CASE WHEN schema.{}(", function.name);
            for n in 0..function.arguments.len() {
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
        (schema.insert_name(&sql), self.params)
    }
}
