//! The built-in IPAM behind the port `Ipam`, for those without NetBox. It chooses pools by the same rule; what is given stands in a book
//! that the store keeps, or the centre.

mod built_in;

pub use built_in::{BuiltIn, BuiltInPool};
