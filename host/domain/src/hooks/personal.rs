//! Which personal fields a component may have. It asks for them, and the merchant grants them; both must agree.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Something that tells who a customer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PersonalField {
    /// The recipient's name. Only ever filled in by the host.
    Name,
    /// The recipient's street and number. Only ever filled in by the host.
    Street,
    /// The e-mail address. Only ever filled in by the host.
    Email,
    /// The phone number. Only ever filled in by the host.
    Phone,
    /// The destination's city.
    City,
    /// The destination's postal code.
    Zip,
    /// The merchant's name for the customer.
    CustomerId,
    /// What follows the @ of the e-mail address.
    EmailDomain,
}

impl PersonalField {
    /// Every field.
    pub const ALL: [Self; 8] = [
        Self::Name,
        Self::Street,
        Self::Email,
        Self::Phone,
        Self::City,
        Self::Zip,
        Self::CustomerId,
        Self::EmailDomain,
    ];

    /// The name in requests, records and components.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Street => "street",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::City => "city",
            Self::Zip => "zip",
            Self::CustomerId => "customer_id",
            Self::EmailDomain => "email_domain",
        }
    }

    /// The field of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }

    /// Whether no component ever sees it: the host fills it into an adapter's request.
    #[must_use]
    pub const fn is_filled_in(self) -> bool {
        matches!(self, Self::Name | Self::Street | Self::Email | Self::Phone)
    }
}

/// A set of personal fields.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct PersonalFields(u8);

impl PersonalFields {
    /// Whether a field is among them.
    #[must_use]
    pub const fn contains(self, field: PersonalField) -> bool {
        self.0 & (1 << field as u8) != 0
    }

    /// Those that are in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those that are in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those that are not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// One after the other, in the order of [`PersonalField::ALL`].
    pub fn iter(self) -> impl Iterator<Item = PersonalField> {
        PersonalField::ALL.into_iter().filter(move |field| self.contains(*field))
    }

    /// Reads names that are separated by white space or commas.
    ///
    /// # Errors
    /// The first name that is no field's.
    pub fn parse(text: &str) -> Result<Self, String> {
        let names = text.split(|c: char| c.is_whitespace() || c == ',').filter(|name| !name.is_empty());
        names.map(|name| PersonalField::named(name).ok_or_else(|| name.to_owned())).collect()
    }
}

impl FromIterator<PersonalField> for PersonalFields {
    fn from_iter<I: IntoIterator<Item = PersonalField>>(fields: I) -> Self {
        Self(fields.into_iter().fold(0, |set, field| set | 1 << field as u8))
    }
}

impl fmt::Display for PersonalFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, field) in self.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            f.write_str(field.name())?;
        }
        Ok(())
    }
}

impl Serialize for PersonalFields {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_seq(self.iter().map(PersonalField::name))
    }
}

impl<'de> Deserialize<'de> for PersonalFields {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(d)?;
        let field = |name: String| {
            PersonalField::named(&name)
                .ok_or_else(|| serde::de::Error::custom(format!("{name:?} is no personal field")))
        };
        names.into_iter().map(field).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_survives_text() {
        let set = PersonalFields::parse("zip, email\ncustomer_id").unwrap();
        assert_eq!(set.to_string(), "email, zip, customer_id");
        assert_eq!(PersonalFields::parse(&set.to_string()), Ok(set));
        assert_eq!(PersonalFields::parse("zip age"), Err("age".to_owned()));
        assert_eq!(PersonalFields::parse(" "), Ok(PersonalFields::default()));
        let all: PersonalFields = PersonalField::ALL.into_iter().collect();
        assert_eq!(all.without(set).and(set), PersonalFields::default());
        assert_eq!(all.iter().count(), 8);
    }
}
