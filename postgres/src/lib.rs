#![doc = include_str!("../README.md")]

mod backlog;
mod calls;
mod check;
mod commit;
mod contacts;
mod counted;
mod error;
mod load;
mod messages;
mod options;
mod pages;
mod reads;
mod row;
mod schema;
mod session;
mod store;
mod turns;

pub use deadpool_postgres;
pub use options::PostgresOptions;
pub use store::PostgresStore;
