//! A shell in a private tmux server: keys go in, the screen comes out.

use super::{Home, until};
use std::path::Path;
use std::process::{Command, Output};

pub struct Term<'a> {
    home: &'a Home,
    /// The socket of the server, so that one home can have several terminals.
    name: String,
}

/// What the shell prints when it waits for a command. Not a `$`, which screens may show.
const PROMPT: &str = "ready>";

impl<'a> Term<'a> {
    /// A terminal of this size with a shell that waits for a command.
    pub fn new(home: &'a Home, name: &str, width: u16, height: u16) -> Self {
        let term = Self { home, name: name.to_owned() };
        let (width, height) = (width.to_string(), height.to_string());
        let shell = format!("PS1='{PROMPT} ' HISTFILE=/dev/null exec bash --norc --noprofile -i");
        term.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", &width, "-y", &height, &shell]);
        term.tmux(&["set-option", "-g", "history-limit", "0"]);
        term.prompt();
        term
    }

    /// As `new`, and the console in it, shown.
    pub fn console(home: &'a Home, name: &str, command: &str) -> Self {
        let term = Self::new(home, name, 120, 40);
        term.line(command);
        term.wait_for("1 Overview");
        term
    }

    fn ask(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("tmux");
        command.env_clear().envs(self.home.environment()).current_dir(self.home.folder());
        command.args(["-u", "-L", &self.name]).args(arguments).output().expect("tmux is installed (make test installs it)")
    }

    #[track_caller]
    fn tmux(&self, arguments: &[&str]) -> String {
        let out = self.ask(arguments);
        assert!(out.status.success(), "tmux {arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    }

    /// Keys by tmux's names: `Enter`, `C-c`, `2`.
    #[track_caller]
    pub fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    /// Text as it is, all at once, as from a hurried hand.
    #[track_caller]
    pub fn text(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
    }

    /// A command for the shell.
    #[track_caller]
    pub fn line(&self, command: &str) {
        self.text(command);
        self.keys(&["Enter"]);
    }

    pub fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// Waits until the screen is so, and gives it.
    #[track_caller]
    pub fn wait(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let look = || Some(self.screen()).filter(|screen| holds(screen));
        until(what, look, || self.screen())
    }

    #[track_caller]
    pub fn wait_for(&self, text: &str) -> String {
        self.wait(text, |screen| screen.contains(text))
    }

    /// Waits for the shell: the last line that holds something is its prompt.
    #[track_caller]
    pub fn prompt(&self) -> String {
        self.wait("the prompt of the shell", |screen| screen.trim_end().ends_with(PROMPT))
    }

    /// Goes to the board, narrows it, and gives the first line of what is left.
    #[track_caller]
    pub fn filter(&self, filter: &str) -> String {
        self.keys(&["2"]);
        self.wait_for("number");
        self.keys(&["/"]);
        self.wait_for("enter accept");
        // The line holds the filter before.
        self.keys(&["C-u"]);
        self.text(filter);
        self.keys(&["Enter"]);
        self.wait_for(&format!("matching {filter}"))
    }

    /// Opens the subscriber with this number.
    #[track_caller]
    pub fn open(&self, number: &str) {
        self.filter(number);
        self.wait(&format!("{number} selected"), |screen| row(screen, number).is_some());
        self.keys(&["Enter"]);
        self.wait(&format!("the detail of {number}"), |screen| {
            screen.contains("Operations, newest first") && title(screen).starts_with(number)
        });
    }

    /// Presses the keys of an operation on the open subscriber and waits for the state in its title.
    #[track_caller]
    pub fn operate(&self, keys: &[&str], state: &str) -> String {
        self.keys(keys);
        self.wait(&format!("the subscriber {state}"), |screen| title(screen).split_whitespace().any(|word| word == state))
    }

    /// Leaves the console by keys and waits for the shell.
    #[track_caller]
    pub fn quit(&self) {
        self.keys(&["1"]);
        self.keys(&["q"]);
        self.wait("the question before leaving", |screen| screen.contains("y yes"));
        self.keys(&["y"]);
        self.prompt();
    }

    #[track_caller]
    pub fn resize(&self, width: u16, height: u16) {
        self.tmux(&["resize-window", "-x", &width.to_string(), "-y", &height.to_string()]);
    }

    /// Every byte that is written to the terminal from now on goes into `file` too.
    pub fn copy_bytes_to(&self, file: &Path) {
        self.tmux(&["pipe-pane", &format!("cat > {}", file.display())]);
    }

    /// Writes over the screen as another program would that shares the terminal.
    #[track_caller]
    pub fn scribble(&self, text: &str) {
        let tty = self.tmux(&["list-panes", "-F", "#{pane_tty}"]);
        std::fs::write(tty.trim(), format!("\u{1b}[10;1H{text}")).unwrap();
    }

    /// The program in the foreground of the shell.
    #[track_caller]
    pub fn program(&self) -> u32 {
        let shell = self.tmux(&["list-panes", "-F", "#{pane_pid}"]);
        let shell = shell.trim();
        let children = format!("/proc/{shell}/task/{shell}/children");
        let look = || std::fs::read_to_string(&children).ok()?.split_whitespace().next_back()?.parse().ok();
        until("a program in the terminal", look, || self.screen())
    }

    /// Sends a signal to the program in the foreground.
    #[track_caller]
    pub fn signal(&self, signal: &str) {
        let ended = Command::new("bash").args(["-c", &format!("kill -{signal} {}", self.program())]).status().unwrap();
        assert!(ended.success());
    }

    /// Ends the program as the kernel does when memory is short: it can do nothing any more, so the screen stays as it was.
    #[track_caller]
    pub fn kill(&self) {
        let proc = format!("/proc/{}", self.program());
        self.signal("KILL");
        until("the program gone", || (!Path::new(&proc).exists()).then_some(()), || self.screen());
    }

    /// The terminal is as a shell wants it: line editing, echo, no alternate screen, the cursor shown.
    #[track_caller]
    pub fn is_restored(&self) {
        self.prompt();
        let state = self.tmux(&["display-message", "-p", "#{alternate_on} #{cursor_flag} #{mouse_any_flag}"]);
        assert_eq!(state.trim(), "0 1 0", "alternate screen off, cursor shown, mouse free:\n{}", self.screen());
        // The shell edits lines in a mode of its own; what a program gets is what counts.
        self.keys(&["C-l"]);
        self.line("stty -a | tr ' ' '\\n' | grep -xE -e '-?(icanon|echo|isig|opost|ixon);?' | tr -d ';' | sort | tr '\\n' ' '");
        self.wait_for("echo icanon isig");
        self.prompt();
        let screen = self.screen();
        assert!(screen.contains("echo icanon isig") && !screen.contains("-icanon "), "{screen}");
    }
}

impl Drop for Term<'_> {
    fn drop(&mut self) {
        let shell = self.ask(&["list-panes", "-F", "#{pane_pid}"]);
        let _ = self.ask(&["kill-server"]);
        // The shell and what ran in it end a moment later, and may write into the home until then.
        let proc = format!("/proc/{}", String::from_utf8_lossy(&shell.stdout).trim());
        let end = std::time::Instant::now() + std::time::Duration::from_secs(5);
        while proc.len() > "/proc/".len() && Path::new(&proc).exists() && std::time::Instant::now() < end {
            std::thread::yield_now();
        }
    }
}

/// The line that names the open subscriber.
pub fn title(screen: &str) -> &str {
    screen.lines().nth(2).unwrap_or_default().trim()
}

/// The row of the board that begins with this number.
fn row<'s>(screen: &'s str, number: &str) -> Option<&'s str> {
    screen.lines().skip(3).find(|line| line.split_whitespace().next() == Some(number))
}
