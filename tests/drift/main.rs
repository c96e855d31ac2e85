//! Drift made by hand, one of each kind, in the simulated NetBox, in AAA and in the store: found, with the right preview, and nothing found
//! where nothing is wrong. On the whole program as the demo composes it; only what is outside is simulated.

mod aaa;
mod checks;
mod netbox;
mod place;
mod repairs;
