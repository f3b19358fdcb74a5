#![doc = include_str!("../README.md")]

mod calls;
mod check;
mod commit;
mod contacts;
mod counters;
mod error;
mod load;
mod messages;
mod queries;
mod reads;
mod row;
mod schema;
mod session;
mod store;
mod turns;

pub use deadpool_postgres;
pub use store::{PostgresOptions, PostgresStore};
