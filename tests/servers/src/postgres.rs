//! A PostgreSQL with a directory and a socket of its own.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::supervised::{self, Supervised};

/// The environment variable that names a server which tests share, without a database: each makes one of its own.
pub const POSTGRES_URL: &str = "ORDERWRIGHT_TEST_POSTGRES";

/// Where Debian puts the programs of each version.
const INSTALLED: &str = "/usr/lib/postgresql";
/// How long a server may take until it answers.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Nobody's: PostgreSQL does not run as root.
const UNPRIVILEGED: &str = "65534";

/// A server.
#[derive(Debug)]
pub struct Postgres {
    server: Supervised,
    programs: PathBuf,
}

impl Postgres {
    /// Starts a server that keeps what it acknowledges, or one that is only quick.
    ///
    /// # Errors
    /// Where PostgreSQL is not installed or does not start.
    pub fn start(is_durable: bool) -> io::Result<Self> {
        let settings: &[&str] = if is_durable { &[] } else { &["fsync=off", "full_page_writes=off"] };
        Self::start_with(settings)
    }

    /// Starts a server with settings.
    ///
    /// # Errors
    /// Where PostgreSQL is not installed or does not start.
    pub fn start_with(settings: &[&str]) -> io::Result<Self> {
        let programs = programs()?;
        let directory = supervised::directory("postgres")?;
        give_away(&directory)?;
        let data = directory.join("data");
        let mut init = unprivileged(&[&text(&programs.join("initdb")), "-D", &text(&data), "-U", "orderwright"]);
        init.args(["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]);
        run(&mut init)?;
        let mut command = unprivileged_words();
        command.extend([text(&programs.join("postgres")), "-D".into(), text(&data), "-k".into(), text(&directory)]);
        let common = ["listen_addresses=", "max_connections=300", "shared_buffers=64MB", "logging_collector=off"];
        for setting in common.iter().chain(settings) {
            command.extend(["-c".to_owned(), (*setting).to_owned()]);
        }
        let server = Supervised::new(directory, &command)?;
        let mut postgres = Self { server, programs };
        postgres.tell("start")?;
        Ok(postgres)
    }

    /// See [`Supervised::tell`]; after a start it also answers.
    ///
    /// # Errors
    /// Where it does not start.
    pub fn tell(&mut self, word: &str) -> io::Result<()> {
        self.server.tell(word)?;
        if word != "start" {
            return Ok(());
        }
        let deadline = Instant::now() + READY_WITHIN;
        let mut retried = Instant::now();
        while !self.answers() {
            if Instant::now() > deadline {
                return Err(io::Error::other(format!("PostgreSQL does not start:\n{}", self.server.log())));
            }
            std::thread::park_timeout(Duration::from_millis(20));
            // The processes of a killed server keep its memory for a moment, and it refuses to start.
            if retried.elapsed() > Duration::from_secs(1) && self.server.log().contains("shared memory block") {
                retried = Instant::now();
                self.server.tell("start")?;
            }
        }
        Ok(())
    }

    fn answers(&self) -> bool {
        let mut ask = Command::new(self.programs.join("pg_isready"));
        ask.arg("-h").arg(self.server.directory());
        run(&mut ask).is_ok()
    }

    /// Where its socket lies.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.server.directory()
    }

    /// The programs of its version.
    #[must_use]
    pub fn programs(&self) -> &Path {
        &self.programs
    }

    /// The address of one of its databases.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://orderwright@localhost/{database}?host={}", self.directory().display())
    }

    /// What it has said.
    #[must_use]
    pub fn log(&self) -> String {
        self.server.log()
    }
}

static DATABASES: AtomicU32 = AtomicU32::new(0);

/// Makes a database on a server, given by the address of its database `postgres`, and answers its address.
///
/// # Errors
/// Where the server does not want to.
pub fn create_database(server: &str) -> io::Result<String> {
    let number = DATABASES.fetch_add(1, Ordering::Relaxed);
    let name = format!("test_{}_{number}", std::process::id());
    let mut psql = Command::new(programs()?.join("psql"));
    psql.args([server, "-q", "-v", "ON_ERROR_STOP=1", "-c", &format!("create database {name}")]);
    run(&mut psql)?;
    Ok(server.replacen("/postgres?", &format!("/{name}?"), 1))
}

/// Whether it is installed.
#[must_use]
pub fn has_postgres() -> bool {
    programs().is_ok()
}

fn programs() -> io::Result<PathBuf> {
    let versions = std::fs::read_dir(INSTALLED);
    let mut found: Vec<PathBuf> = versions
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|programs| programs.join("postgres").exists())
        .collect();
    found.sort();
    found.pop().ok_or_else(|| io::Error::other("PostgreSQL is not installed: Debian's package is `postgresql`"))
}

fn is_root() -> bool {
    let asked = Command::new("id").arg("-u").output();
    asked.is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}

fn unprivileged_words() -> Vec<String> {
    if !is_root() {
        return Vec::new();
    }
    let user = [format!("--reuid={UNPRIVILEGED}"), format!("--regid={UNPRIVILEGED}")];
    ["setpriv".to_owned()].into_iter().chain(user).chain(["--clear-groups".to_owned()]).collect()
}

fn unprivileged(words: &[&str]) -> Command {
    let mut all = unprivileged_words();
    all.extend(words.iter().map(|word| (*word).to_owned()));
    let mut command = Command::new(&all[0]);
    command.args(&all[1..]);
    command
}

fn give_away(directory: &Path) -> io::Result<()> {
    if is_root() {
        run(Command::new("chown").arg(UNPRIVILEGED).arg(directory))?;
    }
    Ok(())
}

fn run(command: &mut Command) -> io::Result<Output> {
    let output = command.current_dir("/").output()?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{command:?} failed with {}: {said}", output.status)))
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
