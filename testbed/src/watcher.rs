//! Cleans up after a test, also after one that was killed with -9 and could not do it. A small shell holds the reading end of a pipe whose
//! writing end lives in this process only: when the process ends, however it ends, the shell reads the end of the file and runs its script.
//! Dropping the value does the same at once and waits: there is one way of cleaning up, and every test run exercises it.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::TestbedError;

/// Ends a server by its data folder ($1) and removes a folder ($2). The data folder is given relative to the working folder, which stays
/// open: a path through somebody else's namespace is good only as long as he lives. Processes are found by their working folder, which PostgreSQL makes the
/// data folder: a number in a file could belong to somebody else by now. `-ef` compares without starting a process for each.
pub(crate) const STOP_SERVER: &str = r#"
cat >/dev/null
data=$1; root=$2
of_ours() { found=; for p in /proc/[0-9]*; do if [ "$p/cwd" -ef "$data" ]; then found="$found ${p#/proc/}"; fi; done; [ -n "$found" ]; }
turns=0
while of_ours && [ "$turns" -lt 400 ]; do
    if [ "$turns" -eq 0 ]; then kill -s QUIT $found; elif [ "$turns" -gt 100 ]; then kill -s KILL $found; fi
    turns=$((turns + 1))
    sleep 0.02
done
rm -rf -- "$data" "$root"
"#;

/// Ends a server by its number ($1), which is a child that nobody has waited for yet, or whose number was given to nobody within the moment
/// after its parent's end; and removes its folder ($2). It must work in that folder: a number alone could belong to somebody else.
pub(crate) const STOP_BY_NUMBER: &str = r#"
cat >/dev/null
pid=$1; root=$2; turns=0
while [ "/proc/$pid/cwd" -ef "$root" ] && [ "$turns" -lt 300 ]; do
    if [ "$turns" -eq 0 ]; then kill -s TERM "$pid"; elif [ "$turns" -gt 100 ]; then kill -s KILL "$pid"; fi
    turns=$((turns + 1))
    sleep 0.02
done
rm -rf -- "$root"
"#;

/// Unmounts and removes a folder ($1). It is busy until its server has gone, which has a watcher of its own.
pub(crate) const UNMOUNT: &str = r#"
cat >/dev/null
turns=0
until umount -- "$1" 2>/dev/null; do
    turns=$((turns + 1)); if [ "$turns" -gt 250 ]; then umount -l -- "$1" 2>/dev/null; break; fi
    sleep 0.02
done
rmdir -- "$1"
"#;

/// A shell that cleans up when this value, or the process, ends.
#[derive(Debug)]
pub(crate) struct Watcher {
    shell: Child,
}

impl Watcher {
    /// Starts watching. `script` must begin with reading its input to the end; `paths` are its parameters; it works in `folder`.
    pub(crate) fn start(script: &str, folder: &Path, paths: &[&Path]) -> Result<Self, TestbedError> {
        let shell = Command::new("/bin/sh")
            .args(["-c", script, "noctule-testbed-watcher"])
            .args(paths)
            .current_dir(folder)
            .stdin(Stdio::piped())
            // A test runner waits for everybody who holds the outputs of a test.
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A test runner that gives up kills the whole group of the test; whoever cleans up must not be in it.
            .process_group(0)
            .spawn()
            .map_err(|source| TestbedError::Spawn { program: "/bin/sh".to_owned(), source })?;
        Ok(Self { shell })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // The scripts end by themselves within seconds, whatever the servers do.
        let _ = self.shell.wait();
    }
}
