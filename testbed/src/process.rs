//! Runs a program to its end with a time-out, and gives back what it wrote.

use std::io::{Read, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::TestbedError;

/// What a program that has ended wrote and how it ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `command` with `stdin`, for at most `limit`; past it the program is killed. A failure of the program is not an error here.
pub(crate) fn run(mut command: Command, stdin: &str, limit: Duration) -> Result<Finished, TestbedError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let spawn = |source| TestbedError::Spawn { program: program.clone(), source };
    let deadline = Instant::now() + limit;
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(spawn)?;

    // Each pipe has a thread: a program that writes much to one of them while we wait at another would stand still for ever.
    let (sender, receiver) = mpsc::channel();
    let pipes: [Option<Box<dyn Read + Send>>; 2] =
        [child.stdout.take().map(|pipe| Box::new(pipe) as _), child.stderr.take().map(|pipe| Box::new(pipe) as _)];
    for (index, pipe) in pipes.into_iter().enumerate() {
        let sender = sender.clone();
        thread::spawn(move || {
            let mut bytes = Vec::new();
            if let Some(mut pipe) = pipe {
                // What was read before an error is still worth having: it is the program's own words.
                let _ = pipe.read_to_end(&mut bytes);
            }
            let _ = sender.send((index, String::from_utf8_lossy(&bytes).into_owned()));
        });
    }
    if let Some(mut pipe) = child.stdin.take() {
        let text = stdin.to_owned();
        // A program that ends without reading its input breaks the pipe; its own answer tells why.
        thread::spawn(move || pipe.write_all(text.as_bytes()));
    }

    let mut texts = [String::new(), String::new()];
    for _ in 0..texts.len() {
        match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok((index, text)) => texts[index] = text,
            Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(TestbedError::TimedOut { program, limit });
            }
        }
    }
    let status = child.wait().map_err(|source| TestbedError::Spawn { program, source })?;
    let [stdout, stderr] = texts;
    Ok(Finished { status, stdout, stderr })
}

/// As [`run`], and a program that ends with anything but success is an error that carries its words.
pub(crate) fn must(command: Command, stdin: &str, limit: Duration) -> Result<Finished, TestbedError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let finished = run(command, stdin, limit)?;
    if finished.status.success() {
        return Ok(finished);
    }
    Err(TestbedError::Failed { program, code: finished.status.to_string(), stderr: finished.stderr.trim().to_owned() })
}
