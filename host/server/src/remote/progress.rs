//! How far a tool has come, shown on a terminal only.

use indicatif::{ProgressBar, ProgressStyle};

/// Of a known number of things.
pub fn bar(what: &'static str, length: usize) -> ProgressBar {
    let template = "{msg:12} [{bar:40}] {pos}/{len} {per_sec} {eta}";
    let style = ProgressStyle::with_template(template).expect("the template is well-formed");
    ProgressBar::new(length as u64).with_style(style.progress_chars("=> ")).with_message(what)
}

/// Of a number of things that only the end knows.
pub fn count(what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg} {pos} {per_sec}").expect("the template is well-formed");
    ProgressBar::new_spinner().with_style(style).with_message(what)
}
