//! AAA against the real thing: FreeRADIUS with its PostgreSQL module on a private database. What a login gets is what radclient says.

mod faults;
mod logins;
mod names;
mod order;
mod place;
mod reader;
mod rights;
