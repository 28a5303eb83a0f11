//! A released WIT package is frozen: components that merchants built against it must go on loading.
//!
//! `tests/xtask/released-wit.sha256` lists each file of each released folder as `sha256sum` writes it. To release one:
//! `sha256sum wit/0.3.0/*.wit >> tests/xtask/released-wit.sha256`. Every folder has to be listed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::files::tree;
use crate::{assert_tidy, root};

const LIST: &str = "tests/xtask/released-wit.sha256";

fn digest(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Paths by digest; a line that starts with `#` is a remark.
fn parse(list: &str) -> Result<BTreeMap<PathBuf, String>, String> {
    let lines = list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let entry = |line: &str| {
        let (digest, path) = line.split_once("  ").ok_or_else(|| format!("{LIST}: not `digest  path`: {line}"))?;
        let is_digest = digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_digest || !path.starts_with("wit/") {
            return Err(format!("{LIST}: not a digest of a file in wit/: {line}"));
        }
        Ok((PathBuf::from(path), digest.to_owned()))
    };
    lines.map(entry).collect()
}

/// `present` holds the digest of every file below `wit/`.
fn complain(released: &BTreeMap<PathBuf, String>, present: &BTreeMap<PathBuf, String>) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, digest) in released {
        match present.get(path) {
            Some(now) if now == digest => {}
            Some(_) => complaints.push(format!("{} is released and has changed: make a new version", path.display())),
            None => complaints.push(format!("{} is released and is gone", path.display())),
        }
    }
    let folders: BTreeSet<&Path> = released.keys().filter_map(|path| path.parent()).collect();
    for path in present.keys() {
        let is_in_released = path.ancestors().any(|folder| folders.contains(folder));
        if is_in_released && !released.contains_key(path) {
            complaints.push(format!("{} was added to a released package", path.display()));
        }
        if is_of_a_version(path) && !is_in_released {
            complaints.push(format!("{} belongs to a version that {LIST} does not list", path.display()));
        }
    }
    complaints
}

/// Whether a file lies in the folder of a version.
fn is_of_a_version(path: &Path) -> bool {
    let is_version = |name: &str| {
        let numbers: Option<Vec<u64>> = name.split('.').map(|part| part.parse().ok()).collect();
        numbers.is_some_and(|numbers| numbers.len() == 3)
    };
    path.components().any(|part| part.as_os_str().to_str().is_some_and(is_version))
}

#[test]
fn released_packages_are_unchanged() {
    let list = std::fs::read_to_string(root().join(LIST)).expect("the list is there, be it empty");
    let released = parse(&list).expect("the list is well-formed");
    let files = tree(&root()).into_iter().filter(|file| file.path.starts_with("wit"));
    let present: BTreeMap<_, _> = files
        .map(|file| {
            let bytes = std::fs::read(root().join(&file.path)).expect("a file that was listed can be read");
            (file.path, digest(&bytes))
        })
        .collect();
    assert!(!present.is_empty(), "wit/ was not found");
    assert_tidy(&complain(&released, &present));
}

fn files(list: &[(&str, &[u8])]) -> BTreeMap<PathBuf, String> {
    list.iter().map(|(path, bytes)| (PathBuf::from(path), digest(bytes))).collect()
}

#[test]
fn what_belongs_to_no_version_is_not_frozen() {
    let released = parse("# Nothing is released yet.\n").expect("remarks are fine");
    assert!(complain(&released, &files(&[("wit/README.md", b"# The contract")])).is_empty());
}

#[test]
fn every_change_of_a_released_folder_is_seen() {
    let released = files(&[("wit/1.0.0/tax.wit", b"a"), ("wit/1.0.0/risk.wit", b"b")]);
    assert!(complain(&released, &released).is_empty());
    let changed = files(&[("wit/1.0.0/tax.wit", b"a "), ("wit/1.0.0/new.wit", b"c")]);
    let complaints = complain(&released, &changed).join("; ");
    assert_eq!(
        complaints,
        "wit/1.0.0/risk.wit is released and is gone; wit/1.0.0/tax.wit is released and has changed: make a new version; \
         wit/1.0.0/new.wit was added to a released package"
    );
}

#[test]
fn a_version_cannot_be_left_out_of_the_list() {
    assert_eq!(complain(&BTreeMap::new(), &files(&[("wit/0.1.0/tax.wit", b"a")])).len(), 1);
    assert!(is_of_a_version(Path::new("wit/12.0.3/tax.wit")));
    assert!(!is_of_a_version(Path::new("wit/deps.v1/tax.wit")));
}

#[test]
fn the_list_is_what_sha256sum_writes() {
    let line = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  wit/1.0.0/abc.wit\n";
    assert_eq!(parse(line).expect("well-formed"), files(&[("wit/1.0.0/abc.wit", b"abc")]));
    assert!(parse("1234  wit/1.0.0/abc.wit").is_err());
    assert!(parse("wit/1.0.0/abc.wit").is_err());
}
