//! Puts the layers together. `load` is for commands: a wrong configuration is an error. `load_or_safe` is for the console: it starts all
//! the same, read-only, and says why.

use super::keys::{KEYS, Kind, env_name};
use super::sections::Config;
use super::{ConfigError, Folders, Place, check};
use crate::cli::GlobalArgs;
use crate::near;
use noctule_domain::SafeText;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use toml::de::DeTable;

/// Larger than any sensible configuration; a device or a database given by mistake ends here.
const MAX_FILE: u64 = 1 << 20;

/// The variables that matter, taken once so that tests can give their own.
#[derive(Debug, Clone, Default)]
pub struct Environment(pub BTreeMap<String, String>);

impl Environment {
    /// Ours only. A value that is not UTF-8 is shown as it can be, and refused by the checks of its key.
    pub fn of_process() -> Self {
        let ours = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok().filter(|name| name.starts_with("NOCTULE_"))?;
            Some((name, value.to_string_lossy().into_owned()))
        });
        Self(ours.collect())
    }
}

/// A configuration with where it came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub config: Config,
    pub folders: Folders,
    /// The file that was read, or would be.
    pub file: PathBuf,
    pub file_found: bool,
    /// Asked with --read-only, or forced by a wrong configuration.
    pub read_only: bool,
}

impl Loaded {
    pub fn store_path(&self) -> PathBuf {
        self.config.store.path.clone().unwrap_or_else(|| self.folders.store_file())
    }

    /// The copy of the centre and its outbox: by tenant, so that two providers never share one.
    pub fn central_folder(&self) -> PathBuf {
        let tenant = self.config.tenant.id.map(|id| id.to_string()).unwrap_or_else(|| "no-tenant".into());
        self.config.central.folder.clone().unwrap_or_else(|| self.folders.data.join("central").join(tenant))
    }

    /// The keymap file: the configured one, else `keymap.toml` beside the configuration when it is there.
    pub fn keymap_path(&self) -> Option<PathBuf> {
        let beside = self.folders.config.join("keymap.toml");
        self.config.console.keymap.clone().or_else(|| beside.is_file().then_some(beside))
    }
}

/// Reads everything; the first thing that is wrong is the error.
pub fn load(flags: &GlobalArgs, environment: &Environment) -> Result<Loaded, ConfigError> {
    let folders = Folders::find()?;
    let named = flags.config.clone().or_else(|| environment.0.get("NOCTULE_CONFIG").map(PathBuf::from));
    let file = named.clone().unwrap_or_else(|| folders.config_file());
    let text = read(&file)?;
    if text.is_none() && named.is_some() {
        return Err(ConfigError::Missing(SafeText::new(&file.to_string_lossy())));
    }
    let text_or_empty = text.as_deref().unwrap_or_default();
    let in_file = |span: std::ops::Range<usize>, message: String| ConfigError::Wrong {
        place: Place::Line { file: file.clone(), line: line_of(text_or_empty, span.start) },
        message,
    };
    let mut table = parse(text_or_empty, &in_file)?;
    let variables = layer_environment(&mut table, environment)?;
    let mut config: Config = table.try_into().map_err(|e: toml::de::Error| in_file(0..0, e.message().to_owned()))?;
    resolve_paths(&mut config, file.parent().unwrap_or(Path::new(".")), &folders);
    layer_flags(&mut config, flags)?;
    if let Err((section, name, message)) = check::rules(&config) {
        if let Some(variable) = variables.get(&(section, name)) {
            return Err(ConfigError::Wrong { place: Place::Variable(variable.clone()), message });
        }
        return Err(in_file(place_of(text_or_empty, section, name), message));
    }
    Ok(Loaded { config, folders, file, file_found: text.is_some(), read_only: flags.read_only })
}

/// As `load`, but a wrong configuration gives the defaults, read-only, with the error to show. The store and tenant are still taken from
/// the parts that can be read, so that the console shows the right rows.
pub fn load_or_safe(flags: &GlobalArgs, environment: &Environment) -> Result<(Loaded, Option<ConfigError>), ConfigError> {
    match load(flags, environment) {
        Ok(loaded) => Ok((loaded, None)),
        Err(error) => {
            let folders = Folders::find()?;
            let file = flags.config.clone().unwrap_or_else(|| folders.config_file());
            let mut config = salvage(&file, &folders);
            if flags.store.is_some() {
                config.store.path.clone_from(&flags.store);
            }
            config.console.ascii |= flags.ascii;
            config.console.plain |= flags.plain;
            let file_found = file.is_file();
            Ok((Loaded { config, folders, file, file_found, read_only: true }, Some(error)))
        }
    }
}

fn read(file: &Path) -> Result<Option<String>, ConfigError> {
    let unreadable = |why: &str| ConfigError::Unreadable { file: SafeText::new(&file.to_string_lossy()), why: SafeText::new(why) };
    let open = match std::fs::File::open(file) {
        Ok(open) => open,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(&error.to_string())),
    };
    let mut bytes = Vec::new();
    open.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error.to_string()))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(unreadable("it is larger than 1 MiB"));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(error) => {
            let line = error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
            Err(unreadable(&format!("line {line} is not UTF-8")))
        }
    }
}

fn parse(text: &str, in_file: &dyn Fn(std::ops::Range<usize>, String) -> ConfigError) -> Result<toml::Table, ConfigError> {
    let spanned = DeTable::parse(text).map_err(|e| in_file(e.span().unwrap_or(0..0), format!("this is not TOML: {}", e.message())))?;
    check::walk(spanned.get_ref()).map_err(|finding| in_file(finding.span, finding.message))?;
    // Typed once from the text, so that what the walk can not know (an address, a UUID) has its line too.
    if let Err(error) = toml::from_str::<Config>(text) {
        return Err(in_file(error.span().unwrap_or(0..0), typed(&error)));
    }
    text.parse().map_err(|e: toml::de::Error| in_file(0..0, e.message().to_owned()))
}

fn typed(error: &toml::de::Error) -> String {
    SafeText::bounded(error.message(), 200).into_string()
}

type FromVariables = BTreeMap<(&'static str, &'static str), String>;

fn layer_environment(table: &mut toml::Table, environment: &Environment) -> Result<FromVariables, ConfigError> {
    let mut set = FromVariables::new();
    for key in KEYS {
        let Some(name) = env_name(key) else { continue };
        let Some(raw) = environment.0.get(&name) else { continue };
        let wrong = |message: String| ConfigError::Wrong { place: Place::Variable(name.clone()), message };
        let value = match key.kind {
            Kind::Flag => match raw.to_ascii_lowercase().as_str() {
                "1" | "true" | "yes" | "on" => toml::Value::Boolean(true),
                "0" | "false" | "no" | "off" | "" => toml::Value::Boolean(false),
                _ => return Err(wrong("true or false is wanted".into())),
            },
            Kind::Number { min, max } => match raw.trim().parse::<i64>() {
                Ok(n) if (min..=max).contains(&n) => toml::Value::Integer(n),
                _ => return Err(wrong(format!("a whole number from {min} to {max} is wanted"))),
            },
            Kind::Word(words) if !words.contains(&raw.as_str()) => {
                let shown = SafeText::bounded(raw, 60);
                return Err(wrong(format!("'{shown}' is none of {}{}", words.join(", "), near::hint(raw, words.iter().copied()))));
            }
            _ => toml::Value::String(raw.clone()),
        };
        let alone = toml::Table::from_iter([(
            key.section.to_owned(),
            toml::Value::Table(toml::Table::from_iter([(key.name.to_owned(), value.clone())])),
        )]);
        alone.try_into::<Config>().map_err(|e: toml::de::Error| wrong(typed(&e)))?;
        let section = table.entry(key.section).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        if let Some(section) = section.as_table_mut() {
            section.insert(key.name.to_owned(), value);
        }
        set.insert((key.section, key.name), name);
    }
    Ok(set)
}

fn layer_flags(config: &mut Config, flags: &GlobalArgs) -> Result<(), ConfigError> {
    if let Some(theme) = &flags.theme {
        config.console.theme = theme.parse().map_err(|unknown: noctule_domain::words::UnknownWord| {
            let hint = near::hint(theme, unknown.known.iter().copied());
            ConfigError::Wrong { place: Place::Option("--theme"), message: format!("{unknown}{hint}") }
        })?;
    }
    if flags.store.is_some() {
        config.store.path.clone_from(&flags.store);
    }
    if flags.profile_dir.is_some() {
        config.radius.profiles_dir.clone_from(&flags.profile_dir);
    }
    config.console.ascii |= flags.ascii;
    config.console.plain |= flags.plain;
    config.log.level = match flags.verbose {
        0 => config.log.level,
        1 => config.log.level.max(super::LogLevel::Debug),
        _ => super::LogLevel::Trace,
    };
    Ok(())
}

/// Paths of the file are meant from where the file stands; `~/` is the home folder.
fn resolve_paths(config: &mut Config, base: &Path, _folders: &Folders) {
    let home = directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_path_buf());
    let paths = [
        &mut config.console.keymap,
        &mut config.store.path,
        &mut config.netbox.ca_file,
        &mut config.radius.profiles_dir,
        &mut config.radius.radsec_ca_file,
        &mut config.radius.radsec_cert_file,
        &mut config.radius.radsec_key_file,
        &mut config.central.ca_file,
        &mut config.central.cert_file,
        &mut config.central.key_file,
        &mut config.central.folder,
        &mut config.aaa.ca_file,
        &mut config.aaa.cert_file,
        &mut config.aaa.key_file,
        &mut config.log.file,
    ];
    for path in paths.into_iter().flatten() {
        if let (Ok(rest), Some(home)) = (path.strip_prefix("~"), &home) {
            *path = home.join(rest);
        } else if path.is_relative() {
            *path = base.join(&path);
        }
    }
}

/// Section by section, what can be read of a wrong file.
fn salvage(file: &Path, folders: &Folders) -> Config {
    let mut config = Config::default();
    let Ok(Some(text)) = read(file) else { return config };
    let (table, _) = DeTable::parse_recoverable(&text);
    for (name, value) in table.get_ref().iter() {
        let Some(inner) = value.get_ref().as_table() else { continue };
        let text_of = |key: &str| inner.get(key).and_then(|v| v.get_ref().as_str().map(str::to_owned));
        match name.get_ref().as_ref() {
            "tenant" => config.tenant.id = text_of("id").and_then(|id| id.parse().ok()),
            "store" => config.store.path = text_of("path").map(PathBuf::from),
            "central" => {
                config.central.url = text_of("url").filter(|url| super::CentralPlace::parse(url).is_ok());
                config.central.folder = text_of("folder").map(PathBuf::from);
            }
            "console" => {
                config.console.theme = text_of("theme").and_then(|word| word.parse().ok()).unwrap_or(config.console.theme);
                config.console.ascii = inner.get("ascii").and_then(|v| v.get_ref().as_bool()).unwrap_or(false);
            }
            _ => {}
        }
    }
    resolve_paths(&mut config, file.parent().unwrap_or(Path::new(".")), folders);
    config
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|b| **b == b'\n').count() + 1
}

fn place_of(text: &str, section: &str, name: &str) -> std::ops::Range<usize> {
    let Ok(table) = DeTable::parse(text) else { return 0..0 };
    let found = table.get_ref().get(section).and_then(|s| s.get_ref().as_table()).and_then(|t| t.get(name)).map(|v| v.span());
    found.unwrap_or(0..0)
}

#[cfg(test)]
#[path = "load_tests.rs"]
mod tests;
