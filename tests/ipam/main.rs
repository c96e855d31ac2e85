//! What every IPAM must do, whoever keeps the prefixes: NetBox (simulated, over HTTP), the built-in one in the local store, the built-in one
//! in a real centre. One suite; each test is told three times.

#![allow(clippy::unwrap_used)]

/// The same test on each of them.
macro_rules! on_each {
    ($name:ident) => {
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn on_netbox() {
                super::$name(crate::place::Place::netbox).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn built_in_the_store() {
                super::$name(crate::place::Place::store).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn built_in_the_centre() {
                super::$name(crate::place::Place::centre).await;
            }
        }
    };
}

#[path = "../support/mod.rs"]
mod support;

mod built_in;
mod place;
mod suite;
