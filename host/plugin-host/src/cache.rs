//! Compiled components on disk, authenticated: a `.cwasm` is machine code, and running one that somebody else wrote
//! would hand them the process.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use ring::hmac;
use wasmtime::Engine;

/// Length of an HMAC-SHA256 tag, which stands before the code.
const TAG_BYTES: usize = 32;

/// A folder of compiled components.
#[derive(Debug)]
pub struct Cache {
    dir: PathBuf,
    key: hmac::Key,
    /// Names the engine: its version, its settings and the machine it compiles for.
    compatibility: String,
}

/// What a look into the cache found.
pub enum Found {
    /// Code that this host made.
    Code(Vec<u8>),
    /// Nothing, or something that does not verify and is gone now.
    Nothing,
}

impl Cache {
    pub fn open(dir: PathBuf, key: &[u8; 32], engine: &Engine) -> io::Result<Self> {
        fs::create_dir_all(&dir)?;
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let compatibility = format!("{:016x}", hasher.finish());
        Ok(Self { dir, key: hmac::Key::new(hmac::HMAC_SHA256, key), compatibility })
    }

    /// Reads and verifies.
    pub fn get(&self, digest: &str) -> io::Result<Found> {
        let path = self.path(digest);
        let mut file = match fs::read(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(error) => return Err(error),
        };
        let genuine = file.split_at_checked(TAG_BYTES).is_some_and(|(tag, code)| self.verifies(digest, tag, code));
        if !genuine {
            tracing::warn!(file = %path.display(), "a compiled policy does not verify; it is removed and compiled again");
            remove(&path)?;
            return Ok(Found::Nothing);
        }
        file.drain(..TAG_BYTES);
        Ok(Found::Code(file))
    }

    /// Writes what the compiler made, so that readers see all of it or nothing.
    pub fn put(&self, digest: &str, code: &[u8]) -> io::Result<()> {
        let scratch = self.scratch("cwasm");
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&self.label(digest));
        context.update(code);
        let mut file = fs::File::create_new(&scratch.path)?;
        file.write_all(context.sign().as_ref())?;
        file.write_all(code)?;
        drop(file);
        fs::rename(&scratch.path, self.path(digest))
    }

    /// Forgets what verified but cannot be used.
    pub fn forget(&self, digest: &str) -> io::Result<()> {
        remove(&self.path(digest))
    }

    /// A path of its own for something temporary; what is there is removed when this is dropped.
    pub fn scratch(&self, extension: &str) -> Scratch {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // Several hosts may share the folder: the process makes the name unique between them.
        let name = format!("tmp-{}-{number}.{extension}", std::process::id());
        Scratch { path: self.dir.join(name) }
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.dir.join(format!("{digest}-{}.cwasm", self.compatibility))
    }

    /// What the tag covers beside the code, so that a genuine file under another's name does not verify.
    fn label(&self, digest: &str) -> Vec<u8> {
        format!("orderwright cwasm\0{digest}\0{}\0", self.compatibility).into_bytes()
    }

    fn verifies(&self, digest: &str, tag: &[u8], code: &[u8]) -> bool {
        // `ring` verifies one slice: label and code are brought together.
        let mut signed = self.label(digest);
        signed.extend_from_slice(code);
        hmac::verify(&self.key, &signed, tag).is_ok()
    }
}

/// A temporary file's path.
pub struct Scratch {
    pub path: PathBuf,
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Most are renamed or never made: there is nothing to remove then, and nobody to tell.
        let _ = fs::remove_file(&self.path);
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
