//! Which server a tool speaks to.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde::Deserialize;

/// A server and a key to it.
#[derive(Deserialize)]
pub struct Target {
    pub url: String,
    #[serde(rename = "api_key")]
    pub key: String,
}

/// What `orderwright dev` writes into its data directory while it runs.
const NOTE: &str = "dev.json";

/// Where a tool is told which server it speaks to.
#[derive(Debug, clap::Args)]
pub struct ServerArgs {
    /// The server, such as http://127.0.0.1:8080 [default: the one that `orderwright dev` runs on --data]
    #[arg(long, env = "ORDERWRIGHT_URL", requires = "key")]
    url: Option<String>,
    /// An API key; `plugin` needs its scope plugins:write, `import` orders:read, orders:write and inventory:write
    #[arg(long, env = "ORDERWRIGHT_KEY", hide_env_values = true, requires = "url")]
    key: Option<String>,
    /// The data directory of the running `orderwright dev`, where its address and key are found
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
}

impl ServerArgs {
    /// The given server, or the one that runs on the data directory.
    ///
    /// # Errors
    /// Where neither is given, with what to do.
    pub fn find(&self) -> anyhow::Result<Target> {
        find(self.url.as_deref(), self.key.as_deref(), &self.data)
    }
}

fn find(url: Option<&str>, key: Option<&str>, data: &Path) -> anyhow::Result<Target> {
    if let (Some(url), Some(key)) = (url, key) {
        return Ok(Target { url: url.to_owned(), key: key.to_owned() });
    }
    let note = data.join(NOTE);
    let text = match std::fs::read_to_string(&note) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
            "no server: there is no {}.\nStart one with `orderwright dev --data {}` in another terminal, name the data \
             directory of the one that runs with `--data DIR`, or name a server with `--url URL --key KEY`.",
            note.display(),
            data.display()
        ),
        Err(error) => return Err(error).with_context(|| format!("reading {}", note.display())),
    };
    serde_json::from_str(&text).with_context(|| format!("{} does not name a server", note.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_server_wins_over_the_note() {
        let target = find(Some("http://a"), Some("ow_k"), Path::new("/nowhere")).unwrap();
        assert_eq!((target.url.as_str(), target.key.as_str()), ("http://a", "ow_k"));
    }

    #[test]
    fn without_a_server_the_message_says_what_to_do() {
        let error = find(None, None, Path::new("/nowhere")).err().unwrap().to_string();
        assert!(error.contains("orderwright dev") && error.contains("--url"), "{error}");
    }
}
