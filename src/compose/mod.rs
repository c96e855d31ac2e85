//! Composition: where configuration, store, executor, screens, upstreams and simulators meet. Every command that acts and the console use
//! the same `Services`; the demo differs only in what its configuration points to.

mod aaa;
mod background;
mod build;
mod bulk;
mod central;
mod console;
mod demo;
mod demo_aaa;
mod demo_fill;
mod drift;
mod headless;
mod operate;
mod services;
mod sims;
mod unusable;
mod upstreams;

pub use aaa::{aaa_client, aaa_failure, aaa_use, aaa_user, read_accounting};
pub use background::Background;
pub use build::{methods, open_jobs, profiles, services};
pub use bulk::Set;
pub use central::{
    Answers, Central, Emergency, Memory, Sent, acting, ask, begin_queued, central_of, centre_config, emergency, fresh, keyring_name,
    link_of, login, reach, send,
};
pub use console::{console, replay, run_console};
pub use demo::{Demo, demo};
pub use demo_aaa::{SimAaa, nas_login};
pub use demo_fill::fill as fill_store;
pub use drift::{Drift, Pace, Repaired, background as drift_background, repair as repair_drift};
pub use headless::server;
pub use operate::{Operated, cancel, emergency_now, operate, resume, resume_all};
pub use services::Services;
pub use sims::sim;
pub use upstreams::{Probed, init_netbox, netbox_check, pools, probe};
