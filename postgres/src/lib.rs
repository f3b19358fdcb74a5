#![doc = include_str!("../README.md")]

mod error;

mod row;
mod schema;

mod calls;
mod session;

mod counters;
mod turns;

mod load;

mod reads;

mod contacts;
mod messages;

mod commit;

mod check;
mod queries;

mod store;

pub use deadpool_postgres;
pub use store::{PostgresOptions, PostgresStore};
