//! Personal values in an adapter's request: the adapter writes `{{email}}`, the host fills the address in.

use domain::bytes::Bytes;
use domain::hooks::exchange::Escape;
use domain::hooks::{PersonalField, PersonalFields};
use domain::order::Personal;
use reqwest::Url;

/// What may be filled into a request.
pub(super) struct Filler<'a> {
    /// The order's, where it has any that were not erased.
    pub personal: Option<&'a Personal>,
    /// What the merchant lets the binding have.
    pub granted: PersonalFields,
    /// What was filled in so far, with what stood there.
    pub hidden: Hidden,
}

/// What goes out and must not come back: who is written to may repeat what he was sent.
#[derive(Default)]
pub(super) struct Hidden(Vec<(String, String)>);

/// Shorter texts stand in many places by chance.
const HIDDEN_BYTES_MIN: usize = 3;

impl Hidden {
    /// `text` is written as `place` where it comes back.
    pub fn add(&mut self, text: &str, place: &str) {
        if text.len() >= HIDDEN_BYTES_MIN {
            self.0.push((text.to_owned(), place.to_owned()));
            // The longest first: one may be a part of another.
            self.0.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        }
    }

    /// Takes everything out of what came back.
    pub fn strip(&self, bytes: Vec<u8>) -> Vec<u8> {
        self.0.iter().fold(bytes, |bytes, (text, place)| replace(bytes, text.as_bytes(), place.as_bytes()))
    }

    /// The same of a text.
    pub fn strip_text(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (hidden, place)| text.replace(hidden, place))
    }
}

fn replace(bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    if find(&bytes, from).is_none() {
        return bytes;
    }
    let mut replaced = Vec::with_capacity(bytes.len());
    let mut rest = &bytes[..];
    while let Some(at) = find(rest, from) {
        replaced.extend_from_slice(&rest[..at]);
        replaced.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    replaced.extend_from_slice(rest);
    replaced
}

impl Filler<'_> {
    /// Replaces `{{field}}` by what it stands for. Where `escape` is none nothing is a place.
    ///
    /// # Errors
    /// In words, where a field was not granted or the order has none of it.
    pub fn fill(&mut self, template: &Bytes, escape: Option<Escape>) -> Result<Bytes, String> {
        let Some(escape) = escape else { return Ok(template.clone()) };
        let mut filled = Vec::with_capacity(template.0.len());
        let mut rest = &template.0[..];
        while let Some(at) = find(rest, b"{{") {
            let (before, place) = rest.split_at(at);
            filled.extend_from_slice(before);
            let found = PersonalField::ALL.into_iter().filter(|field| field.is_filled_in()).find_map(|field| {
                let end = place[2..].strip_prefix(field.name().as_bytes())?.strip_prefix(b"}}")?;
                Some((field, end))
            });
            match found {
                Some((field, end)) => {
                    let value = self.value(field)?;
                    let written = escaped(&value, escape)?;
                    let place = format!("{{{{{}}}}}", field.name());
                    self.hidden.add(&value, &place);
                    self.hidden.add(&written, &place);
                    filled.extend_from_slice(written.as_bytes());
                    rest = end;
                }
                None => {
                    filled.extend_from_slice(b"{{");
                    rest = &place[2..];
                }
            }
        }
        filled.extend_from_slice(rest);
        Ok(Bytes(filled))
    }

    fn value(&self, field: PersonalField) -> Result<String, String> {
        let name = field.name();
        if !self.granted.contains(field) {
            return Err(format!("the field {name:?} was not granted to this binding"));
        }
        let personal = self.personal.ok_or("the order has no personal data, or it was erased")?;
        let value = match field {
            PersonalField::Name => personal.shipping.name.as_ref().or(personal.name.as_ref()),
            PersonalField::Street => personal.shipping.street.as_ref(),
            PersonalField::Email => personal.email.as_ref(),
            PersonalField::Phone => personal.phone.as_ref(),
            PersonalField::City | PersonalField::Zip | PersonalField::CustomerId | PersonalField::EmailDomain => None,
        };
        value.cloned().ok_or_else(|| format!("the order's recipient has no {name}"))
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn escaped(value: &str, escape: Escape) -> Result<String, String> {
    Ok(match escape {
        Escape::Json => {
            let quoted = serde_json::to_string(value).map_err(|error| error.to_string())?;
            quoted[1..quoted.len() - 1].to_owned()
        }
        Escape::Xml => {
            let mut text = String::with_capacity(value.len());
            for c in value.chars() {
                match c {
                    '&' => text.push_str("&amp;"),
                    '<' => text.push_str("&lt;"),
                    '>' => text.push_str("&gt;"),
                    '"' => text.push_str("&quot;"),
                    '\'' => text.push_str("&apos;"),
                    c => text.push(c),
                }
            }
            text
        }
        Escape::Form => {
            // `v=` and the value.
            form_encoded(&[("v", value)])?.split_off(2)
        }
    })
}

/// A body of `application/x-www-form-urlencoded`.
pub(super) fn form_encoded(pairs: &[(&str, &str)]) -> Result<String, String> {
    let mut url = Url::parse("form:").map_err(|error| error.to_string())?;
    url.query_pairs_mut().extend_pairs(pairs);
    Ok(url.query().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use domain::order::PersonalAddress;

    use super::*;

    fn fill(template: &str, escape: Option<Escape>, granted: &[PersonalField]) -> Result<String, String> {
        let shipping =
            PersonalAddress { name: Some("Ann \"B\" <Lee>".to_owned()), street: Some("1 Main & Ä".to_owned()) };
        let personal = Personal { name: Some("Payer".to_owned()), shipping, ..Personal::default() };
        let granted = granted.iter().copied().collect();
        let mut filler = Filler { personal: Some(&personal), granted, hidden: Hidden::default() };
        let filled = filler.fill(&Bytes(template.as_bytes().to_vec()), escape)?;
        Ok(String::from_utf8(filled.0).unwrap())
    }

    #[test]
    fn values_are_filled_in_and_escaped() {
        let all = PersonalField::ALL;
        assert_eq!(fill(r#"{"n":"{{name}}"}"#, Some(Escape::Json), &all).unwrap(), r#"{"n":"Ann \"B\" <Lee>"}"#);
        assert_eq!(fill("<n>{{name}}</n>", Some(Escape::Xml), &all).unwrap(), "<n>Ann &quot;B&quot; &lt;Lee&gt;</n>");
        assert_eq!(fill("s={{street}}&x=1", Some(Escape::Form), &all).unwrap(), "s=1+Main+%26+%C3%84&x=1");
        assert_eq!(fill("{{name}}", None, &[]).unwrap(), "{{name}}");
    }

    #[test]
    fn what_is_no_place_stays() {
        let all = PersonalField::ALL;
        for text in ["{{", "{{nam", "{{name}", "{{ name }}", "{{zip}}", "a}}b", "{{{"] {
            assert_eq!(fill(text, Some(Escape::Json), &all).unwrap(), text);
        }
        assert_eq!(fill("{{{name}}}", Some(Escape::Xml), &all).unwrap(), "{{{name}}}");
    }

    #[test]
    fn a_field_must_be_granted_and_there() {
        let error = fill("{{name}}", Some(Escape::Json), &[PersonalField::Street]).unwrap_err();
        assert_eq!(error, "the field \"name\" was not granted to this binding");
        let error = fill("{{email}}", Some(Escape::Json), &PersonalField::ALL).unwrap_err();
        assert_eq!(error, "the order's recipient has no email");
    }

    #[test]
    fn what_went_out_does_not_come_back() {
        let mut hidden = Hidden::default();
        hidden.add("Ann Lee", "{{name}}");
        hidden.add("Ann", "{{first}}");
        hidden.add("US", "{{country}}");
        let answer = br#"{"to": "Ann Lee", "dear": "Ann", "country": "US"}"#.to_vec();
        let stripped = r#"{"to": "{{name}}", "dear": "{{first}}", "country": "US"}"#;
        assert_eq!(String::from_utf8(hidden.strip(answer)).unwrap(), stripped);
        assert_eq!(hidden.strip_text("for Ann Lee"), "for {{name}}");
    }
}
