//! Opens an index folder, or begins it anew where what is there cannot be used.

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use tantivy::directory::error::OpenReadError;
use tantivy::{Index, IndexReader, IndexSettings, ReloadPolicy, TantivyError};

use super::directory::Folder;
use super::lock::FileLock;
use super::{Opened, worker};
use crate::Error;
use crate::schema::{self, Fields, SCHEMA_VERSION};

pub(super) struct Parts {
    pub store: Store,
    pub reader: IndexReader,
    pub fields: Fields,
    pub opened: Opened,
}

/// The files, and the lock that keeps others out for as long as this lives.
pub(super) struct Store {
    pub index: Index,
    _lock: FileLock,
}

/// The layout of the folder: a lock file, and `v<version>` with the index itself.
pub(super) fn open(folder: &Path) -> Result<Parts, Error> {
    fs::create_dir_all(folder).map_err(|source| failed(folder, source))?;
    let lock = lock(folder)?;
    let outdated = remove_other_versions(folder)?;
    let path = folder.join(format!("v{SCHEMA_VERSION}"));
    let is_new = !path.exists();
    let (index, reader, fields, opened) = if is_new {
        let opened = match outdated {
            Some(name) => Opened::Rebuilt { reason: format!("the index has schema {name}, not v{SCHEMA_VERSION}") },
            None => Opened::Created,
        };
        let (index, reader, fields) = create(&path)?;
        (index, reader, fields, opened)
    } else {
        match open_existing(&path) {
            Ok((index, reader, fields)) => (index, reader, fields, Opened::Resumed),
            Err(Fault::Failed(error)) => return Err(error),
            Err(Fault::Damaged(reason)) => {
                fs::remove_dir_all(&path).map_err(|source| failed(&path, source))?;
                let (index, reader, fields) = create(&path)?;
                (index, reader, fields, Opened::Rebuilt { reason })
            }
        }
    };
    if let Opened::Rebuilt { reason } = &opened {
        tracing::warn!(folder = %folder.display(), reason, "the search index is rebuilt from nothing");
    }
    Ok(Parts { store: Store { index, _lock: lock }, reader, fields, opened })
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::Folder { path: path.to_owned(), source }
}

fn lock(folder: &Path) -> Result<FileLock, Error> {
    let path = folder.join("lock");
    let taken = FileLock::take_over(&path).map_err(|source| failed(&path, source))?;
    taken.ok_or_else(|| Error::InUse(folder.to_owned()))
}

/// Removes indexes of other schema versions and answers the name of one of them.
fn remove_other_versions(folder: &Path) -> Result<Option<String>, Error> {
    let mut removed = None;
    for entry in fs::read_dir(folder).map_err(|source| failed(folder, source))? {
        let entry = entry.map_err(|source| failed(folder, source))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(Ok(version)) = name.strip_prefix('v').map(str::parse::<u32>) else { continue };
        if version != SCHEMA_VERSION {
            fs::remove_dir_all(entry.path()).map_err(|source| failed(&entry.path(), source))?;
            removed = Some(name);
        }
    }
    Ok(removed)
}

fn create(path: &Path) -> Result<(Index, IndexReader, Fields), Error> {
    fs::create_dir_all(path).map_err(|source| failed(path, source))?;
    let directory = Folder::open(path).map_err(TantivyError::from)?;
    let (schema, fields) = schema::build();
    let index = Index::create(directory, schema, IndexSettings::default())?;
    let reader = reader(&index)?;
    Ok((index, reader, fields))
}

enum Fault {
    /// Only a new index helps.
    Damaged(String),
    /// The index may be good: better not to throw it away.
    Failed(Error),
}

fn open_existing(path: &Path) -> Result<(Index, IndexReader, Fields), Fault> {
    // Damaged files can make the reading code panic, which is damage like any other.
    let opened = catch_unwind(AssertUnwindSafe(|| {
        let index = Index::open(Folder::open(path)?)?;
        let reader = reader(&index)?;
        worker::committed_position(&index)?;
        probe(&index, &reader)?;
        Ok((index, reader))
    }));
    let (index, reader) = match opened {
        Ok(Ok(parts)) => parts,
        Ok(Err(error)) if is_damage(&error) => return Err(Fault::Damaged(error.to_string())),
        Ok(Err(error)) => return Err(Fault::Failed(error.into())),
        Err(_) => return Err(Fault::Damaged("reading the index panicked".to_owned())),
    };
    let (schema, fields) = schema::build();
    if index.schema() != schema {
        return Err(Fault::Damaged("the index has other fields".to_owned()));
    }
    Ok((index, reader, fields))
}

/// Opens every file of every segment, which the library otherwise leaves to the first search. Each file's end is checked
/// by that, so that a missing or cut file shows here; the contents are not read.
fn probe(index: &Index, reader: &IndexReader) -> tantivy::Result<()> {
    let schema = index.schema();
    for segment in reader.searcher().segment_readers() {
        for (field, entry) in schema.fields() {
            if entry.is_indexed() {
                segment.inverted_index(field)?;
            }
            if entry.is_fast() {
                segment.fast_fields().dynamic_column_handles(entry.name())?;
            }
        }
        segment.get_store_reader(0)?;
    }
    Ok(())
}

/// Searches see a commit from the moment the writer says so, not whenever a watcher notices it.
fn reader(index: &Index) -> tantivy::Result<IndexReader> {
    index.reader_builder().reload_policy(ReloadPolicy::Manual).num_warming_threads(1).try_into()
}

fn is_damage(error: &TantivyError) -> bool {
    let is_damaged_file = |error: &io::Error| {
        matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData | io::ErrorKind::NotFound)
    };
    match error {
        TantivyError::DataCorruption(_)
        | TantivyError::IncompatibleIndex(_)
        | TantivyError::SchemaError(_)
        | TantivyError::FieldNotFound(_)
        | TantivyError::InternalError(_)
        | TantivyError::MissingPlugin(_)
        | TantivyError::OpenReadError(OpenReadError::FileDoesNotExist(_) | OpenReadError::IncompatibleIndex(_)) => true,
        TantivyError::OpenReadError(OpenReadError::IoError { io_error, .. }) => is_damaged_file(io_error),
        TantivyError::IoError(error) => is_damaged_file(error),
        _ => false,
    }
}
