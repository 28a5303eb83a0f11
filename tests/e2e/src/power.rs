//! A power cut: what was never synced is gone.
//!
//! A kill keeps the page cache, so it shows nothing about syncing. Here a library in front of the C library
//! (`shim/power_loss.c`) keeps a second tree, of what each file held at its last sync. After a kill the data is replaced
//! by that tree: the worst that a disk may do.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::server::{Folder, Options};
use crate::shim;

/// The provider is another company, with a power supply of its own.
const PROVIDER: &str = "provider";

/// A disk that forgets.
pub struct ForgetfulDisk {
    library: PathBuf,
    data: PathBuf,
    kept: PathBuf,
}

impl ForgetfulDisk {
    /// Puts one below the data of a stopped server. What is there now is safe.
    ///
    /// # Panics
    /// Where the library cannot be built, for want of a C compiler, or the data cannot be copied.
    #[must_use]
    pub fn below(folder: &Folder) -> Self {
        let root = folder.path().canonicalize().expect("the folder is there");
        let data = folder.data().canonicalize().expect("the server has run");
        let disk = Self { library: shim::build("power_loss", &root), data, kept: root.join("kept") };
        copy_tree(&disk.data, &disk.kept).expect("the data can be copied");
        disk
    }

    /// A server's options, on this disk.
    #[must_use]
    pub fn options(&self, options: Options) -> Options {
        options
            .env("LD_PRELOAD", &self.library)
            .env("POWER_LOSS_ROOT", &self.data)
            .env("POWER_LOSS_KEPT", &self.kept)
            .env("POWER_LOSS_EXEMPT", self.data.join(PROVIDER))
    }

    /// The power goes, after the server was killed: only what was synced is left.
    ///
    /// # Panics
    /// Where the data cannot be replaced.
    pub fn forget(&self) {
        let forget = || {
            for entry in fs::read_dir(&self.data)? {
                let path = entry?.path();
                if path.ends_with(PROVIDER) {
                    continue;
                }
                if path.is_dir() { fs::remove_dir_all(&path)? } else { fs::remove_file(&path)? }
            }
            copy_tree(&self.kept, &self.data)
        };
        forget().expect("the data can be replaced");
    }
}

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_name() == PROVIDER {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
