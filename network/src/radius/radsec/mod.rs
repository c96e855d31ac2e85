//! RADIUS over TLS (RFC 6614): one connection for each NAS, many requests on it at once, each under an identifier of the connection. There are no
//! repeats on a connection; when it is lost what has no answer is sent again on the next one, with the same content.

mod ask;
mod connect;
mod line;
mod lines;
mod serve;

pub use ask::{Ask, End, secret};
pub use connect::RadsecFiles;
pub use line::Whom;
pub use lines::Lines;
