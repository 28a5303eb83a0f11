//! A disk that has no room left for a while.
//!
//! A library in front of the C library (`shim/full_disk.c`) refuses what would not fit. The payment provider is started
//! by the server, and so has the same library.

use std::fs;
use std::path::{Path, PathBuf};

use crate::server::{Folder, Options};
use crate::shim;

/// A disk that can be filled.
pub struct FullDisk {
    library: PathBuf,
    order: PathBuf,
    data: PathBuf,
}

/// What has no room left, each thought of as a disk of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of the data directory.
    Everything,
    /// The database.
    Store,
    /// The search index.
    Index,
    /// The payment provider's ledger.
    Provider,
}

/// What a full disk refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// To let files grow; what they have may be overwritten. Most file systems are such.
    Growth,
    /// To write anything: every change needs a new place.
    Writes,
    /// To sync: it looks for room only then.
    Syncs,
}

impl Refused {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Growth, Self::Writes, Self::Syncs];
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 4] = [Self::Everything, Self::Store, Self::Index, Self::Provider];

    fn folder(self, data: &Path) -> PathBuf {
        match self {
            Self::Everything => data.to_owned(),
            Self::Store => data.join("store"),
            Self::Index => data.join("index"),
            Self::Provider => data.join("provider"),
        }
    }
}

impl FullDisk {
    /// Puts one, with room, below the data of a server that does not run.
    ///
    /// # Panics
    /// Where the library cannot be built.
    #[must_use]
    pub fn below(folder: &Folder) -> Self {
        let root = folder.path().canonicalize().expect("the folder is there");
        let data = root.join(folder.data().file_name().expect("the data lies in the folder"));
        Self { library: shim::build("full_disk", &root), order: root.join("full"), data }
    }

    /// A server's options, on this disk.
    #[must_use]
    pub fn options(&self, options: Options) -> Options {
        options.env("LD_PRELOAD", &self.library).env("FULL_DISK", &self.order)
    }

    /// Takes away the room.
    ///
    /// # Panics
    /// Where the library cannot be told.
    pub fn fill(&self, part: Part, refused: Refused) {
        let what = match refused {
            Refused::Growth => "growth",
            Refused::Writes => "writes",
            Refused::Syncs => "syncs",
        };
        let order = format!("{what} {}", part.folder(&self.data).display());
        // The library must never read half an order.
        let whole = self.order.with_extension("new");
        fs::write(&whole, order).and_then(|()| fs::rename(&whole, &self.order)).expect("this disk has room");
    }

    /// Gives the room back.
    ///
    /// # Panics
    /// Where the library cannot be told.
    pub fn free(&self) {
        fs::remove_file(&self.order).expect("the disk was full");
    }
}
