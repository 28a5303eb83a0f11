//! Where a value stands, written as RFC 6901 only when a fault needs it.

use std::fmt;

#[derive(Debug, Clone, Copy)]
pub(super) struct Pointer<'p> {
    parent: Option<&'p Pointer<'p>>,
    segment: Segment<'p>,
}

#[derive(Debug, Clone, Copy)]
enum Segment<'p> {
    Root,
    Field(&'p str),
    Index(usize),
}

impl<'p> Pointer<'p> {
    pub(super) const ROOT: Self = Self { parent: None, segment: Segment::Root };

    pub(super) fn field(parent: &'p Self, name: &'p str) -> Self {
        Self { parent: Some(parent), segment: Segment::Field(name) }
    }

    pub(super) fn index(parent: &'p Self, index: usize) -> Self {
        Self { parent: Some(parent), segment: Segment::Index(index) }
    }
}

/// A name longer than this is cut: it is the client's own text, and enough to find it.
const NAME_CHARS_MAX: usize = 100;

impl fmt::Display for Pointer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.segment {
            Segment::Root => Ok(()),
            Segment::Index(index) => write!(f, "/{index}"),
            Segment::Field(name) => {
                f.write_str("/")?;
                for c in name.chars().take(NAME_CHARS_MAX) {
                    match c {
                        '~' => f.write_str("~0")?,
                        '/' => f.write_str("~1")?,
                        c => write!(f, "{c}")?,
                    }
                }
                Ok(())
            }
        }
    }
}
