//! Headless mode: what listens. `/health` says how this process and its upstreams do, `/hooks/netbox` takes the webhooks of NetBox as hints
//! to look again. What is looked at, and how, is behind the ports of this crate; the program composes them.

mod health;
mod hooks;
mod ports;
mod serve;

pub use health::{HealthReport, Part, State};
pub use hooks::{HookConfig, Hooks, signature};
pub use ports::{Health, Look, LookError};
pub use serve::{Server, ServerConfig};
