//! An object being read: each field is asked for by name, and what nobody asked for is refused.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};

use serde_json::value::RawValue;

use super::{Faults, Fields, Kind, Pointer, Value, kind};

/// An object whose fields are asked for one by one.
pub struct Object<'o> {
    at: &'o Pointer<'o>,
    faults: &'o Faults,
    fields: Vec<Field<'o>>,
    asked: RefCell<Vec<&'static str>>,
}

struct Field<'o> {
    name: Cow<'o, str>,
    raw: &'o RawValue,
    taken: Cell<bool>,
}

impl<'o> Object<'o> {
    pub(super) fn new(at: &'o Pointer<'o>, faults: &'o Faults, fields: Fields<'o>) -> Self {
        if fields.dropped > 0 {
            faults.add(*at, format!("has more than {} fields", fields.kept.len()));
        }
        let taken = |(name, raw)| Field { name, raw, taken: Cell::new(false) };
        Self { at, faults, fields: fields.kept.into_iter().map(taken).collect(), asked: RefCell::default() }
    }

    /// A field that may be absent; null counts as absent. What was read wrongly is a fault and none.
    pub fn optional<T>(&self, name: &'static str, read: impl FnOnce(Value<'_>) -> Option<T>) -> Option<T> {
        self.take(name).and_then(|raw| read(Value::new(raw, Pointer::field(self.at, name), self.faults)))
    }

    /// A field that must be there.
    pub fn required<T>(&self, name: &'static str, read: impl FnOnce(Value<'_>) -> Option<T>) -> Option<T> {
        match self.take(name) {
            Some(raw) => read(Value::new(raw, Pointer::field(self.at, name), self.faults)),
            None => {
                self.faults.add(Pointer::field(self.at, name), "is required");
                None
            }
        }
    }

    /// Whether a field is there and not null, without reading it.
    pub fn has(&self, name: &'static str) -> bool {
        self.take(name).is_some()
    }

    fn take(&self, name: &'static str) -> Option<&'o RawValue> {
        self.asked.borrow_mut().push(name);
        let field = self.fields.iter().find(|field| field.name == name)?;
        field.taken.set(true);
        (kind(field.raw) != Kind::Null).then_some(field.raw)
    }

    fn known(&self) -> String {
        let mut known = self.asked.borrow().clone();
        known.dedup();
        if known.is_empty() { "none".to_owned() } else { known.join(", ") }
    }

    pub(super) fn refuse_the_rest(&self) {
        for (index, field) in self.fields.iter().enumerate() {
            let at = Pointer::field(self.at, &field.name);
            if self.fields[..index].iter().any(|earlier| earlier.name == field.name) {
                self.faults.add(at, "is given twice");
            } else if !field.taken.get() {
                self.faults.add(at, format!("is unknown; known are {}", self.known()));
            }
        }
    }
}
