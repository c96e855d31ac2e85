//! The local SQLite store of Noctule: the authority of single-machine mode. It knows the domain and nothing of screens or networks.

mod audit;
mod authority;
mod codec;
mod consoles;
mod error;
mod migrate;
mod nas;
mod open;
mod operations;
mod store;
mod subscribers;
mod threads;

pub use error::{OpenError, StoreError};
pub use open::{MethodsOf, OpenOptions, set_aside};
pub use operations::OperationFilter;
pub use store::Store;
