//! Settings, and the command line that sets them.

use clap::Args as ClapArgs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What every secret key begins with, so that a real one is never put here by mistake.
pub const API_KEY_PREFIX: &str = "sk_sandbox_";

/// The secret key where none is given.
pub const API_KEY_DEFAULT: &str = "sk_sandbox_demo";

/// The secret that events are signed with, where none is given.
pub const CALLBACK_SECRET_DEFAULT: &str = "whsec_sandbox_demo";

/// The longest span that may be set: a year.
const SECONDS_MAX: u64 = 366 * 24 * 60 * 60;

/// How the provider runs.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The folder of the ledger; made where it is missing.
    pub data: PathBuf,
    /// The secret key of the API.
    pub api_key: String,
    /// After how long a `pm_late` authorisation lands.
    pub late: Duration,
    /// How long the customer of a `pm_action` payment has to confirm.
    pub confirmation: Duration,
    /// How long an idempotency key is remembered.
    pub idempotency: Duration,
    /// How long a request that is never answered is kept open.
    pub silence: Duration,
    /// The URL under which customers reach the provider, where it is not the address it listens on.
    pub public_url: Option<String>,
    /// Whether to print one line of JSON on standard output when ready.
    pub json: bool,
    /// Whether an address that others can reach is allowed.
    pub allow_public: bool,
    /// Whether to stop when standard input closes.
    pub exit_with_stdin: bool,
}

impl Config {
    /// The defaults of the command line for a ledger in `data`, on a free port of the loopback interface.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            data: data.into(),
            api_key: API_KEY_DEFAULT.into(),
            late: Duration::from_secs(15),
            confirmation: Duration::from_secs(15 * 60),
            idempotency: Duration::from_secs(24 * 60 * 60),
            silence: Duration::from_secs(120),
            public_url: None,
            json: false,
            allow_public: false,
            exit_with_stdin: false,
        }
    }
}

/// The arguments of `orderwright sandbox-provider`.
#[derive(Debug, Clone, ClapArgs)]
pub struct Args {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8090")]
    pub listen: SocketAddr,
    /// Folder of the durable ledger, made where it is missing
    #[arg(long, value_name = "DIR", default_value = "./data/sandbox-provider")]
    pub data: PathBuf,
    /// Secret key of the API; must begin with sk_sandbox_
    #[arg(long, value_name = "KEY", default_value = API_KEY_DEFAULT)]
    pub api_key: String,
    /// Seconds until a pm_late authorisation lands
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u64).range(..=SECONDS_MAX))]
    pub late_seconds: u64,
    /// Seconds that the customer of a pm_action payment has to confirm
    #[arg(long, value_name = "N", default_value_t = 900, value_parser = clap::value_parser!(u64).range(..=SECONDS_MAX))]
    pub confirm_seconds: u64,
    /// Seconds that an idempotency key is remembered
    #[arg(long, value_name = "N", default_value_t = 86_400, value_parser = clap::value_parser!(u64).range(..=SECONDS_MAX))]
    pub idempotency_ttl_seconds: u64,
    /// Seconds that a request which is never answered is kept open
    #[arg(long, value_name = "N", default_value_t = 120, value_parser = clap::value_parser!(u64).range(..=SECONDS_MAX))]
    pub silence_seconds: u64,
    /// URL under which customers reach the confirmation page, if not the listening address
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// Print one line of JSON ({"url":"http://…"}) on standard output when ready
    #[arg(long)]
    pub json: bool,
    /// Allow an address that other machines can reach
    #[arg(long)]
    pub allow_public: bool,
    /// Stop when standard input closes, so that a parent that dies leaves no orphan
    #[arg(long)]
    pub exit_with_stdin: bool,
}

impl From<Args> for Config {
    fn from(args: Args) -> Self {
        Self {
            listen: args.listen,
            data: args.data,
            api_key: args.api_key,
            late: Duration::from_secs(args.late_seconds),
            confirmation: Duration::from_secs(args.confirm_seconds),
            idempotency: Duration::from_secs(args.idempotency_ttl_seconds),
            silence: Duration::from_secs(args.silence_seconds),
            public_url: args.public_url,
            json: args.json,
            allow_public: args.allow_public,
            exit_with_stdin: args.exit_with_stdin,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Command, FromArgMatches};

    #[test]
    fn the_command_line_has_the_documented_defaults() {
        let command = Args::augment_args(Command::new("sandbox-provider"));
        command.clone().debug_assert();
        let matches = command.get_matches_from(["sandbox-provider"]);
        let config = Config::from(Args::from_arg_matches(&matches).unwrap());
        let defaults = Config::new("./data/sandbox-provider");
        assert_eq!(config.listen, SocketAddr::from(([127, 0, 0, 1], 8090)));
        assert_eq!(config.data, defaults.data);
        assert_eq!(config.api_key, defaults.api_key);
        assert_eq!(config.late, defaults.late);
        assert_eq!(config.confirmation, defaults.confirmation);
        assert_eq!(config.idempotency, defaults.idempotency);
        assert_eq!(config.silence, defaults.silence);
        assert!(!config.allow_public && !config.json && !config.exit_with_stdin);
    }
}
