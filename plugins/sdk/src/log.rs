//! The log of a call, which the merchant reads beside the decision.

pub use crate::bindings::shared::orderwright::policy::log::Level;

/// Writes one line. The macros [`crate::debug`], [`crate::info`], [`crate::warn`] and [`crate::error`] format it.
pub fn write(level: Level, message: &str) {
    #[cfg(target_family = "wasm")]
    crate::bindings::shared::orderwright::policy::log::write(level, message);
    // Outside of the host there is nobody to write to but the person who runs the test.
    #[cfg(not(target_family = "wasm"))]
    eprintln!("{level:?}: {message}");
}

/// Makes a panic say in the log what happened, before it ends the call. The export macros call this.
pub fn report_panics() {
    #[cfg(target_family = "wasm")]
    std::panic::set_hook(Box::new(|info| write(Level::Error, &info.to_string())));
}

/// Writes a line for the author.
#[macro_export]
macro_rules! debug {
    ($($arg:tt)*) => { $crate::log::write($crate::log::Level::Debug, &format!($($arg)*)) };
}

/// Writes a line that explains a decision.
#[macro_export]
macro_rules! info {
    ($($arg:tt)*) => { $crate::log::write($crate::log::Level::Info, &format!($($arg)*)) };
}

/// Writes a line about something odd.
#[macro_export]
macro_rules! warn {
    ($($arg:tt)*) => { $crate::log::write($crate::log::Level::Warn, &format!($($arg)*)) };
}

/// Writes a line about something wrong.
#[macro_export]
macro_rules! error {
    ($($arg:tt)*) => { $crate::log::write($crate::log::Level::Error, &format!($($arg)*)) };
}
