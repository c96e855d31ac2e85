//! What a command that works on the store has: configuration, the open store, secrets, and who acts.

use crate::cli::GlobalArgs;
use crate::config::{Environment, Loaded, load};
use crate::console::SystemClock;
use crate::exit::{Exit, Failure};
use crate::secrets::Secrets;
use noctule_domain::lifecycle::Actor;
use noctule_domain::permission::Permission;
use noctule_domain::secret::Secret;
use noctule_domain::subscriber::Subscriber;
use noctule_domain::sync::Replica;
use noctule_domain::{ConsoleId, SafeText};
use noctule_storage::{OpenError, OpenOptions, Store, StoreError};
use std::sync::Arc;

pub struct Context {
    pub loaded: Loaded,
    pub store: Store,
    pub secrets: Secrets,
    pub actor: Actor,
}

impl Context {
    /// Opens the store to look. It is never made by this, and brought up to date only when it has to be.
    pub fn to_read(flags: &GlobalArgs, command: &str) -> Result<Self, Failure> {
        Self::open(load(flags, &Environment::of_process())?, true, command)
    }

    /// Opens the store to change it.
    pub fn to_write(flags: &GlobalArgs, command: &str) -> Result<Self, Failure> {
        let loaded = load(flags, &Environment::of_process())?;
        if loaded.read_only {
            return Err(read_only(command));
        }
        Self::open(loaded, false, command)
    }

    /// Opens the store to look, and to note on the way what was heard, where that may be.
    pub fn to_note(flags: &GlobalArgs, command: &str) -> Result<Self, Failure> {
        let context = Self::to_read(flags, command)?;
        if context.loaded.read_only {
            return Ok(context);
        }
        Self::open(context.loaded, false, command)
    }

    fn open(loaded: Loaded, only_look: bool, command: &str) -> Result<Self, Failure> {
        let central = loaded.config.central.is_on();
        let path = if central { loaded.central_folder() } else { loaded.store_path() };
        if only_look && !path.exists() {
            let shown = SafeText::new(&path.to_string_lossy());
            let sentence = match central {
                true => format!("there is no copy of the centre at {shown} yet: `noctule sync now` or the console makes it"),
                false => format!("there is no store at {shown} yet: `noctule import` or the console makes it"),
            };
            return Err(Failure::new(Exit::Store, sentence));
        }
        let mut options = options(&loaded)?;
        options.read_only = only_look;
        let store = match open_store(&loaded, options.clone()) {
            // An older schema: bringing it up to date is the one change that looking needs.
            Err(OpenError::ReadOnly { .. }) if only_look && !loaded.read_only => {
                options.read_only = false;
                open_store(&loaded, options)
            }
            other => other,
        }?;
        let base = loaded.file.parent().map(std::path::Path::to_path_buf).unwrap_or_default();
        let mut actor = actor(&loaded, command);
        if central {
            // By the centre's last word, as on the screen. It has never spoken: then the centre itself decides, when it is asked.
            let memory = crate::compose::Memory::read(&loaded.central_folder()).get();
            actor.name = memory.as_ref().map_or_else(|| crate::compose::login(&loaded), |known| known.login.clone());
            actor.role = memory.map_or(actor.role, |known| known.role);
        }
        Ok(Self { loaded, store, secrets: Secrets::new(base), actor })
    }

    /// With a centre: refuses where the first copy never came whole. A list would be empty then, and a name unknown, though it is not so.
    pub async fn copied(self) -> Result<Self, Failure> {
        if !self.is_central() {
            return Ok(self);
        }
        let position = self.store.position().await.map_err(|error| Failure::new(Exit::Store, error.to_string()))?;
        if position.is_some() {
            return Ok(self);
        }
        let shown = SafeText::new(&self.loaded.central_folder().to_string_lossy());
        let sentence =
            format!("the copy of the centre at {shown} never came whole, so nothing can be said from it: `noctule sync now` fetches it");
        Err(Failure::new(Exit::Store, sentence))
    }

    pub fn is_central(&self) -> bool {
        self.loaded.config.central.is_on()
    }

    /// Refuses when the role of the operator does not include it.
    pub fn need(&self, permission: Permission) -> Result<(), Failure> {
        let role = self.actor.role;
        if role.allows(permission) {
            return Ok(());
        }
        Err(Failure::new(Exit::Guard, format!("the role {role} does not include {permission}; ask an admin")))
    }

    /// The one subscriber that is meant by a number, user name, id, prefix or address. Several are never guessed between.
    pub async fn subscriber(&self, text: &str) -> Result<Subscriber, Failure> {
        let shown = SafeText::bounded(text, 80);
        let rows = self.store.find_subscriber(text).await?;
        let gone = || {
            let sentence = format!("there is no subscriber '{shown}' in this tenant: give the number, the user name or the id");
            Failure::new(Exit::NotFound, sentence)
        };
        match rows.as_slice() {
            [] => Err(gone()),
            [row] => self.store.subscriber(row.id).await?.ok_or_else(gone),
            several => {
                let names: Vec<String> = several.iter().map(|row| format!("{} ({})", row.subscriber_number, row.username)).collect();
                Err(Failure::new(
                    Exit::Usage,
                    format!("'{shown}' names several subscribers: {}; name one by its id or number", names.join(", ")),
                ))
            }
        }
    }
}

/// How the store of a configuration is opened, by this process.
pub fn options(loaded: &Loaded) -> Result<OpenOptions, Failure> {
    let console = ConsoleId::from_uuid(uuid::Uuid::now_v7());
    let methods = crate::compose::methods(loaded)?;
    let mut options = OpenOptions::new(console, loaded.config.tenant_id()?, Arc::new(SystemClock), methods);
    options.read_only = loaded.read_only;
    options.hold = chrono::Duration::hours(i64::from(loaded.config.store.hold_hours));
    options.has_aaa = loaded.config.aaa.is_on();
    if loaded.config.central.is_on() {
        options.login = Some(crate::compose::login(loaded).into_string());
        options.key = store_key(loaded)?;
    }
    Ok(options)
}

/// The key of an encrypted copy: 32 bytes, written as 64 hexadecimal digits.
pub fn store_key(loaded: &Loaded) -> Result<Option<Secret>, Failure> {
    let Some(reference) = &loaded.config.central.store_key else { return Ok(None) };
    let base = loaded.file.parent().map(std::path::Path::to_path_buf).unwrap_or_default();
    let wrong = |why: &str| Failure::new(Exit::Config, format!("central.store_key ({reference}): {why}"));
    let text = Secrets::new(base).resolve(reference).map_err(|error| wrong(&error.to_string()))?;
    let digits = text.expose().trim_ascii();
    let nibble = |digit: &u8| (*digit as char).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let bytes: Option<Vec<u8>> = digits.chunks(2).map(|pair| Some(nibble(pair.first()?)? << 4 | nibble(pair.get(1)?)?)).collect();
    match bytes {
        Some(bytes) if bytes.len() == 32 => Ok(Some(Secret::new(bytes))),
        _ => Err(wrong("64 hexadecimal digits are wanted, such as `openssl rand -hex 32` prints")),
    }
}

/// The name of this machine, for leases, presence and the audit log.
pub fn hostname() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| std::env::var("HOSTNAME").ok());
    let host = host.as_deref().map(str::trim).filter(|host| !host.is_empty()).unwrap_or("this machine");
    SafeText::bounded(host, 80).into_string()
}

/// How the store or, with a centre, the local copy of a configuration is opened. Blocks for milliseconds.
pub fn open_store(loaded: &Loaded, options: OpenOptions) -> Result<Store, OpenError> {
    if loaded.config.central.is_on() {
        return Store::open_replica(&loaded.central_folder(), options);
    }
    Store::open(&loaded.store_path(), options)
}

/// Who acts, for operations and the audit log; `what` is the command, or `console`.
pub fn actor(loaded: &Loaded, what: &str) -> Actor {
    let host = hostname();
    // Where an ssh session comes from: address, port, address, port.
    let from = std::env::var("SSH_CONNECTION").ok().and_then(|c| c.split_whitespace().next().map(|ip| format!(" from {ip}")));
    let origin = SafeText::bounded(&format!("{host}{} {what}", from.unwrap_or_default()), 200);
    Actor { name: loaded.config.operator_name(), role: loaded.config.operator.role, origin }
}

pub(super) fn read_only(what: &str) -> Failure {
    Failure::new(Exit::Guard, format!("{what}: --read-only was given, so nothing is changed"))
}

/// The sentence of an error with its cause.
fn whole(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => SafeText::new(&format!("{error}: {cause}")).into_string(),
        None => SafeText::new(&error.to_string()).into_string(),
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self::new(Exit::Store, whole(&error))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let exit = match &error {
            StoreError::NotFound { .. } => Exit::NotFound,
            StoreError::Task(_) | StoreError::StaleVersion { .. } | StoreError::Refused(_) => Exit::Guard,
            _ => Exit::Store,
        };
        Self::new(exit, whole(&error))
    }
}
