//! The binding's configuration.

use serde::de::DeserializeOwned;

use crate::Context;

/// Reads the binding's configuration into the author's own type.
///
/// An empty text counts as `{}`, so that a type whose fields all have defaults needs no configuration at all.
///
/// # Errors
/// A sentence for the merchant that says where the configuration is wrong.
pub fn read<T: DeserializeOwned>(context: &Context) -> Result<T, String> {
    let text = if context.config.trim().is_empty() { "{}" } else { &context.config };
    serde_json::from_str(text).map_err(|error| format!("the configuration is wrong: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Config {
        #[serde(default)]
        limit: u32,
    }

    #[test]
    fn nothing_is_the_default_and_a_typo_is_named() {
        let context = |config: &str| Context { now: 0, config: config.into() };
        assert_eq!(read::<Config>(&context(" ")), Ok(Config { limit: 0 }));
        assert_eq!(read::<Config>(&context("{\"limit\":3}")), Ok(Config { limit: 3 }));
        assert!(read::<Config>(&context("{\"limmit\":3}")).unwrap_err().contains("limmit"));
    }
}
