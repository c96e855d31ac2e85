//! Starting the console: on the operator's configuration, or read-only with the trouble on the screen when that is wrong.

use super::central::Central;
use super::{Services, services};
use crate::cli::{ColorChoice, GlobalArgs, ReplayArgs};
use crate::commands::actor;
use crate::config::{ConfigError, Loaded};
use crate::console::{self as screen, ConsoleSetup, ReplayError};
use crate::exit::{Exit, Failure};
use crate::secrets::Secrets;
use noctule_domain::SafeText;
use noctule_domain::sync::Replica;
use noctule_storage::{OpenError, Store};
use noctule_ui::{AppConfig, Keymap, Notice};
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The full-screen console. `trouble` is what was wrong with the configuration: the console is then read-only and shows it.
pub async fn console(loaded: Loaded, flags: &GlobalArgs, trouble: Option<ConfigError>) -> Result<Exit, Failure> {
    let mut notices = Vec::new();
    let mut read_only = loaded.read_only.then(|| SafeText::from("read-only: --read-only was given"));
    if let Some(trouble) = &trouble {
        notices.push(Notice::critical(format!("{trouble}. Until that is mended nothing is changed from here.")));
        read_only = Some("read-only: the configuration is wrong".into());
    }
    let base = loaded.file.parent().map(Path::to_path_buf).unwrap_or_default();
    let secrets = Secrets::new(base);
    if loaded.config.central.is_on() && trouble.is_none() {
        // Later there is no line to ask on.
        Central::ask_before(&loaded, &secrets).map_err(|e| Failure::new(Exit::Config, format!("the password of the centre: {e}")))?;
    }
    let store = open_store(&loaded, &mut notices)?;
    if store.is_read_only() && read_only.is_none() {
        let why = SafeText::new(&format!("read-only: {} can not be written", store.path().display()));
        notices.push(Notice::warning(format!("The store {} can not be written: nothing is changed from here.", store.path().display())));
        read_only = Some(why);
    }
    let services = services(&loaded, store, secrets, actor(&loaded, "console"), read_only)?;
    run_console(services, &loaded, flags, notices, false).await
}

/// A damaged store is set aside, never deleted, and the console starts on a new one and says so. Every other trouble ends here in words.
fn open_store(loaded: &Loaded, notices: &mut Vec<Notice>) -> Result<Store, Failure> {
    let options = crate::commands::store_options(loaded)?;
    if loaded.config.central.is_on() {
        // A damaged copy is made anew by the sync; the outbox, which nobody else has, is looked after by the store itself.
        return Ok(crate::commands::open_store(loaded, options)?);
    }
    let path = loaded.store_path();
    match Store::open(&path, options.clone()) {
        Err(error @ (OpenError::Damaged { .. } | OpenError::NotADatabase { .. })) if !loaded.read_only => {
            let aside = noctule_storage::set_aside(&path)
                .map_err(|e| Failure::new(Exit::Store, format!("{error}; it could not be set aside either: {e}")))?;
            let kept = aside.file_name().unwrap_or_default().to_string_lossy();
            // What matters first: a line of the screen may end before the sentence does.
            notices.push(Notice::critical(format!(
                "The store was damaged: it is kept as {kept} beside this new, empty one. See 'Damaged store' in docs/troubleshooting.md ({error})."
            )));
            Ok(Store::open(&path, options)?)
        }
        other => Ok(other?),
    }
}

/// Runs the screens on services that are there already: the console's, or the demo's.
pub async fn run_console(
    services: Arc<Services>,
    loaded: &Loaded,
    flags: &GlobalArgs,
    mut notices: Vec<Notice>,
    demo: bool,
) -> Result<Exit, Failure> {
    let config = &loaded.config;
    let color = match flags.color {
        ColorChoice::Auto => None,
        ColorChoice::Always => Some(true),
        ColorChoice::Never => Some(false),
    };
    if let Err(error) = screen::start_log(&config.log, flags.verbose) {
        notices.push(Notice::warning(format!("The log file can not be written: {error}")));
    }
    let (depth, ascii) = screen::detect_look(config.console.ascii, color, |name| std::env::var(name).ok());
    let preferences_file = screen::preferences_file(&loaded.folders.state);
    let actor = services.actor();
    let mut app = AppConfig::new(chrono::Utc::now(), actor.name.as_str(), actor.role);
    app.zone = *chrono::Local::now().offset();
    app.tenant = config.tenant.name.clone().unwrap_or_else(|| if demo { "demo".into() } else { SafeText::default() });
    app.theme = config.console.theme.word().to_owned();
    app.depth = depth;
    app.ascii = ascii;
    app.demo = demo;
    app.central = services.central.is_some();
    app.read_only = services.read_only.clone();
    app.keymap = keymap(loaded, &mut notices);
    let term = std::env::var("TERM").unwrap_or_default();
    if config.console.plain || term == "dumb" || !std::io::stdout().is_terminal() {
        let mut out = std::io::stdout();
        screen::print_plain(&services, app, &mut out)
            .await
            .map_err(|e| Failure::new(Exit::Internal, format!("nothing can be written: {e}")))?;
        return Ok(Exit::Ok);
    }
    app.preferences = screen::load_preferences(&preferences_file);
    // What is asked for on the command line wins over what is remembered.
    if flags.theme.is_some() {
        app.preferences.theme.clone_from(&flags.theme);
    }
    app.preferences.mouse |= config.console.mouse;
    let setup = ConsoleSetup {
        services,
        app,
        // A demo leaves nothing behind.
        preferences_file: (!demo).then_some(preferences_file),
        record: flags.record.clone(),
        notices,
        refresh: Duration::from_millis(config.console.refresh_ms.into()),
    };
    let left = setup.services.clone();
    screen::run(setup).await.map_err(|e| Failure::new(Exit::Internal, format!("the console ended: {e}")))?;
    say_unsent(&left).await;
    Ok(Exit::Ok)
}

/// What waits is said when the screen is gone: whoever closes the laptop now should know.
async fn say_unsent(services: &Services) {
    if services.central.is_none() {
        return;
    }
    match services.store.outbox().await {
        Ok(outbox) if outbox.unsent > 0 => eprintln!(
            "noctule: {} change(s) wait in the outbox; they are pushed when a console runs here again, or by `noctule sync now`.",
            outbox.unsent
        ),
        Ok(_) => {}
        Err(error) => eprintln!("noctule: whether changes wait could not be read: {error}"),
    }
}

fn keymap(loaded: &Loaded, notices: &mut Vec<Notice>) -> Keymap {
    let Some(path) = loaded.keymap_path() else { return Keymap::default() };
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            let (keymap, errors) = Keymap::with_overrides(&text);
            notices.extend(errors.iter().take(3).map(|e| Notice::warning(format!("{}: {e}", path.display()))));
            keymap
        }
        Err(error) => {
            notices.push(Notice::warning(format!("The keymap {} can not be read: {error}", path.display())));
            Keymap::default()
        }
    }
}

pub async fn replay(args: &ReplayArgs, flags: &GlobalArgs) -> Result<Exit, Failure> {
    let color = matches!(flags.color, ColorChoice::Never).then_some(false);
    let (depth, _) = screen::detect_look(flags.ascii, color, |name| std::env::var(name).ok());
    let frames = args.frames || !std::io::stdout().is_terminal();
    screen::replay(&args.file, frames, depth, &mut std::io::stdout()).await.map_err(|error| match &error {
        ReplayError::Recording(_) => Failure::new(Exit::Usage, error.to_string()),
        ReplayError::Write(_) => Failure::new(Exit::Internal, error.to_string()),
    })?;
    Ok(Exit::Ok)
}
