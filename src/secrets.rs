//! Finds secrets: from a variable, a file that only its owner can read, a command started without a shell, the kernel's keyring, or by
//! asking on the terminal. What is found is a `Secret`, and no error ever holds a byte of it.

use noctule_domain::secret::{Secret, SecretRef};
use noctule_domain::{Retry, SafeText};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

/// Longest secret, in bytes.
pub const MAX_SECRET: usize = 4096;
/// How long a command may take.
pub const COMMAND_TIME: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("the variable {0} is not set; it should hold a secret")]
    NoVariable(SafeText),
    #[error("the secret in {0} is empty")]
    Empty(SafeText),
    #[error("the secret in {0} is longer than 4096 bytes")]
    TooLong(SafeText),
    #[error("the secret file {path} can not be read: {why}")]
    Unreadable { path: SafeText, why: SafeText },
    #[error("the secret file {path} can be read by others (mode {mode:04o}): make it private with `chmod 600 {path}`")]
    Shared { path: SafeText, mode: u32 },
    #[error("{path} is not a file")]
    NotAFile { path: SafeText },
    #[error("the secret command can not be split into words: {0}")]
    BadCommand(SafeText),
    #[error("the secret command {program} could not be started: {why}")]
    NotStarted { program: SafeText, why: SafeText },
    #[error("the secret command {program} failed with {status}; what it printed is not shown")]
    Failed { program: SafeText, status: SafeText },
    #[error("the secret command {program} did not end within {seconds} s")]
    TookTooLong { program: SafeText, seconds: u64 },
    #[error("there is no password '{0}' in the kernel's keyring: `noctule login` puts it there")]
    NotInKeyring(SafeText),
    #[error("the kernel's keyring can not be used here: {0}. Use prompt, command:PROGRAM or env:NAME instead of keyring:")]
    NoKeyring(SafeText),
    #[error("a password is to be asked for, and there is no terminal to ask on: use keyring:, command: or env:")]
    NoTerminal,
    #[error("the password was not asked for at the start of this program, and can not be asked for later")]
    NotAsked,
    #[error("the password could not be read from the terminal: {0}")]
    BadTerminal(SafeText),
}

impl SecretError {
    pub fn retry(&self) -> Retry {
        match self {
            Self::Failed { .. } | Self::TookTooLong { .. } => Retry::Later,
            _ => Retry::AfterFix,
        }
    }
}

/// Resolves references. Relative file names are meant from `base`, the folder of the configuration.
#[derive(Debug, Clone)]
pub struct Secrets {
    base: PathBuf,
    home: Option<PathBuf>,
    command_time: Duration,
    /// What was asked on the terminal before the screen was taken. Shared by all that were cloned from one.
    asked: Arc<OnceLock<Secret>>,
}

impl Secrets {
    pub fn new(base: impl Into<PathBuf>) -> Self {
        let home = directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_path_buf());
        Self { base: base.into(), home, command_time: COMMAND_TIME, asked: Arc::default() }
    }

    /// Blocks: for a command up to [`COMMAND_TIME`]. Call it from a blocking thread where a screen waits.
    pub fn resolve(&self, reference: &SecretRef) -> Result<Secret, SecretError> {
        match reference {
            SecretRef::Env(name) => from_variable(name),
            SecretRef::File(path) => from_file(&self.place(path)),
            SecretRef::Command(line) => from_command(line, self.command_time),
            SecretRef::Keyring(name) => crate::keyring::find(name),
            SecretRef::Prompt => self.asked.get().cloned().ok_or(SecretError::NotAsked),
        }
    }

    /// Asks on the terminal, without echo, once: `SecretRef::Prompt` gives what was typed from then on.
    pub fn ask(&self, words: &str) -> Result<(), SecretError> {
        if self.asked.get().is_none() {
            // Somebody else may have been quicker: then theirs holds.
            let _ = self.asked.set(ask_on_terminal(words)?);
        }
        Ok(())
    }

    fn place(&self, path: &Path) -> PathBuf {
        match (path.strip_prefix("~"), &self.home) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => self.base.join(path),
        }
    }
}

/// Reads one line from the controlling terminal, without echo.
pub fn ask_on_terminal(words: &str) -> Result<Secret, SecretError> {
    if std::fs::OpenOptions::new().read(true).write(true).open("/dev/tty").is_err() {
        return Err(SecretError::NoTerminal);
    }
    let typed = rpassword::prompt_password(words).map_err(|error| SecretError::BadTerminal(SafeText::new(&error.to_string())))?;
    checked(typed.into_bytes(), &SafeText::new("what was typed"))
}

fn from_variable(name: &str) -> Result<Secret, SecretError> {
    use std::os::unix::ffi::OsStringExt;
    let shown = SafeText::bounded(name, 80);
    // A name with = or NUL can not be set, and asking for it would panic in older standard libraries.
    let value = if name.contains(['=', '\0']) { None } else { std::env::var_os(name) };
    let value = value.ok_or_else(|| SecretError::NoVariable(shown.clone()))?;
    checked(value.into_vec(), &SafeText::new(&format!("the variable {shown}")))
}

fn from_file(path: &Path) -> Result<Secret, SecretError> {
    let shown = SafeText::new(&path.to_string_lossy());
    let unreadable = |error: std::io::Error| SecretError::Unreadable { path: shown.clone(), why: SafeText::new(&error.to_string()) };
    // Opened before its mode is looked at, so that both are of the same file. A pipe without a writer would block: seen first.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(SecretError::NotAFile { path: shown });
    }
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let facts = file.metadata().map_err(unreadable)?;
    if !facts.is_file() {
        return Err(SecretError::NotAFile { path: shown });
    }
    let mode = facts.permissions().mode() & 0o7777;
    if facts.mode() & 0o077 != 0 {
        return Err(SecretError::Shared { path: shown, mode });
    }
    let mut bytes = Vec::new();
    file.take(MAX_SECRET as u64 + 3).read_to_end(&mut bytes).map_err(unreadable)?;
    checked(bytes, &shown)
}

fn from_command(line: &str, time: Duration) -> Result<Secret, SecretError> {
    let words = shlex::split(line).ok_or_else(|| SecretError::BadCommand(SafeText::new("a quote is not closed")))?;
    let Some((program, arguments)) = words.split_first() else {
        return Err(SecretError::BadCommand(SafeText::new("it is empty")));
    };
    let shown = SafeText::bounded(program, 120);
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // What it says there could hold the secret, and would be written across the screen.
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| SecretError::NotStarted { program: shown.clone(), why: SafeText::new(&error.to_string()) })?;
    let (tell, told) = mpsc::sync_channel(1);
    let out = child.stdout.take();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = out.map(|out| out.take(MAX_SECRET as u64 + 3).read_to_end(&mut bytes));
        // The receiver is gone when the time was over: nobody wants it any more.
        let _ = tell.send((bytes, matches!(read, Some(Ok(_)))));
    });
    let answer = told.recv_timeout(time);
    let Ok((bytes, read)) = answer else {
        let _ = child.kill();
        let _ = child.wait();
        return Err(SecretError::TookTooLong { program: shown, seconds: time.as_secs() });
    };
    if bytes.len() > MAX_SECRET + 2 {
        // It may write for ever.
        let _ = child.kill();
        let _ = child.wait();
        return Err(SecretError::TooLong(SafeText::new(&format!("what {shown} printed"))));
    }
    let status = wait_until(&mut child, time, &shown)?;
    if !status.success() || !read {
        return Err(SecretError::Failed { program: shown, status: SafeText::new(&status.to_string()) });
    }
    checked(bytes, &SafeText::new(&format!("what {shown} printed")))
}

/// Its output has ended; the process itself is given the same time to end.
fn wait_until(child: &mut std::process::Child, time: Duration, shown: &SafeText) -> Result<std::process::ExitStatus, SecretError> {
    let deadline = std::time::Instant::now() + time;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if std::time::Instant::now() < deadline => std::thread::sleep(Duration::from_millis(5)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(SecretError::TookTooLong { program: shown.clone(), seconds: time.as_secs() });
            }
        }
    }
}

/// Cuts one line end, then looks at the length.
fn checked(mut bytes: Vec<u8>, place: &SafeText) -> Result<Secret, SecretError> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    match bytes.len() {
        0 => Err(SecretError::Empty(place.clone())),
        n if n > MAX_SECRET => {
            bytes.fill(0);
            Err(SecretError::TooLong(place.clone()))
        }
        _ => Ok(Secret::new(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn file(mode: u32, content: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    fn exposed(found: Result<Secret, SecretError>) -> Vec<u8> {
        found.expect("found").expose().to_vec()
    }

    #[test]
    fn a_private_file_is_read_through_a_symbolic_link_and_loses_one_line_end() {
        for mode in [0o600, 0o400] {
            let (folder, path) = file(mode, b"correct horse\n\n");
            assert_eq!(exposed(from_file(&path)), b"correct horse\n");
            let link = folder.path().join("link");
            symlink(&path, &link).unwrap();
            assert_eq!(exposed(Secrets::new(folder.path()).resolve(&SecretRef::File("link".into()))), b"correct horse\n");
        }
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_cure() {
        for mode in [0o640, 0o604, 0o620, 0o601, 0o777] {
            let (_folder, path) = file(mode, b"hunter2hunter2");
            let error = from_file(&path).expect_err("refused");
            assert!(matches!(error, SecretError::Shared { mode: found, .. } if found == mode));
            assert!(error.to_string().contains("chmod 600") && !error.to_string().contains("hunter2"));
        }
    }

    #[test]
    fn empty_huge_and_odd_places_are_refused() {
        let (folder, path) = file(0o600, b"\n");
        assert!(matches!(from_file(&path), Err(SecretError::Empty(_))));
        fs::write(&path, vec![b'x'; MAX_SECRET + 1]).unwrap();
        assert!(matches!(from_file(&path), Err(SecretError::TooLong(_))));
        fs::write(&path, [vec![b'x'; MAX_SECRET], b"\r\n".to_vec()].concat()).unwrap();
        assert_eq!(exposed(from_file(&path)).len(), MAX_SECRET);
        assert!(matches!(from_file(folder.path()), Err(SecretError::NotAFile { .. })));
        assert!(matches!(from_file(&folder.path().join("gone")), Err(SecretError::Unreadable { .. })));
        assert!(matches!(from_variable("NOCTULE_TEST_NOT_SET"), Err(SecretError::NoVariable(_))));
        assert!(matches!(from_variable("A=B"), Err(SecretError::NoVariable(_))));
    }

    #[test]
    fn a_command_gets_its_words_without_a_shell() {
        let time = Duration::from_secs(10);
        assert_eq!(exposed(from_command("printf '%s\\n' 'a b;c' '$HOME'", time)), b"a b;c\n$HOME");
        assert!(matches!(from_command("'open", time), Err(SecretError::BadCommand(_))));
        assert!(matches!(from_command("  ", time), Err(SecretError::BadCommand(_))));
        assert!(matches!(from_command("/no/such/program x", time), Err(SecretError::NotStarted { .. })));
        assert!(matches!(from_command("false", time), Err(SecretError::Failed { .. })));
        assert!(matches!(from_command("true", time), Err(SecretError::Empty(_))));
    }

    #[test]
    fn a_command_that_hangs_or_floods_is_ended() {
        assert!(matches!(from_command("sleep 600", Duration::from_millis(200)), Err(SecretError::TookTooLong { .. })));
        assert!(matches!(from_command("yes hunter2", Duration::from_secs(10)), Err(SecretError::TooLong(_))));
    }
}
