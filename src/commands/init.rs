//! `noctule init`: a commented configuration with a tenant of its own.

use super::Out;
use crate::cli::{GlobalArgs, InitArgs, InitCommand};
use crate::config::{Environment, Folders, load, write_example};
use crate::exit::{Exit, Failure};
use noctule_domain::{SafeText, TenantId};
use std::path::PathBuf;

pub async fn run(flags: &GlobalArgs, args: &InitArgs, out: &mut Out) -> Result<Exit, Failure> {
    if let Some(InitCommand::Netbox { yes }) = &args.what {
        let loaded = load(flags, &Environment::of_process())?;
        if loaded.read_only {
            return Err(super::context::read_only("init netbox"));
        }
        return crate::compose::init_netbox(&loaded, *yes).await;
    }
    let environment = Environment::of_process();
    let named = flags.config.clone().or_else(|| environment.0.get("NOCTULE_CONFIG").map(PathBuf::from));
    let file = match named {
        Some(file) => file,
        None => Folders::find()?.config_file(),
    };
    write_example(&file, TenantId::from_uuid(uuid::Uuid::now_v7()), args.force)?;
    out.line(format!("wrote {} (mode 0600)", SafeText::new(&file.to_string_lossy())))?;
    out.line("Next: fill in [netbox], then `noctule init netbox`, `noctule import nas FILE.csv`, `noctule import subscribers FILE.csv`, `noctule doctor`.")?;
    Ok(Exit::Ok)
}
