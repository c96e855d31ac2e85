//! The store as the authority of lifecycle operations. The rules are the domain's; here they are asked inside a transaction, and what
//! they leave is written. Nothing in this folder decides by itself what an operation may do.

mod begin;
mod finish;
mod jobs;
mod lease;
mod port;
mod steps;

pub(crate) use port::subscriber_of;
use port::{Fail, held, not_found, operation_of};
