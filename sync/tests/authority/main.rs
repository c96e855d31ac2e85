//! The centre as the authority of lifecycle operations, against a private PostgreSQL: the rules inside it are those of the domain, a client
//! made by hand does not get around them, and what is asked twice is done once.

mod audit;
mod conformance;
mod dice;
mod jobs;
mod lease;
mod machine;
mod place;
mod proof;
mod skipping;
mod timing;
mod twice;
