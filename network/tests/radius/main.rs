//! RADIUS on the wire: the test vectors, a hostile NAS in this process, and a real FreeRADIUS that plays a NAS.

mod hostile;
mod server;
mod vectors;
mod wire;
