//! RADIUS on the wire: the test vectors, a hostile NAS in this process, and a real FreeRADIUS that plays a NAS.

mod fake_nas;
mod fixtures;
mod hostile;
mod pacing;
mod profiles;
mod radsec;
mod requests;
mod server;
mod tls_peer;
mod vectors;
mod wire;
