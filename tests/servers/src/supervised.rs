//! A server that a small shell looks after.
//!
//! The shell reads commands from a pipe. Its end means that the test has ended, perhaps by SIGKILL: then the shell stops
//! the server, whose id it alone knows, and removes the directory.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

const SHELL: &str = r#"
directory=$1
shift
pid=
while read -r word; do
    case $word in
    start) "$@" >>"$directory/server.log" 2>&1 </dev/null & pid=$! ;;
    stop) kill -INT "$pid"; wait "$pid" ;;
    kill) kill -KILL "$pid"; wait "$pid" ;;
    pause) kill -STOP "$pid" ;;
    resume) kill -CONT "$pid" ;;
    esac 2>/dev/null
    echo "$pid"
done
if [ -n "$pid" ]; then
    kill -CONT "$pid" 2>/dev/null
    kill -INT "$pid" 2>/dev/null
    wait "$pid"
fi
rm -rf "$directory"
"#;

/// A server and its directory.
#[derive(Debug)]
pub struct Supervised {
    shell: Child,
    answers: BufReader<ChildStdout>,
    directory: PathBuf,
}

static STARTED: AtomicU32 = AtomicU32::new(0);

/// A new, empty directory. Whoever starts a server in it removes it.
///
/// # Errors
/// What the system said.
pub(crate) fn directory(name: &str) -> io::Result<PathBuf> {
    let number = STARTED.fetch_add(1, Ordering::Relaxed);
    let directory = std::env::temp_dir().join(format!("ow-{name}-{}-{number}", std::process::id()));
    std::fs::create_dir(&directory)?;
    Ok(directory)
}

impl Supervised {
    /// Prepares a server that runs in a directory, which is removed in the end. [`Supervised::tell`] starts it.
    ///
    /// # Errors
    /// What the system said.
    pub fn new(directory: PathBuf, command: &[String]) -> io::Result<Self> {
        let mut shell = Command::new("sh")
            .args(["-c", SHELL, "sh"])
            .arg(&directory)
            .args(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let answers = shell.stdout.take().ok_or_else(|| io::Error::other("the shell has no output"))?;
        Ok(Self { shell, answers: BufReader::new(answers), directory })
    }

    /// `start`, `stop`, `kill`, `pause` or `resume`. Comes back when that is done; a start is then under way.
    ///
    /// # Errors
    /// Where the shell is gone.
    pub fn tell(&mut self, word: &str) -> io::Result<()> {
        let pipe = self.shell.stdin.as_mut().ok_or_else(|| io::Error::other("the shell has no input"))?;
        writeln!(pipe, "{word}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer).map(drop)
    }

    /// Where the server's files are.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What the server has said.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.join("server.log")).unwrap_or_default()
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ended = self.shell.wait();
    }
}
