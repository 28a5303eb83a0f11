//! A component that takes a core many seconds to compile, uploaded by the server's own command line.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio::process::{Child, Command};

use crate::http::Target;
use crate::server::Source;

/// How long compiling may take beside the load.
const PATIENCE: Duration = Duration::from_secs(200);
/// As many functions as an interpreter has, and as many bytes.
const FUNCTIONS: usize = 30_000;

/// Uploads the same again and again, each time under another digest.
pub struct Uploader {
    server: PathBuf,
    wasm: Vec<u8>,
    what: String,
    directory: PathBuf,
    url: String,
    key: String,
}

impl Uploader {
    /// `file` is what is uploaded; without it, it is made.
    pub fn new(
        source: &Source,
        file: Option<&Path>,
        directory: &Path,
        target: &Target,
        key: String,
    ) -> anyhow::Result<Self> {
        let read = |file: &Path| std::fs::read(file).with_context(|| format!("reading {}", file.display()));
        let (wasm, what) = match file {
            Some(file) => (read(file)?, file.file_name().unwrap_or_default().to_string_lossy().into_owned()),
            None => {
                let policy = read(&source.policy("routing_nearest.wasm"))?;
                (padded(policy), format!("a policy with {FUNCTIONS} functions that it does not need"))
            }
        };
        let (server, directory) = (source.server.clone(), directory.to_owned());
        Ok(Self { server, wasm, what, directory, url: format!("http://{}", target.address), key })
    }

    /// Of one upload.
    pub fn bytes(&self) -> usize {
        self.wasm.len()
    }

    /// For people.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Begins to upload.
    pub fn begin(&self, number: usize) -> anyhow::Result<Upload> {
        let number = u8::try_from(number)?;
        let file = self.directory.join("upload.wasm");
        // A section that means nothing makes it another component, which is not in the cache.
        std::fs::write(&file, [&self.wasm, &[0, 6][..], b"\x04run", &[b'0' + number, 0]].concat())?;
        let mut command = Command::new(&self.server);
        command.args(["plugin", "push"]).arg(&file).args(["--name", &format!("upload-{number}"), "--json"]);
        command.args(["--url", &self.url, "--key", &self.key]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        Ok(Upload { began: Instant::now(), child: command.spawn().context("starting `plugin push`")? })
    }
}

/// An upload under way.
pub struct Upload {
    began: Instant,
    child: Child,
}

impl Upload {
    /// Waits until it is compiled and checked; answers after how many seconds.
    pub async fn end(self) -> anyhow::Result<f64> {
        let done = tokio::time::timeout(PATIENCE, self.child.wait_with_output()).await;
        let output = done.context("the upload is never ready")??;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            bail!("the upload is refused: {said}{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(self.began.elapsed().as_secs_f64())
    }
}

/// A component with a module that it does not need.
fn padded(component: Vec<u8>) -> Vec<u8> {
    // `i32.const 7, i32.mul, local.get 0, i32.xor` a hundred times over on its only parameter.
    let body = [&[0, 0x20, 0][..], &[0x41, 7, 0x6c, 0x20, 0, 0x73].repeat(100), &[0x0b]].concat();
    let many = |each: &[u8]| [number(FUNCTIONS).to_vec(), each.repeat(FUNCTIONS)].concat();
    let body = [&number(body.len())[..], &body].concat();
    let module = [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &[1, 0x60, 1, 0x7f, 1, 0x7f]),
        section(3, &many(&[0])),
        section(10, &many(&body)),
    ];
    [component, section(1, &module.concat())].concat()
}

fn section(id: u8, content: &[u8]) -> Vec<u8> {
    [&[id], &number(content.len())[..], content].concat()
}

/// LEB128 of always five bytes.
fn number(value: usize) -> [u8; 5] {
    std::array::from_fn(|n| (value >> (7 * n)) as u8 & 0x7f | if n < 4 { 0x80 } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_is_as_large_as_an_interpreter() {
        assert_eq!(number(300), [0xac, 0x82, 0x80, 0x80, 0]);
        let added = padded(Vec::new());
        assert_eq!(&added[..6], [&[1][..], &number(added.len() - 6)].concat());
        assert!((17_000_000..20_000_000).contains(&added.len()), "{}", added.len());
    }
}
