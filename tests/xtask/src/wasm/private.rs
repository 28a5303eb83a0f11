//! The private copy: one directory, checked before use, replaced as a whole, never built twice at once.

use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::wasm::{Compiler, Host, LINKER, LINKERS, debian, has_std, probe};

/// Names another directory for the copy.
const DIR_VARIABLE: &str = "WASM_TOOLCHAIN_DIR";

/// A private toolchain, there or not yet.
pub struct Private {
    host: Host,
    dir: PathBuf,
}

impl Private {
    /// In `$WASM_TOOLCHAIN_DIR`, otherwise in the user's cache: one copy serves every checkout.
    pub fn new(host: Host) -> Result<Self> {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let dir = variable(DIR_VARIABLE)
            .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("wasm-toolchain")))
            .or_else(|| variable("HOME").map(|home| home.join(".cache/wasm-toolchain")))
            .with_context(|| format!("neither {DIR_VARIABLE} nor HOME says where to keep a private toolchain"))?;
        let dir = std::path::absolute(&dir).with_context(|| format!("{} is no usable path", dir.display()))?;
        Ok(Self { host, dir })
    }

    /// The compiler in it, prepared or mended first where that is needed.
    pub fn ready(self) -> Result<Compiler> {
        if self.is_whole() {
            return Ok(self.compiler());
        }
        let _lock = self.lock()?;
        // Whoever held the lock before us may have done the work.
        if self.is_whole() {
            return Ok(self.compiler());
        }
        self.check_linkers()?;
        if has_std(&self.rustc()) {
            self.relink()?;
        } else {
            self.build()?;
        }
        Ok(self.compiler())
    }

    fn rustc(&self) -> PathBuf {
        self.dir.join("rustc")
    }

    fn compiler(&self) -> Compiler {
        Compiler { rustc: self.rustc(), linker: tools_of(&self.dir, &self.host).join(LINKER) }
    }

    /// A link into a toolchain that rustup has since removed dangles, and then `exists` says no.
    fn is_whole(&self) -> bool {
        let tools = tools_of(&self.dir, &self.host);
        LINKERS.iter().all(|name| tools.join(name).exists()) && has_std(&self.rustc())
    }

    /// Beside the directory, so that it outlives the replacement; released by the system if we die.
    fn lock(&self) -> Result<File> {
        let path = self.beside("lock");
        let parent = self.dir.parent().context("the private toolchain cannot be the root directory")?;
        fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
        let file = File::options().create(true).append(true).open(&path);
        let file = file.with_context(|| format!("opening {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => eprintln!("waiting for another run that prepares {}", self.dir.display()),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("locking {}", path.display()));
            }
        }
        file.lock().with_context(|| format!("locking {}", path.display()))?;
        Ok(file)
    }

    fn check_linkers(&self) -> Result<()> {
        for name in LINKERS {
            if !self.host.tools.join(name).exists() {
                bail!(
                    "{} has no {name}; a rustup toolchain of 1.87 or newer does (`rustup update stable`)",
                    self.host.tools.display()
                );
            }
        }
        Ok(())
    }

    /// The std is whole and only the toolchain that lends the linkers has moved: no reason to build anything.
    fn relink(&self) -> Result<()> {
        eprintln!("linking {} to the linkers of {}", self.dir.display(), self.host.sysroot.display());
        link_tools(&self.dir, &self.host)?;
        let scratch = self.beside("tmp");
        clear(&scratch)?;
        fs::create_dir_all(&scratch).with_context(|| format!("creating {}", scratch.display()))?;
        let checked = probe::compiles(&self.compiler(), &scratch);
        clear(&scratch)?;
        checked
    }

    /// Builds beside the directory and renames: a run that is killed leaves nothing that looks whole.
    fn build(&self) -> Result<()> {
        if !is_ours_to_replace(&self.dir) {
            bail!("{} holds something else than a toolchain: empty it, or set {DIR_VARIABLE}", self.dir.display());
        }
        eprintln!("preparing a wasm32 compiler in {} (once, one to three minutes)", self.dir.display());
        let fresh = self.beside("tmp");
        clear(&fresh)?;
        fs::create_dir_all(&fresh).with_context(|| format!("creating {}", fresh.display()))?;
        debian::unpack(&fresh, &self.host)?;
        write_wrapper(&fresh)?;
        link_tools(&fresh, &self.host)?;
        debian::build_std(&fresh)?;
        let compiler = Compiler { rustc: fresh.join("rustc"), linker: tools_of(&fresh, &self.host).join(LINKER) };
        eprintln!("  checking it on a tiny guest");
        probe::compiles(&compiler, &fresh)?;
        debian::remove_what_compiling_does_not_need(&fresh)?;

        let stale = self.beside("old");
        clear(&stale)?;
        if self.dir.exists() {
            fs::rename(&self.dir, &stale).with_context(|| format!("moving {} away", self.dir.display()))?;
        }
        fs::rename(&fresh, &self.dir).with_context(|| format!("renaming {}", fresh.display()))?;
        clear(&stale)
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.dir.clone().into_os_string();
        name.push(".");
        name.push(suffix);
        name.into()
    }
}

fn tools_of(dir: &Path, host: &Host) -> PathBuf {
    dir.join("usr/lib/rustlib").join(&host.triple).join("bin")
}

/// Links rather than copies: rust-lld finds its libraries beside the place it really lies in.
fn link_tools(dir: &Path, host: &Host) -> Result<()> {
    let tools = tools_of(dir, host);
    fs::create_dir_all(&tools).with_context(|| format!("creating {}", tools.display()))?;
    for name in LINKERS {
        let (link, fresh) = (tools.join(name), tools.join(format!("{name}.new")));
        clear(&fresh)?;
        symlink(host.tools.join(name), &fresh).with_context(|| format!("linking {}", fresh.display()))?;
        fs::rename(&fresh, &link).with_context(|| format!("renaming {}", fresh.display()))?;
    }
    Ok(())
}

/// The compiler's libraries lie in the copy, not where the system looks; the script finds them wherever the copy is.
fn write_wrapper(dir: &Path) -> Result<()> {
    let libraries = debian::library_dirs(dir)?;
    let path: Vec<_> = libraries.iter().map(|relative| format!("$here/{relative}")).collect();
    let script = format!(
        "#!/bin/sh\n\
         # A compiler for wasm32, unpacked from Debian's packages; `cargo xtask policies` prepares it again if removed.\n\
         here=$(dirname \"$(readlink -f \"$0\")\")\n\
         LD_LIBRARY_PATH=\"{}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}\" exec \"$here/usr/bin/rustc\" \"$@\"\n",
        path.join(":")
    );
    let wrapper = dir.join("rustc");
    let mut file = File::create(&wrapper).with_context(|| format!("creating {}", wrapper.display()))?;
    file.write_all(script.as_bytes()).with_context(|| format!("writing {}", wrapper.display()))?;
    fs::set_permissions(&wrapper, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .with_context(|| format!("making {} executable", wrapper.display()))
}

/// A wrong `WASM_TOOLCHAIN_DIR` must not cost anyone a directory: only a toolchain, or nothing, is replaced.
fn is_ours_to_replace(dir: &Path) -> bool {
    let Ok(mut entries) = fs::read_dir(dir) else { return !dir.exists() };
    entries.next().is_none() || (dir.join("rustc").is_file() && dir.join("usr/bin/rustc").is_file())
}

/// Removes a directory tree or a link, if it is there.
fn clear(path: &Path) -> Result<()> {
    let Ok(meta) = path.symlink_metadata() else { return Ok(()) };
    let removed = if meta.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.with_context(|| format!("removing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(root: &Path) -> Host {
        let tools = root.join("lib/rustlib/x86_64-unknown-linux-gnu/bin");
        fs::create_dir_all(&tools).expect("a temporary directory");
        for name in LINKERS {
            fs::write(tools.join(name), name).expect("a temporary directory");
        }
        Host { rustc: "rustc".into(), triple: "x86_64-unknown-linux-gnu".into(), sysroot: root.into(), tools }
    }

    #[test]
    fn links_follow_a_toolchain_that_moved() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (copy, before, after) = (dir.path().join("copy"), dir.path().join("before"), dir.path().join("after"));
        let old = host(&before);
        link_tools(&copy, &old).expect("linked");
        fs::remove_dir_all(&before).expect("removed");
        let linker = tools_of(&copy, &old).join(LINKER);
        assert!(!linker.exists(), "the link dangles now");

        link_tools(&copy, &host(&after)).expect("linked again");
        assert_eq!(fs::read_to_string(&linker).expect("mended"), LINKER);
    }

    #[test]
    fn a_directory_with_something_else_in_it_is_never_replaced() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        assert!(is_ours_to_replace(dir.path()), "empty");
        assert!(is_ours_to_replace(&dir.path().join("absent")));
        fs::write(dir.path().join("thesis.tex"), "").expect("written");
        assert!(!is_ours_to_replace(dir.path()));

        let copy = dir.path().join("copy");
        fs::create_dir_all(copy.join("usr/bin")).expect("created");
        fs::write(copy.join("usr/bin/rustc"), "").expect("written");
        assert!(!is_ours_to_replace(&copy), "half of a toolchain");
        fs::write(copy.join("rustc"), "").expect("written");
        assert!(is_ours_to_replace(&copy));
    }

    #[test]
    fn the_second_run_waits_for_the_first() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let private = Private { host: host(dir.path()), dir: dir.path().join("copy") };
        let first = private.lock().expect("free");
        let other = File::options().append(true).open(private.beside("lock")).expect("it exists");
        assert!(matches!(other.try_lock(), Err(TryLockError::WouldBlock)));
        drop(first);
        assert!(other.try_lock().is_ok());
    }
}
