//! Numbers for names. Most of a call's time would go into looking names up, and most lookups are easy.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Up to so many names are compared one by one, which is quicker than hashing.
const FEW: usize = 8;

/// Names, numbered in the order in which they came.
#[derive(Default)]
pub struct Names<'a> {
    list: Vec<&'a str>,
    /// Of all names, once they are more than a few.
    numbers: HashMap<&'a str, usize, BuildHasherDefault<Fnv>>,
    /// Where the last search ended: lists are mostly in order, so the next is often the same or the one after.
    last: usize,
}

impl<'a> Names<'a> {
    /// The number of a name, a new one where it has none.
    pub fn add(&mut self, name: &'a str) -> usize {
        if let Some(known) = self.find(name) {
            return known;
        }
        let number = self.list.len();
        self.list.push(name);
        if number == FEW {
            self.numbers = self.list.iter().enumerate().map(|(n, name)| (*name, n)).collect();
        } else if number > FEW {
            self.numbers.insert(name, number);
        }
        number
    }

    /// The number of a name that was added.
    pub fn find(&mut self, name: &str) -> Option<usize> {
        let is = |number: usize| self.list.get(number).is_some_and(|other| *other == name);
        let found = if is(self.last) {
            self.last
        } else if is(self.last + 1) {
            self.last + 1
        } else if self.list.len() <= FEW {
            self.list.iter().position(|other| *other == name)?
        } else {
            *self.numbers.get(name)?
        };
        self.last = found;
        Some(found)
    }

    /// The name of a number.
    pub fn name(&self, number: usize) -> &'a str {
        self.list[number]
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }
}

/// FNV-1a, which is quick for short names. A merchant who chose names that collide would slow down only their own call.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_names_keep_their_numbers() {
        let texts: Vec<_> = (0..FEW * 3).map(|n| format!("name-{n}")).collect();
        let mut names = Names::default();
        for (number, text) in texts.iter().enumerate() {
            assert_eq!(names.find(text), None);
            assert_eq!(names.add(text), number);
            for (earlier, text) in texts[..=number].iter().enumerate().rev() {
                assert_eq!(
                    (names.find(text), names.add(text), names.name(earlier)),
                    (Some(earlier), earlier, text.as_str())
                );
            }
        }
        assert_eq!(names.len(), FEW * 3);
    }
}
