//! Debian's packages: what the tests need from the system, and what a private compiler is made of.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::command;

/// A program that the tests start, and the package that brings it.
struct Need {
    program: &'static str,
    /// A module without which this Python is not whole.
    module: Option<&'static str>,
    package: &'static str,
}

const fn need(program: &'static str, package: &'static str) -> Need {
    Need { program, module: None, package }
}

/// The store is tested over this one too, without anything end to end.
const POSTGRES: Need = need("postgres", "postgresql");

/// The console is tested in a real browser, and the templates for plugins with the tools of their languages.
const NEEDS: [Need; 7] = [
    POSTGRES,
    need("chromium", "chromium"),
    need("chromedriver", "chromium-driver"),
    need("node", "nodejs"),
    need("npm", "npm"),
    Need { program: "python3", module: Some("ensurepip"), package: "python3-venv" },
    need("curl", "curl"),
];

impl Need {
    fn is_met(&self) -> bool {
        let has = |module: &str| {
            let mut python = Command::new(self.program);
            command::read(python.args(["-c", &format!("import {module}")]), "asking Python").is_ok()
        };
        let is_there = command::is_on_path(self.program)
            // Debian keeps several versions side by side, none of them on the path.
            || (self.program == POSTGRES.program && servers::has_postgres());
        is_there && self.module.is_none_or(has)
    }
}

/// Installs what the tests need and this machine lacks. Only root can; anyone else is told the command.
pub fn install_for_tests(end_to_end: bool) -> Result<()> {
    let mut missing = missing(Need::is_met);
    missing.retain(|package| end_to_end || *package == POSTGRES.package);
    if missing.is_empty() {
        return Ok(());
    }
    let packages = missing.join(" ");
    if !command::is_on_path("apt-get") {
        bail!("the tests need {packages}, and this system has no apt-get: install them by its own means");
    }
    if !is_root() {
        bail!(
            "the tests need packages that are not installed. As root:\n  \
             apt-get update && apt-get install -y {packages}\nor leave these tests out: cargo xtask test --only \
             fmt,clippy,doc,doctest,plugins"
        );
    }
    eprintln!("installing {packages}");
    // Old lists name files that the mirror no longer has, above all of a browser.
    update()?;
    let mut install = apt_get();
    install.args(["install", "-y", "--no-install-recommends"]).args(&missing);
    command::run(&mut install, "installing what the tests need")
}

fn missing(is_met: impl Fn(&Need) -> bool) -> Vec<&'static str> {
    NEEDS.iter().filter(|need| !is_met(need)).map(|need| need.package).collect()
}

/// The version that apt would install, if it knows the package at all.
///
/// A fresh image has empty lists: root fetches them once, anyone else is told to have that done.
pub fn candidate(package: &str) -> Result<Option<String>> {
    let known = || {
        let policy = command::read(Command::new("apt-cache").args(["policy", package]), "asking apt for a version")?;
        anyhow::Ok(candidate_in(&policy).map(str::to_owned))
    };
    if let Some(version) = known()? {
        return Ok(Some(version));
    }
    if has_lists() {
        return Ok(None);
    }
    if !is_root() {
        bail!("apt has no package lists. As root: apt-get update");
    }
    update()?;
    known()
}

fn candidate_in(policy: &str) -> Option<&str> {
    let version = policy.lines().find_map(|line| line.trim_start().strip_prefix("Candidate: "))?.trim();
    (version != "(none)").then_some(version)
}

/// Whether `apt-get update` has ever been run here: `base-files` is in every list.
fn has_lists() -> bool {
    let shown = command::read(Command::new("apt-cache").args(["show", "base-files"]), "asking apt for a package");
    // Without lists apt still describes what is installed, but cannot say where to get it.
    shown.is_ok_and(|text| text.lines().any(|line| line.starts_with("Filename: ")))
}

/// Downloads packages into a directory; `package=version` asks for one version.
pub fn download(dir: &Path, packages: &[String]) -> Result<()> {
    let download = || {
        let mut download = apt_get();
        download.current_dir(dir).args(["download", "-qq"]).args(packages);
        if is_root() {
            // Otherwise apt warns that its own user cannot write here.
            download.args(["-o", "APT::Sandbox::User=root"]);
        }
        command::read(&mut download, "downloading packages")
    };
    let Err(first) = download() else { return Ok(()) };
    if !is_root() {
        return Err(first).context("if the package lists are old, have root run: apt-get update");
    }
    // Old lists name files that the mirror no longer has.
    update()?;
    download().map(drop)
}

/// What a package needs, as its `Depends` field says.
pub fn depends(package: &str) -> Result<String> {
    let mut show = Command::new("apt-cache");
    let text = command::read(show.args(["show", "--no-all-versions", package]), "asking apt for a package")?;
    let field = text.lines().find_map(|line| line.strip_prefix("Depends: "));
    Ok(field.unwrap_or_default().to_owned())
}

/// Whether dpkg has installed this package.
pub fn is_installed(package: &str) -> bool {
    let mut query = Command::new("dpkg-query");
    query.args(["-W", "-f=${db:Status-Status}\n", package]);
    command::read(&mut query, "asking dpkg").is_ok_and(|status| status.lines().any(|line| line == "installed"))
}

fn update() -> Result<()> {
    let mut update = apt_get();
    update.args(["update", "-qq"]);
    command::run(&mut update, "updating apt's package lists")
}

fn apt_get() -> Command {
    let mut apt = Command::new("apt-get");
    // Another apt may be at work, as it often is on a machine that has just booted.
    apt.args(["-o", "DPkg::Lock::Timeout=180"]).env("DEBIAN_FRONTEND", "noninteractive");
    apt.stdin(std::process::Stdio::null());
    apt
}

fn is_root() -> bool {
    command::read(Command::new("id").arg("-u"), "asking who we are").is_ok_and(|uid| uid.trim() == "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_missing_is_installed() {
        assert_eq!(missing(|_| false).len(), NEEDS.len());
        assert_eq!(missing(|need| need.package != "chromium-driver"), ["chromium-driver"]);
        assert!(missing(|_| true).is_empty());
    }

    #[test]
    fn a_program_without_its_module_is_not_enough() {
        let sh = |module| Need { program: "sh", module, package: "dash" };
        assert!(sh(None).is_met() && !sh(Some("ensurepip")).is_met());
        assert!(!need("no-such-program-here", "none").is_met());
    }

    #[test]
    fn a_candidate_is_a_version_or_nothing() {
        let policy = "rustc-web:\n  Installed: (none)\n  Candidate: 1.96.0+dfsg1-1~deb12u2\n  Version table:\n";
        assert_eq!(candidate_in(policy), Some("1.96.0+dfsg1-1~deb12u2"));
        assert_eq!(candidate_in("rustc-web:\n  Installed: (none)\n  Candidate: (none)\n"), None);
        assert_eq!(candidate_in(""), None);
    }
}
