//! A compiler out of Debian's packages: downloaded, unpacked into a directory (nothing is installed), and given a
//! wasm32 std that is built once from Debian's copy of the library's source.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::command;
use crate::packages;
use crate::wasm::{Host, TARGET};

/// The first release whose edition the policies are written in.
const OLDEST: (u32, u32) = (1, 85);

/// How a family of Debian's Rust packages is named. The one for web browsers follows upstream even in stable releases.
struct Family {
    rustc: &'static str,
    std_dev: &'static str,
    std_prefix: &'static str,
    source: &'static str,
}

const FAMILIES: [Family; 2] = [
    Family {
        rustc: "rustc-web",
        std_dev: "libstd-rust-web-dev",
        std_prefix: "libstd-rust-web-",
        source: "rust-web-src",
    },
    Family { rustc: "rustc", std_dev: "libstd-rust-dev", std_prefix: "libstd-rust-", source: "rust-src" },
];

/// Downloads the compiler and unpacks it into `dir`, with the library's source where rustc looks for it.
pub fn unpack(dir: &Path, host: &Host) -> Result<()> {
    for (program, package) in [("apt-get", "apt"), ("apt-cache", "apt"), ("dpkg-deb", "dpkg"), ("tar", "tar")] {
        if !command::is_on_path(program) {
            bail!("`{program}` is missing: preparing a compiler works on Debian only (package {package})");
        }
    }
    if !command::is_on_path("cc") {
        bail!("a C compiler is missing: apt-get install gcc libc6-dev");
    }
    let (family, version) = choose(packages::candidate)?;
    let minor = minor_of(&version).expect("choose takes only versions that it can read");
    let std = format!("{}{}.{}", family.std_prefix, minor.0, minor.1);
    eprintln!("  downloading {} {version} and its libraries from Debian (about 140 MB)", family.rustc);

    let debs = dir.join("deb");
    fs::create_dir(&debs).with_context(|| format!("creating {}", debs.display()))?;
    let exactly = |package: &str| format!("{package}={version}");
    packages::download(
        &debs,
        &[exactly(family.rustc), exactly(family.std_dev), exactly(&std), exactly(family.source)],
    )?;
    let missing = missing_libraries(&debs, &std)?;
    if !missing.is_empty() {
        packages::download(&debs, &missing)?;
    }
    eprintln!("  unpacking");
    for deb in files_in(&debs)? {
        if file_name(&deb).starts_with(&format!("{}_", family.source)) {
            unpack_source(&deb, dir)?;
        } else {
            let mut extract = Command::new("dpkg-deb");
            command::read(extract.arg("-x").arg(&deb).arg(dir), "unpacking a package")?;
        }
    }
    let triple_dir = dir.join("usr/lib/rustlib").join(&host.triple);
    if !triple_dir.is_dir() {
        bail!("{} of Debian has no std for {}", family.rustc, host.triple);
    }
    Ok(())
}

/// The first family that has a release which is new enough.
fn choose(candidate: impl Fn(&str) -> Result<Option<String>>) -> Result<(&'static Family, String)> {
    let mut seen = Vec::new();
    for family in &FAMILIES {
        match candidate(family.rustc)? {
            Some(version) if minor_of(&version).is_some_and(|minor| minor >= OLDEST) => return Ok((family, version)),
            Some(version) => seen.push(format!("{} is {version}", family.rustc)),
            None => seen.push(format!("{} is unknown", family.rustc)),
        }
    }
    let (major, minor) = OLDEST;
    bail!("apt has no Rust compiler of {major}.{minor} or newer ({})", seen.join(", "))
}

/// `1.96.0+dfsg1-1~deb12u2` is release 1.96.
fn minor_of(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The libraries that the compiler's own library needs and this machine lacks (LLVM first of all), whatever they in
/// turn need included.
fn missing_libraries(debs: &Path, std: &str) -> Result<Vec<String>> {
    let prefix = format!("{std}_");
    let deb = files_in(debs)?.into_iter().find(|deb| file_name(deb).starts_with(&prefix));
    let deb = deb.with_context(|| format!("apt-get downloaded no file of {std}"))?;
    let mut read = Command::new("dpkg-deb");
    let depends = command::read(read.arg("-f").arg(&deb).arg("Depends"), "reading a package")?;
    let mut open: Vec<String> = first_alternatives(&depends);
    let mut missing = BTreeSet::new();
    while let Some(package) = open.pop() {
        if packages::is_installed(&package) || !missing.insert(package.clone()) {
            continue;
        }
        open.extend(first_alternatives(&packages::depends(&package)?));
    }
    Ok(missing.into_iter().collect())
}

/// `libc6 (>= 2.34), liba | libb` names libc6 and liba.
fn first_alternatives(depends: &str) -> Vec<String> {
    let first = |entry: &str| entry.split(['|', '(', ':']).next().unwrap_or_default().trim().to_owned();
    depends.split(',').map(first).filter(|name| !name.is_empty()).collect()
}

/// Only the library's part of the source: the whole is half a gigabyte.
fn unpack_source(deb: &Path, dir: &Path) -> Result<()> {
    let step = "unpacking the source of std";
    let mut list = Command::new("dpkg-deb");
    let mut list = list.arg("--fsys-tarfile").arg(deb).stdout(Stdio::piped()).spawn().context(step)?;
    let archive = list.stdout.take().expect("stdout was asked for");
    let mut tar = Command::new("tar");
    tar.arg("-C").arg(dir).args(["-x", "--wildcards", "./usr/src/rustc-*/library/*"]).stdin(archive);
    let unpacked = command::run(&mut tar, step);
    let listed = list.wait().context(step)?;
    unpacked?;
    if !listed.success() {
        bail!("{step} failed ({listed}): dpkg-deb --fsys-tarfile {}", deb.display());
    }

    let sources = files_in(&dir.join("usr/src"))?;
    let source = sources.iter().find(|path| path.join("library/std").is_dir());
    let source = source.with_context(|| format!("{} holds no library/std", deb.display()))?;
    let place = dir.join("usr/lib/rustlib/src");
    fs::create_dir_all(&place).with_context(|| format!("creating {}", place.display()))?;
    fs::rename(source, place.join("rust")).with_context(|| format!("moving {}", source.display()))
}

/// Where in `dir` the compiler's libraries lie, relative to it.
pub fn library_dirs(dir: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for lib in ["usr/lib", "lib"] {
        let Ok(entries) = fs::read_dir(dir.join(lib)) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            // Debian's directories per architecture are named like `x86_64-linux-gnu`.
            if name.ends_with("-linux-gnu") && entry.path().is_dir() {
                found.push(format!("{lib}/{name}"));
            }
        }
    }
    if found.is_empty() {
        bail!("the unpacked packages hold no libraries");
    }
    Ok(found)
}

/// Builds std for [`TARGET`] with the compiler in `dir` and puts it where that compiler looks.
pub fn build_std(dir: &Path) -> Result<()> {
    eprintln!("  building std for {TARGET} from source");
    let empty = dir.join("empty");
    fs::create_dir_all(empty.join("src")).with_context(|| format!("creating {}", empty.display()))?;
    let manifest = "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[workspace]\n\n\
                    [profile.release]\npanic = \"abort\"\n";
    fs::write(empty.join("Cargo.toml"), manifest).context("writing a manifest")?;
    fs::write(empty.join("src/lib.rs"), "").context("writing an empty library")?;

    let mut cargo = command::guest_cargo();
    cargo.current_dir(&empty);
    cargo.args(["build", "--quiet", "--release", "--target", TARGET]);
    cargo.args(["-Zbuild-std=std,panic_abort", "-Zbuild-std-features="]);
    // Bitcode lets the policies be optimised across crates; the bootstrap variable unlocks -Z in a stable compiler.
    cargo.env("RUSTFLAGS", "-Cembed-bitcode=yes").env("RUSTC_BOOTSTRAP", "1");
    cargo.env("RUSTC", dir.join("rustc")).env("CARGO_TARGET_DIR", empty.join("target"));
    command::run(&mut cargo, "building std for wasm32")?;

    let lib = dir.join("usr/lib/rustlib").join(TARGET).join("lib");
    fs::create_dir_all(&lib).with_context(|| format!("creating {}", lib.display()))?;
    let built = empty.join("target").join(TARGET).join("release/deps");
    for rlib in files_in(&built)? {
        let name = file_name(&rlib);
        if name.ends_with(".rlib") && !name.starts_with("libempty-") {
            fs::copy(&rlib, lib.join(&name)).with_context(|| format!("copying {name}"))?;
        }
    }
    Ok(())
}

/// Sources, packages and tools that nothing needs any more: two thirds of the space.
pub fn remove_what_compiling_does_not_need(dir: &Path) -> Result<()> {
    for name in ["deb", "empty", "usr/lib/rustlib/src", "usr/libexec", "usr/share", "usr/src"] {
        let path = dir.join(name);
        if path.exists() {
            fs::remove_dir_all(&path).with_context(|| format!("removing {}", path.display()))?;
        }
    }
    Ok(())
}

fn files_in(dir: &Path) -> Result<Vec<PathBuf>> {
    let reading = || format!("reading {}", dir.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).with_context(reading)? {
        paths.push(entry.with_context(reading)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_family_that_is_new_enough_is_taken() {
        let bookworm = |package: &str| {
            Ok(Some(if package == "rustc-web" { "1.96.0+dfsg1-1~deb12u2" } else { "1.63.0+dfsg1-2" }.to_owned()))
        };
        let (family, version) = choose(bookworm).expect("the web family is new enough");
        assert_eq!((family.rustc, version.as_str()), ("rustc-web", "1.96.0+dfsg1-1~deb12u2"));

        let trixie = |package: &str| Ok((package == "rustc").then(|| "1.85.0+dfsg3-1".to_owned()));
        assert_eq!(choose(trixie).expect("plain rustc is new enough").0.source, "rust-src");
    }

    #[test]
    fn too_old_or_unknown_packages_are_named() {
        let old = |package: &str| Ok((package == "rustc").then(|| "1.63.0+dfsg1-2".to_owned()));
        let Err(error) = choose(old) else { panic!("1.63 is too old") };
        let text = error.to_string();
        assert!(text.contains("rustc-web is unknown") && text.contains("rustc is 1.63.0"), "{text}");
    }

    #[test]
    fn dependencies_are_read_as_names() {
        let depends = "libc6 (>= 2.34), libllvm22, liba:any | libb (>= 1), libstdc++6 (>= 11)\n";
        assert_eq!(first_alternatives(depends), ["libc6", "libllvm22", "liba", "libstdc++6"]);
        assert!(first_alternatives("\n").is_empty());
    }

    #[test]
    fn versions_compare_by_number() {
        assert_eq!(minor_of("1.96.0+dfsg1-1~deb12u2"), Some((1, 96)));
        assert!(minor_of("1.100.0") > minor_of("1.96.0"));
        assert_eq!(minor_of("unknown"), None);
    }
}
