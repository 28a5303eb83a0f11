//! A child process whose first line of output is JSON.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal};
use serde_json::Value;

/// How long a process may take until it is ready: the first start compiles the policies.
const READY_WITHIN: Duration = Duration::from_secs(90);
/// How much of a log is shown with a failure.
const LOG_BYTES_SHOWN: u64 = 12_000;
/// A thousand clients at once need as many files here and in the server.
const FILES_WANTED: u64 = 16_384;

/// A running process. It is killed where it is dropped.
pub struct Process {
    child: Child,
    /// Its first line.
    pub announced: Value,
}

/// A process ended before it was ready.
#[derive(Debug)]
pub struct Died(pub Option<ExitStatus>);

impl Process {
    /// Starts a process whose log goes to a file, and waits for its first line.
    ///
    /// # Errors
    /// Where it ends before.
    ///
    /// # Panics
    /// Where it cannot be started, or neither speaks nor ends.
    pub fn start(command: &mut Command, log: &Path) -> Result<Self, Died> {
        allow_files();
        let stderr = File::options().create(true).append(true).open(log).expect("the log can be opened");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr);
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
        let mut process = Self { child, announced: Value::Null };
        let stdout = process.child.stdout.take().expect("standard output is a pipe");
        let (sender, lines) = sync_channel(1);
        std::thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            let mut line = String::new();
            let first = stdout.read_line(&mut line);
            let _ = sender.send(first.ok().filter(|length| *length > 0).map(|_| line));
            // A full pipe would stop the process.
            let _ = std::io::copy(&mut stdout, &mut std::io::sink());
        });
        match lines.recv_timeout(READY_WITHIN) {
            Ok(Some(line)) => {
                let announced = serde_json::from_str(&line);
                process.announced =
                    announced.unwrap_or_else(|error| panic!("the first line is no JSON: {error}: {line}"));
                Ok(process)
            }
            Ok(None) => Err(Died(process.child.wait().ok())),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                panic!("{command:?} said nothing:\n{}", tail(log))
            }
        }
    }

    /// A text of the first line.
    ///
    /// # Panics
    /// Where it is not there.
    #[must_use]
    pub fn said(&self, name: &str) -> &str {
        self.announced[name].as_str().unwrap_or_else(|| panic!("{name} is missing in {}", self.announced))
    }

    /// Sends SIGKILL and waits for the end.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks to end (SIGTERM).
    ///
    /// # Panics
    /// Where the process has gone.
    pub fn terminate(&self) {
        let pid = Pid::from_child(&self.child);
        rustix::process::kill_process(pid, Signal::TERM).expect("the process is there until it is waited for");
    }

    /// The ids of the processes that it has started and that run now.
    ///
    /// # Panics
    /// Where the system does not say.
    #[must_use]
    pub fn children(&self) -> Vec<Pid> {
        let parent = self.child.id();
        let processes = std::fs::read_dir("/proc").expect("the system lists its processes");
        let ids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
        ids.filter(|id| parent_of(*id) == Some(parent)).filter_map(Pid::from_raw).collect()
    }

    /// Waits for the end; none where it does not come in time.
    pub fn ended(&mut self, at_most: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + at_most;
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            if Instant::now() >= deadline {
                return None;
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What started a process; none where it is gone or only waits to be buried.
fn parent_of(id: i32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name before it stands in brackets and may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let (state, parent) = (fields.next()?, fields.next()?);
    (state != "Z").then(|| parent.parse().ok())?
}

/// The end of a log.
#[must_use]
pub fn tail(log: &Path) -> String {
    let read = || {
        let mut file = File::open(log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LOG_BYTES_SHOWN)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&bytes).into_owned())
    };
    read().unwrap_or_else(|error| format!("(the log cannot be read: {error})"))
}

/// `target/<profile>`, beside whose `deps` the test itself lies.
///
/// # Panics
/// Where the test does not lie where cargo puts it.
#[must_use]
pub fn build_dir() -> PathBuf {
    let this = std::env::current_exe().expect("the path of the test");
    let deps = this.parent().expect("a file is in a folder");
    deps.parent().expect("tests are built in deps").to_owned()
}

/// The program under test.
///
/// # Panics
/// Where it was not built.
#[must_use]
pub fn orderwright() -> PathBuf {
    let program = build_dir().join("orderwright");
    assert!(program.is_file(), "{} is missing: `cargo xtask test` builds it", program.display());
    program
}

fn allow_files() {
    let now = rustix::process::getrlimit(Resource::Nofile);
    let wanted = now.maximum.map_or(FILES_WANTED, |most| most.min(FILES_WANTED));
    if now.current.is_some_and(|current| current < wanted) {
        let _ = rustix::process::setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..now });
    }
}
