//! Connections to the centre: where it is, TLS, who we are, and what went wrong.
