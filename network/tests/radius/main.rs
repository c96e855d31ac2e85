//! RADIUS on the wire: the test vectors, a hostile NAS in this process, and a real FreeRADIUS that plays a NAS.

mod fake_nas;
mod fixtures;
mod hostile;
mod pacing;
mod profiles;
mod requests;
mod server;
mod vectors;
mod wire;
