//! Follows the tutorial of `plugins/README.md` word by word.

use std::path::Path;

use e2e::{Client, process};

use super::bench::Bench;

/// What the harness does in its own way: it has started this server, on a free port and with a key of its own.
const SERVER: &str = "orderwright dev\n";

/// Runs every command of the tutorial in one shell, as somebody would who follows it, and answers what was said.
pub fn followed(bench: &Bench, client: &Client) -> String {
    let text = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/README.md");
    let text = std::fs::read_to_string(text).expect("the tutorial");
    let section =
        text.split("\n## ").find(|section| section.starts_with("A policy in ten minutes")).expect("a tutorial");
    let blocks: Vec<_> =
        section.split("\n```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default()).collect();
    let (server, commands): (Vec<&str>, Vec<&str>) = blocks.iter().partition(|block| **block == SERVER);
    assert_eq!(server.len(), 1, "the server is started once");
    let script = commands.concat();
    assert_eq!(script.matches("export ORDERWRIGHT_").count(), 2, "{script}");
    // The address and the key are those that the server printed.
    let script: String = script
        .lines()
        .filter(|line| !line.starts_with("export ORDERWRIGHT_"))
        .fold(String::from("set -eu\n"), |script, line| script + line + "\n");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut shell = bench.equipped("sh");
    shell.args(["-c", &script]).env("PATH", format!("{}:{path}", process::build_dir().display()));
    shell.env("ORDERWRIGHT_URL", client.url().trim_end_matches("/api/v1")).env("ORDERWRIGHT_KEY", client.api_key());
    shell.env("XDG_CACHE_HOME", bench.path("cache"));
    let output = shell.output().expect("there is a shell");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    said
}
