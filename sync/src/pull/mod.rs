//! Whole copies and increments, from the centre into the local cache.
