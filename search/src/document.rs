//! From an order to the terms that find it. Pure: no index, no clock.

use tantivy::TantivyDocument;
use tantivy::schema::Field;
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

use crate::analysis;
use crate::query::{Amount, Keyword};
use crate::schema::Fields;

/// Between tenant and value in every term. Folded values contain no control character, so it parts them for certain.
const SEPARATOR: char = '\u{1f}';
/// Words apart that belong to different values, so that no phrase matches across them.
const VALUE_GAP: usize = 100;

/// What identifies a document.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrderKey {
    /// The merchant.
    pub tenant: String,
    /// The order's id.
    pub order_id: String,
}

/// What the index knows of an order. Of it, only the id, the version and the two sort keys can be read back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderDocument {
    /// The merchant.
    pub tenant: String,
    /// The order's id; ids that sort by time make ties sort by time too.
    pub order_id: String,
    /// The order's version: a document never replaces one with a higher version.
    pub version: u64,
    /// The order's status, as the API spells it.
    pub status: String,
    /// The payment's status, as the API spells it.
    pub payment_status: String,
    /// When the order was placed, microseconds since 1970 in UTC.
    pub placed_at: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// The order's total; see [`Amount::from_minor`].
    pub total: Amount,
    /// The merchant's id of the customer.
    pub customer_id: Option<String>,
    /// The merchant's own number of the order.
    pub external_id: Option<String>,
    /// The SKU of each line.
    pub skus: Vec<String>,
    /// The title of each line that has one.
    pub titles: Vec<String>,
    /// ISO 3166 code of the country of delivery.
    pub country: String,
    /// The city of delivery.
    pub city: Option<String>,
    /// The postal code of delivery.
    pub zip: Option<String>,
    /// The recipient.
    pub shipping_name: Option<String>,
    /// The street of delivery.
    pub shipping_street: Option<String>,
    /// The customer's name.
    pub customer_name: Option<String>,
    /// The customer's e-mail address.
    pub email: Option<String>,
    /// The customer's telephone number.
    pub phone: Option<String>,
    /// The warehouses that the order is shipped from.
    pub warehouses: Vec<String>,
    /// The reasons of the holds that are on the order.
    pub holds: Vec<String>,
}

impl OrderDocument {
    /// The document's identity.
    #[must_use]
    pub fn key(&self) -> OrderKey {
        OrderKey { tenant: self.tenant.clone(), order_id: self.order_id.clone() }
    }

    /// The values that free text finds word by word.
    fn texts(&self) -> impl Iterator<Item = &str> {
        let lists = [&self.titles, &self.skus].into_iter().flatten();
        let fields = [
            &self.customer_name,
            &self.shipping_name,
            &self.shipping_street,
            &self.city,
            &self.zip,
            &self.email,
            &self.phone,
            &self.external_id,
        ];
        lists.chain(fields.into_iter().flatten()).map(String::as_str)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        [&self.customer_name, &self.shipping_name].into_iter().flatten().map(String::as_str)
    }

    /// The values of a keyword field, folded; the order's id has none, it is the key.
    fn keywords(&self, keyword: Keyword) -> Vec<String> {
        let values: Vec<&String> = match keyword {
            Keyword::Status => vec![&self.status],
            Keyword::Sku => self.skus.iter().collect(),
            Keyword::Country => vec![&self.country],
            Keyword::Customer => self.customer_id.iter().collect(),
            Keyword::External => self.external_id.iter().collect(),
            Keyword::Order => Vec::new(),
            Keyword::Warehouse => self.warehouses.iter().collect(),
            Keyword::Currency => vec![&self.currency],
            Keyword::Email => self.email.iter().collect(),
            Keyword::Payment => vec![&self.payment_status],
            Keyword::Hold => self.holds.iter().collect(),
        };
        let mut folded: Vec<String> = values.into_iter().map(|value| analysis::fold(value)).collect();
        folded.retain(|value| !value.is_empty());
        folded.sort_unstable();
        folded.dedup();
        folded
    }
}

/// A value as a term: the tenant comes first, so that looking for a term, or walking the terms with one beginning,
/// never meets another tenant's.
pub(crate) fn scoped(tenant: &str, value: &str) -> String {
    format!("{tenant}{SEPARATOR}{value}")
}

/// The term of a document's identity.
pub(crate) fn key_term(tenant: &str, order_id: &str) -> String {
    scoped(tenant, order_id)
}

/// Maps an order to the document that is indexed.
pub(crate) fn map(order: &OrderDocument, fields: &Fields) -> TantivyDocument {
    let tenant = order.tenant.as_str();
    let mut doc = TantivyDocument::new();
    doc.add_text(fields.key, key_term(tenant, &order.order_id));
    doc.add_text(fields.tenant, tenant);
    doc.add_text(fields.order_id, &order.order_id);
    doc.add_u64(fields.version, order.version);
    doc.add_i64(fields.placed_at, order.placed_at);
    doc.add_i64(fields.total, order.total.scaled());
    add_words(&mut doc, fields.text, tenant, order.texts());
    add_words(&mut doc, fields.name, tenant, order.names());
    for keyword in Keyword::ALL {
        let values = order.keywords(keyword);
        let Some(field) = fields.keyword(keyword).filter(|_| !values.is_empty()) else { continue };
        doc.add_text(fields.has, scoped(tenant, keyword.name()));
        for value in values {
            if let (Keyword::Email, Some(at)) = (keyword, value.rfind('@')) {
                doc.add_text(field, scoped(tenant, &value[at..]));
            }
            doc.add_text(field, scoped(tenant, &value));
        }
    }
    if let Some(digits) = order.phone.as_deref().and_then(analysis::phone_digits) {
        doc.add_text(fields.phone, scoped(tenant, &digits));
    }
    doc
}

/// The values, for [`ScopedWords`] to take apart. They go to the index's own threads as one text: words that were taken
/// apart here would be written as JSON on the way, and read again.
fn add_words<'a>(doc: &mut TantivyDocument, field: Field, tenant: &str, values: impl Iterator<Item = &'a str>) {
    let mut text = String::from(tenant);
    for value in values {
        text.push(SEPARATOR);
        text.extend(value.chars().map(|c| if c.is_control() { ' ' } else { c }));
    }
    if text.len() > tenant.len() {
        doc.add_text(field, text);
    }
}

/// The name of [`ScopedWords`] in the schema.
pub(crate) const SCOPED_WORDS: &str = "scoped_words";

/// Takes a text apart that [`map`] has put together: the tenant, then values, with separators between. Each word of the
/// values becomes a term that begins with the tenant.
#[derive(Debug, Clone, Default)]
pub(crate) struct ScopedWords;

impl Tokenizer for ScopedWords {
    type TokenStream<'a> = Words<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Words<'a> {
        let (tenant, values) = text.split_once(SEPARATOR).unwrap_or((text, ""));
        let mut words = Vec::new();
        let mut position = 0;
        for value in values.split(SEPARATOR) {
            for word in analysis::words(value) {
                words.push((position, word));
                position += 1;
            }
            position += VALUE_GAP;
        }
        Words { tenant, words: words.into_iter(), token: Token::default() }
    }
}

/// The terms of a text, with their positions.
pub(crate) struct Words<'a> {
    tenant: &'a str,
    words: std::vec::IntoIter<(usize, String)>,
    token: Token,
}

impl TokenStream for Words<'_> {
    fn advance(&mut self) -> bool {
        let Some((position, word)) = self.words.next() else { return false };
        self.token.position = position;
        self.token.position_length = 1;
        self.token.text.clear();
        self.token.text.push_str(self.tenant);
        self.token.text.push(SEPARATOR);
        self.token.text.push_str(&word);
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

impl Fields {
    /// The field of a keyword's values; the order's id is found by the key instead.
    pub(crate) fn keyword(&self, keyword: Keyword) -> Option<Field> {
        Some(match keyword {
            Keyword::Status => self.status,
            Keyword::Sku => self.sku,
            Keyword::Country => self.country,
            Keyword::Customer => self.customer,
            Keyword::External => self.external,
            Keyword::Order => return None,
            Keyword::Warehouse => self.warehouse,
            Keyword::Currency => self.currency,
            Keyword::Email => self.email,
            Keyword::Payment => self.payment,
            Keyword::Hold => self.hold,
        })
    }
}

#[cfg(test)]
mod tests {
    use tantivy::schema::Value;

    use super::*;

    fn terms(doc: &TantivyDocument, field: Field) -> Vec<String> {
        doc.get_all(field).filter_map(|value| value.as_str().map(str::to_owned)).collect()
    }

    #[test]
    fn every_term_begins_with_the_tenant() {
        let (_, fields) = crate::schema::build();
        let order = OrderDocument {
            tenant: "ten_a".into(),
            order_id: "ord_1".into(),
            email: Some("Ann@Example.com".into()),
            phone: Some("+1 555 01-00".into()),
            skus: vec!["SKU-1".into(), "sku-1".into()],
            holds: vec!["Address  Check".into()],
            ..OrderDocument::default()
        };
        let doc = map(&order, &fields);
        assert_eq!(terms(&doc, fields.key), ["ten_a\u{1f}ord_1"]);
        assert_eq!(terms(&doc, fields.email), ["ten_a\u{1f}@example.com", "ten_a\u{1f}ann@example.com"]);
        assert_eq!(terms(&doc, fields.phone), ["ten_a\u{1f}15550100"]);
        assert_eq!(terms(&doc, fields.sku), ["ten_a\u{1f}sku-1"]);
        assert_eq!(terms(&doc, fields.hold), ["ten_a\u{1f}address check"]);
        assert_eq!(terms(&doc, fields.has), ["ten_a\u{1f}sku", "ten_a\u{1f}email", "ten_a\u{1f}hold"]);
        assert_eq!(terms(&doc, fields.status), Vec::<String>::new());
    }

    #[test]
    fn words_of_different_values_are_far_apart() {
        let (_, fields) = crate::schema::build();
        let order = OrderDocument {
            tenant: "t".into(),
            titles: vec!["Blue mug".into(), "Tea".into()],
            ..OrderDocument::default()
        };
        let doc = map(&order, &fields);
        let text = terms(&doc, fields.text);
        let mut words = Vec::new();
        let mut tokenizer = ScopedWords;
        tokenizer.token_stream(&text[0]).process(&mut |token| words.push((token.text.clone(), token.position)));
        let expected = [("t\u{1f}blue", 0), ("t\u{1f}mug", 1), ("t\u{1f}tea", 2 + VALUE_GAP)];
        assert_eq!(words, expected.map(|(word, position)| (word.to_owned(), position)));
    }

    #[test]
    fn a_value_cannot_pass_for_another_tenant() {
        let (_, fields) = crate::schema::build();
        let order =
            OrderDocument { tenant: "t".into(), titles: vec!["a\u{1f}b\u{0}c".into()], ..OrderDocument::default() };
        assert_eq!(terms(&map(&order, &fields), fields.text), ["t\u{1f}a b c"]);
    }
}
