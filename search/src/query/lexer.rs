//! Cuts a query into clauses: words, quoted phrases, and fields with their raw values.

use super::{Error, Fault};

/// A clause before its values are understood.
#[derive(Debug)]
pub(super) struct Token<'a> {
    pub negated: bool,
    pub kind: Kind<'a>,
    /// Where the clause begins, after its dash.
    pub offset: usize,
}

#[derive(Debug)]
pub(super) enum Kind<'a> {
    Word(&'a str),
    Phrase(Raw),
    /// The name, and its values; no value at all where the field is followed by a space or the end.
    Field(&'a str, Vec<Raw>),
}

/// A piece of text with its place; the length covers quotes and escapes.
#[derive(Debug)]
pub(super) struct Raw {
    pub text: String,
    pub quoted: bool,
    pub offset: usize,
    pub length: usize,
}

pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next clause, or none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Token<'a>>, Error> {
        self.skip_while(char::is_whitespace);
        // Several dashes are one: `--gift` is a slip of the finger.
        let dashes = self.skip_while(|c| c == '-').len();
        let (negated, offset) = (dashes > 0, self.at);
        let Some(first) = self.peek() else {
            return Ok(negated.then_some(Token { negated, kind: Kind::Word(""), offset: offset - dashes }));
        };
        let kind = if first == '"' {
            let phrase = self.quoted()?;
            self.expect_space()?;
            Kind::Phrase(phrase)
        } else if let Some(name) = self.field_name() {
            self.at += name.len() + 1;
            Kind::Field(name, self.values()?)
        } else {
            Kind::Word(self.skip_while(|c| !c.is_whitespace()))
        };
        Ok(Some(Token { negated, kind, offset }))
    }

    /// A name directly followed by a colon. `12:30` is none: names begin with a letter.
    fn field_name(&self) -> Option<&'a str> {
        let rest = &self.text[self.at..];
        let name = &rest[..rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len())];
        (name.starts_with(char::is_alphabetic) && rest[name.len()..].starts_with(':')).then_some(name)
    }

    /// Values parted by commas, up to the next space.
    fn values(&mut self) -> Result<Vec<Raw>, Error> {
        let mut values = Vec::new();
        if self.peek().is_none_or(char::is_whitespace) {
            return Ok(values);
        }
        loop {
            values.push(match self.peek() {
                Some('"') => self.quoted()?,
                _ => self.bare(),
            });
            match self.peek() {
                Some(',') => self.at += 1,
                _ => break,
            }
        }
        self.expect_space()?;
        Ok(values)
    }

    fn bare(&mut self) -> Raw {
        let offset = self.at;
        let text = self.skip_while(|c| !c.is_whitespace() && c != ',');
        Raw { text: text.to_owned(), quoted: false, offset, length: text.len() }
    }

    /// Text in quotes, in which `\"` is a quote and `\\` a backslash.
    fn quoted(&mut self) -> Result<Raw, Error> {
        let offset = self.at;
        let mut text = String::new();
        let mut chars = self.text[offset..].char_indices().skip(1).peekable();
        while let Some((i, c)) = chars.next() {
            match c {
                '"' => {
                    self.at = offset + i + 1;
                    return Ok(Raw { text, quoted: true, offset, length: i + 1 });
                }
                '\\' => match chars.next_if(|(_, next)| matches!(next, '"' | '\\')) {
                    Some((_, escaped)) => text.push(escaped),
                    None => text.push('\\'),
                },
                other => text.push(other),
            }
        }
        Err(Error { offset, length: self.text.len() - offset, fault: Fault::UnclosedQuote })
    }

    fn expect_space(&mut self) -> Result<(), Error> {
        if self.peek().is_none_or(char::is_whitespace) {
            return Ok(());
        }
        let offset = self.at;
        let length = self.skip_while(|c| !c.is_whitespace()).len();
        Err(Error { offset, length, fault: Fault::TextAfterQuote })
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn skip_while(&mut self, skipped: impl Fn(char) -> bool) -> &'a str {
        let rest = &self.text[self.at..];
        let length = rest.find(|c| !skipped(c)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }
}
