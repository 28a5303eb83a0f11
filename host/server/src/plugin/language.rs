//! The languages that the kit has templates for.

use std::path::Path;

use anyhow::bail;

/// What a plugin is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// Built by cargo for wasm32-unknown-unknown
    Rust,
    /// Built by npm with componentize-qjs
    #[value(name = "typescript")]
    TypeScript,
    /// Built by componentize-py
    Python,
}

impl Language {
    pub const ALL: [Self; 3] = [Self::Rust, Self::TypeScript, Self::Python];

    /// What the templates' folder and the command line call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::TypeScript => "typescript",
            Self::Python => "python",
        }
    }

    /// What a template's source is called after its hook.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Rust => "rs",
            Self::TypeScript => "ts",
            Self::Python => "py",
        }
    }

    /// Where a project has its source.
    pub const fn source(self) -> &'static str {
        match self {
            Self::Rust => "src/lib.rs",
            Self::TypeScript => "src/policy.ts",
            Self::Python => "policy.py",
        }
    }

    /// What tells a project of this language from others.
    pub const fn manifest(self) -> &'static str {
        match self {
            Self::Rust => "Cargo.toml",
            Self::TypeScript => "package.json",
            Self::Python => "pyproject.toml",
        }
    }

    /// The language of a project.
    pub fn of(project: &Path) -> anyhow::Result<Self> {
        match Self::ALL.into_iter().find(|language| project.join(language.manifest()).is_file()) {
            Some(language) => Ok(language),
            None => bail!(
                "{} holds no plugin: there is no {}. `orderwright plugin new` makes one",
                project.display(),
                Self::ALL.map(Self::manifest).join(", no ")
            ),
        }
    }
}
