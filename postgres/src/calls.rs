//! Calls of the schema's functions, by which a commit writes its changes.
//!
//! A commit is one statement that calls one function after the other, however many rows there are,
//! and so one message to the server.

use std::fmt::Write as _;

use crate::schema::Schema;
use crate::session::Param;
use crate::{commit, contacts, counted, messages, reads, turns};

/// A function of the schema. It returns whether all rows that it used are as a decision saw them.
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
    /// Returns the function with this body in PL/pgSQL.
    pub(crate) const fn new(
        name: &'static str,
        arguments: &'static str,
        body: &'static str,
    ) -> Self {
        Self::with(name, arguments, Body::Plpgsql(body))
    }

    /// Returns the function that runs statements.
    pub(crate) const fn write(
        name: &'static str,
        arguments: &'static str,
        sql: &'static str,
    ) -> Self {
        Self::with(name, arguments, Body::Write(sql))
    }

    /// Returns the function that runs a statement, which must write a row for each element of the
    /// first argument.
    pub(crate) const fn write_all(
        name: &'static str,
        arguments: &'static str,
        sql: &'static str,
    ) -> Self {
        Self::with(name, arguments, Body::WriteAll(sql))
    }

    /// Returns the function with the value of an expression.
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

    /// Returns the functions of all commits.
    pub(crate) fn all() -> impl Iterator<Item = &'static Self> {
        let files = [
            reads::FUNCTIONS,
            commit::FUNCTIONS,
            turns::FUNCTIONS,
            contacts::FUNCTIONS,
            messages::FUNCTIONS,
            counted::FUNCTIONS,
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
        format!(
            "CREATE FUNCTION {}.{}({}) RETURNS boolean LANGUAGE plpgsql AS E'{body}'",
            schema.quoted(),
            self.name,
            self.arguments
        )
    }
}

/// Calls of functions, in their order.
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

    /// Returns the statement that makes the calls, with its parameters: each of them if those
    /// before it returned `true`, and without that the statement fails. Only a `CASE` promises the
    /// order.
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
