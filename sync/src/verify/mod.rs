//! Both sides compared by checksums, and what differs fetched again.
