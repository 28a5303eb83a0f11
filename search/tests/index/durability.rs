//! Commits, positions, reopening, damage.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use search::{Applied, Error, Index, Opened, OrderDocument, OrderKey, Query, SearchOptions};

use crate::order;

fn numbered(number: i64) -> OrderDocument {
    OrderDocument { titles: vec![format!("title{number}")], ..order("ten_a", &format!("ord_{number}"), number) }
}

fn versioned(number: i64, version: u64, title: &str) -> OrderDocument {
    OrderDocument { version, titles: vec![title.to_owned()], ..numbered(number) }
}

fn hits(index: &Index, text: &str) -> Vec<(String, u64)> {
    let query = Query::parse(text).unwrap();
    let page = index.searcher().search("ten_a", &query, &SearchOptions::default()).unwrap();
    page.hits.into_iter().map(|hit| (hit.order_id, hit.version)).collect()
}

/// Copies an index that is in use. A file may go while it is listed (the index removes what it no longer needs on a
/// thread of its own); then the copy would be of no one moment, and is made again.
fn copy_folder(from: &Path, to: &Path) {
    fn copied(from: &Path, to: &Path) -> io::Result<()> {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let target = to.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                copied(&entry.path(), &target)?;
            } else {
                fs::copy(entry.path(), target)?;
            }
        }
        Ok(())
    }
    while let Err(error) = copied(from, to) {
        assert_eq!(error.kind(), io::ErrorKind::NotFound, "{error}");
        fs::remove_dir_all(to).unwrap();
    }
}

#[test]
fn what_is_not_committed_is_read_again_from_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let crashed = tempfile::tempdir().unwrap();
    let index = Index::open(folder.path()).unwrap();
    assert_eq!(index.opened(), &Opened::Created);
    let indexer = index.indexer();
    assert_eq!((indexer.resume().unwrap(), indexer.position().unwrap()), (0, 0));
    indexer.apply(vec![numbered(1), numbered(2)], Vec::new(), 20).unwrap();
    assert_eq!(indexer.commit().unwrap(), 20);
    indexer.apply(vec![numbered(3), versioned(1, 2, "changed")], vec![numbered(2).key()], 30).unwrap();
    assert_eq!(indexer.position().unwrap(), 20);
    assert_eq!(hits(&index, "").len(), 2);

    // The files as a killed process leaves them.
    copy_folder(folder.path(), crashed.path());
    let reopened = Index::open(crashed.path()).unwrap();
    assert_eq!(reopened.opened(), &Opened::Resumed);
    assert_eq!(reopened.indexer().resume().unwrap(), 20);
    assert_eq!(hits(&reopened, ""), [("ord_2".to_owned(), 1), ("ord_1".to_owned(), 1)]);

    // The log again from there, and a little more than needed: nothing doubles, nothing goes back.
    let indexer = reopened.indexer();
    indexer.apply(vec![numbered(1), numbered(2)], Vec::new(), 20).unwrap();
    let batch = || (vec![numbered(3), versioned(1, 2, "changed")], vec![numbered(2).key()], 30);
    for _ in 0..2 {
        let (documents, deletions, position) = batch();
        indexer.apply(documents, deletions, position).unwrap();
    }
    assert_eq!(indexer.commit().unwrap(), 30);
    let (documents, deletions, position) = batch();
    let again = indexer.apply(documents, deletions, position).unwrap();
    assert_eq!(again, Applied { written: 0, stale: 2, deleted: 0 });
    assert_eq!(indexer.commit().unwrap(), 30);
    assert_eq!(hits(&reopened, ""), [("ord_3".to_owned(), 1), ("ord_1".to_owned(), 2)]);
    assert!(hits(&reopened, "title1").is_empty());
}

#[test]
fn a_position_without_documents_is_kept_and_never_goes_back() {
    let folder = tempfile::tempdir().unwrap();
    {
        let indexer = Index::open(folder.path()).unwrap().indexer();
        indexer.apply(Vec::new(), Vec::new(), 7).unwrap();
        indexer.apply(Vec::new(), Vec::new(), 5).unwrap();
        assert_eq!(indexer.commit().unwrap(), 7);
    }
    assert_eq!(Index::open(folder.path()).unwrap().indexer().position().unwrap(), 7);
}

#[test]
fn a_newer_version_is_never_replaced_by_an_older_one() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open(folder.path()).unwrap();
    let indexer = index.indexer();
    let apply = |documents: Vec<OrderDocument>| indexer.apply(documents, Vec::new(), 1).unwrap();
    let in_batch = apply(vec![versioned(1, 2, "two"), versioned(1, 3, "three"), versioned(1, 1, "one")]);
    assert_eq!(in_batch, Applied { written: 1, stale: 2, deleted: 0 });
    assert_eq!(apply(vec![versioned(1, 2, "two")]).written, 0, "within one commit");
    indexer.commit().unwrap();
    assert_eq!(apply(vec![versioned(1, 2, "two"), versioned(1, 3, "other")]).written, 0, "after the commit");
    indexer.commit().unwrap();
    assert_eq!(hits(&index, "three"), [("ord_1".to_owned(), 3)]);
    assert_eq!(apply(vec![versioned(1, 4, "four")]).written, 1);
    indexer.commit().unwrap();
    assert_eq!(hits(&index, ""), [("ord_1".to_owned(), 4)]);
    assert!(hits(&index, "three").is_empty());
}

/// Whether any file of the index, used or left over, can tell a word. Term dictionaries are compressed, so the words are
/// read with the library that wrote them.
fn knows(folder: &Path, word: &str) -> bool {
    let path = folder.join(format!("v{}", search::SCHEMA_VERSION));
    let index = tantivy::Index::open_in_dir(&path).unwrap();
    let segments: Vec<String> =
        index.searchable_segment_ids().unwrap().iter().map(|segment| segment.uuid_string()).collect();
    for entry in fs::read_dir(&path).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let is_segment_file = name.len() > 32 && name.as_bytes()[..32].iter().all(u8::is_ascii_hexdigit);
        if is_segment_file && !segments.iter().any(|segment| name.starts_with(segment)) {
            return true;
        }
    }
    let searcher = index.reader().unwrap().searcher();
    let fields: Vec<_> =
        index.schema().fields().filter(|(_, entry)| entry.is_indexed()).map(|(field, _)| field).collect();
    searcher.segment_readers().iter().any(|segment| {
        fields.iter().any(|field| {
            let postings = segment.inverted_index(*field).unwrap();
            let mut terms = postings.terms().stream().unwrap();
            let mut is_known = false;
            while terms.advance() {
                is_known |= String::from_utf8_lossy(terms.key()).contains(word);
            }
            is_known
        })
    })
}

#[test]
fn erasure_replaces_an_order_and_leaves_no_word_of_it_on_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open(folder.path()).unwrap();
    let indexer = index.indexer();
    let secret = OrderDocument { email: Some("zzyzx@qqq.example".into()), ..numbered(1) };
    let others = (2..20).map(numbered);
    indexer.apply(others.chain([secret]).collect(), Vec::new(), 1).unwrap();
    indexer.commit().unwrap();
    indexer.apply(vec![numbered(1)], vec![numbered(1).key()], 2).unwrap();
    indexer.commit().unwrap();
    assert!(hits(&index, "zzyzx@qqq.example").is_empty());
    assert!(knows(folder.path(), "zzyzx"), "a commit alone only hides the words");
    indexer.compact().unwrap();
    assert!(!knows(folder.path(), "zzyzx"));
    assert_eq!(hits(&index, "").len(), 19);
    assert_eq!(indexer.position().unwrap(), 2);
}

#[test]
fn clearing_empties_and_begins_at_zero() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open(folder.path()).unwrap();
    let indexer = index.indexer();
    indexer.apply(vec![numbered(1)], Vec::new(), 5).unwrap();
    indexer.commit().unwrap();
    indexer.apply(vec![numbered(2)], Vec::new(), 6).unwrap();
    indexer.clear().unwrap();
    assert_eq!((indexer.position().unwrap(), hits(&index, "").len()), (0, 0));
    indexer.apply(vec![numbered(1)], Vec::new(), 3).unwrap();
    assert_eq!(indexer.commit().unwrap(), 3);
    assert_eq!(hits(&index, ""), [("ord_1".to_owned(), 1)]);
    indexer.apply(vec![versioned(1, 2, "two")], vec![numbered(1).key()], 4).unwrap();
    indexer.commit().unwrap();
    assert_eq!(hits(&index, ""), [("ord_1".to_owned(), 2)]);
}

#[test]
fn after_a_failure_nothing_is_taken_before_resuming() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open(folder.path()).unwrap();
    let indexer = index.indexer();
    indexer.apply(vec![numbered(1)], Vec::new(), 1).unwrap();
    indexer.commit().unwrap();
    indexer.apply(vec![numbered(2)], Vec::new(), 2).unwrap();
    let path = folder.path().join(format!("v{}", search::SCHEMA_VERSION));
    let aside = folder.path().join("aside");
    fs::rename(&path, &aside).unwrap();
    assert!(matches!(indexer.commit(), Err(Error::Tantivy(_))));
    assert!(matches!(indexer.apply(vec![numbered(3)], Vec::new(), 3), Err(Error::ResumeNeeded)));
    assert!(matches!(indexer.commit(), Err(Error::ResumeNeeded)));
    fs::rename(&aside, &path).unwrap();
    assert_eq!(indexer.resume().unwrap(), 1);
    indexer.apply(vec![numbered(2), numbered(3)], Vec::new(), 3).unwrap();
    assert_eq!(indexer.commit().unwrap(), 3);
    assert_eq!(hits(&index, "").len(), 3);
}

#[test]
fn a_folder_has_one_owner() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open(folder.path()).unwrap();
    assert!(matches!(Index::open(folder.path()), Err(Error::InUse(_))));
    let indexer = index.indexer();
    drop(index);
    assert!(matches!(Index::open(folder.path()), Err(Error::InUse(_))), "a handle is still there");
    drop(indexer);
    assert_eq!(Index::open(folder.path()).unwrap().opened(), &Opened::Resumed);
}

#[test]
fn a_closed_index_lets_go_of_the_folder_and_can_be_searched() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open(folder.path()).unwrap();
    let indexer = index.indexer();
    indexer.apply(vec![numbered(1)], Vec::new(), 1).unwrap();
    indexer.commit().unwrap();
    indexer.apply(vec![numbered(2)], Vec::new(), 2).unwrap();
    index.close();
    assert!(matches!(indexer.resume(), Err(Error::Stopped)));
    let again = Index::open(folder.path()).unwrap();
    assert_eq!((again.indexer().position().unwrap(), hits(&index, "").len()), (1, 1));
    index.close();
}

/// A process that is being started has every file of its parent open until it becomes another program: a lock that is given
/// up meanwhile must be free all the same.
#[test]
fn processes_that_are_being_started_keep_no_lock() {
    let folder = tempfile::tempdir().unwrap();
    let indexer = Index::open(folder.path()).unwrap().indexer();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                Command::new("true").status().unwrap();
            }
        });
        let resumed: Result<Vec<u64>, Error> = (0..300).map(|_| indexer.resume()).collect();
        let cleared = indexer.clear().and_then(|()| indexer.compact());
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(resumed.unwrap().len(), 300);
        cleared.unwrap();
    });
}

#[test]
fn another_schema_version_is_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("v0")).unwrap();
    fs::write(folder.path().join("v0/meta.json"), "{}").unwrap();
    let index = Index::open(folder.path()).unwrap();
    assert!(matches!(index.opened(), Opened::Rebuilt { reason } if reason.contains("v0")));
    assert!(!folder.path().join("v0").exists());
    assert_eq!(index.indexer().position().unwrap(), 0);
}

/// Every file of the index, in turn, missing, empty, cut in half and overwritten: it opens, and either goes on from a
/// commit that it has in full or says that it begins anew.
#[test]
fn damaged_files_never_keep_it_from_opening() {
    let original = tempfile::tempdir().unwrap();
    {
        let indexer = Index::open(original.path()).unwrap().indexer();
        for batch in 0..3 {
            let documents = (10 * batch..10 * batch + 10).map(numbered).collect();
            indexer.apply(documents, Vec::new(), batch.unsigned_abs() + 1).unwrap();
            indexer.commit().unwrap();
        }
        // Few enough removals, and segments, that nothing is merged behind the test's back.
        indexer.apply(vec![versioned(2, 2, "two")], Vec::new(), 4).unwrap();
        indexer.commit().unwrap();
    }
    let version = format!("v{}", search::SCHEMA_VERSION);
    let names: Vec<_> =
        fs::read_dir(original.path().join(&version)).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let mut rebuilt = 0;
    for name in names {
        for damage in ["missing", "empty", "half", "noise"] {
            let copy = tempfile::tempdir().unwrap();
            copy_folder(original.path(), copy.path());
            let path = copy.path().join(&version).join(&name);
            let bytes = fs::read(&path).unwrap();
            match damage {
                "missing" => fs::remove_file(&path).unwrap(),
                "empty" => fs::write(&path, "").unwrap(),
                "half" => fs::write(&path, &bytes[..bytes.len() / 2]).unwrap(),
                _ => fs::write(&path, vec![0xa5; bytes.len()]).unwrap(),
            }
            let index = Index::open(copy.path()).unwrap_or_else(|error| panic!("{name:?} {damage}: {error}"));
            let indexer = index.indexer();
            match index.opened() {
                Opened::Rebuilt { .. } => {
                    rebuilt += 1;
                    assert_eq!(indexer.position().unwrap(), 0, "{name:?} {damage}");
                }
                _ => assert_eq!(indexer.position().unwrap(), 4, "{name:?} {damage}"),
            }
            let key = OrderKey { tenant: "ten_a".into(), order_id: "ord_1".into() };
            indexer
                .apply(vec![numbered(99)], vec![key], 5)
                .unwrap_or_else(|error| panic!("{name:?} {damage}: {error}"));
            assert_eq!(indexer.commit().unwrap(), 5, "{name:?} {damage}");
            assert_eq!(hits(&index, "title99").len(), 1, "{name:?} {damage}");
        }
    }
    assert!(rebuilt > 0);
}
