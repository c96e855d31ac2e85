//! The local SQLite store of Noctule: the authority of single-machine mode. It knows the domain and nothing of screens or networks.

mod accounting;
mod audit;
mod authority;
mod codec;
mod consoles;
mod drift;
mod error;
mod import;
mod ipam;
mod jobs;
mod migrate;
mod nas;
mod open;
mod operations;
mod overview;
mod pools;
mod replica;
mod sessions;
mod store;
mod subscribers;
mod tasks;
mod technicians;
mod threads;
mod time_entries;
mod writer;

pub use accounting::Unproved;
pub use drift::{DriftFile, Mend, MendWhat};
pub use error::{OpenError, StoreError};
pub use import::{ImportCount, Importer, MAX_BATCH, NewNas, NewSession, NewSubscriber, NewTask, NewTechnician, RowError};
pub use jobs::Jobs;
pub use open::{MethodsOf, OpenOptions, set_aside};
pub use operations::OperationFilter;
pub use pools::PoolTold;
pub use replica::wipe;
pub use store::Store;
pub use subscribers::MAX_PAGE;
