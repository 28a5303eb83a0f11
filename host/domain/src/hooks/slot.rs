//! Where a component is bound.

use std::fmt;
use std::str::FromStr;

use super::Hook;

/// The binding of an adapter's hook where nobody names one.
pub const MAIN: &str = "main";

/// A longer name of a binding is a mistake.
const NAME_BYTES_MAX: usize = 50;

/// What stands in a path where a binding's name could stand, and so cannot be one.
const RESERVED: [&str; 2] = ["promote", "rollback"];

/// Where a component is bound: a policy's hook, or one of the named bindings of an adapter's hook. Written `routing` and
/// `payment/main`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Slot {
    hook: Hook,
    binding: Option<String>,
}

impl Slot {
    /// The slot with this name; none where a policy is given a name, an adapter none, or the name cannot be one.
    #[must_use]
    pub fn new(hook: Hook, binding: Option<&str>) -> Option<Self> {
        let fits = binding.map_or(!hook.is_adapter(), |name| hook.is_adapter() && binding_name(name).is_ok());
        fits.then(|| Self { hook, binding: binding.map(str::to_owned) })
    }

    /// The slot of a hook where nobody names a binding: the policy's own, or the adapter's [`MAIN`].
    #[must_use]
    pub fn usual(hook: Hook) -> Self {
        Self { hook, binding: hook.is_adapter().then(|| MAIN.to_owned()) }
    }

    /// The hook.
    #[must_use]
    pub const fn hook(&self) -> Hook {
        self.hook
    }

    /// An adapter's binding.
    #[must_use]
    pub fn binding(&self) -> Option<&str> {
        self.binding.as_deref()
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.binding {
            Some(binding) => write!(f, "{}/{binding}", self.hook.name()),
            None => f.write_str(self.hook.name()),
        }
    }
}

impl FromStr for Slot {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, binding) = text.split_once('/').map_or((text, None), |(hook, binding)| (hook, Some(binding)));
        let hook = Hook::ALL.into_iter().find(|hook| hook.name() == name);
        let hook = hook.ok_or_else(|| format!("must be one of {}", Hook::ALL.map(Hook::name).join(", ")))?;
        Self::new(hook, binding).ok_or_else(|| match binding {
            Some(_) if !hook.is_adapter() => format!("must be `{name}`: a policy has one binding, without a name"),
            _ => format!("must name a binding, such as `{name}/{MAIN}`"),
        })
    }
}

/// Checks the name of an adapter's binding, such as `main` or `email`.
///
/// # Errors
/// Answers a sentence that says what is wrong.
pub fn binding_name(text: &str) -> Result<(), String> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    if text.is_empty() || text.len() > NAME_BYTES_MAX || !text.bytes().all(plain) || RESERVED.contains(&text) {
        return Err("must have 1 to 50 lower-case letters, digits, `-` or `_`".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_adapters_have_names() {
        for text in ["routing", "payment/main", "carrier/ups-ground_2"] {
            assert_eq!(text.parse::<Slot>().unwrap().to_string(), text);
        }
        for text in
            ["payment", "routing/main", "carrier/", "carrier/UPS", "carrier/rollback", "magic", "", "carrier/a/b"]
        {
            assert!(text.parse::<Slot>().is_err(), "{text}");
        }
        for hook in Hook::ALL {
            assert_eq!(Slot::usual(hook).to_string().parse(), Ok(Slot::usual(hook)));
        }
    }
}
