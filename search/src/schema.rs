//! The fields of the index.

use tantivy::schema::{
    Field, IndexRecordOption, NumericOptions, Schema, SchemaBuilder, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::RAW_TOKENIZER_NAME;

use crate::document::SCOPED_WORDS;

/// Raised with every change of the schema or of the text analysis; an index of another version is rebuilt.
pub const SCHEMA_VERSION: u32 = 2;

/// Fast field: when the order was placed, microseconds since 1970.
pub(crate) const PLACED_AT: &str = "placed_at";
/// Fast field: the order's total in 1/10,000 of the currency's main unit.
pub(crate) const TOTAL: &str = "total";
/// Fast field: the order's version.
pub(crate) const VERSION: &str = "version";
/// Fast field: the order's id, the tie-break of every sort.
pub(crate) const ORDER_ID: &str = "order_id";

/// The handles of all fields. Terms of every field but `tenant` begin with their tenant, see [`crate::document`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields {
    /// Tenant and order id: the identity of a document, what deletions name.
    pub key: Field,
    pub tenant: Field,
    pub order_id: Field,
    pub version: Field,
    pub placed_at: Field,
    pub total: Field,
    /// The words of everything a person would type, with positions for phrases.
    pub text: Field,
    /// The words of the customer's and the recipient's name, with positions.
    pub name: Field,
    pub status: Field,
    pub sku: Field,
    pub country: Field,
    pub customer: Field,
    pub external: Field,
    pub warehouse: Field,
    pub currency: Field,
    pub email: Field,
    pub phone: Field,
    pub payment: Field,
    pub hold: Field,
    /// The names of the fields above that have a value, for `hold:*`.
    pub has: Field,
}

/// Builds the schema. The order of the calls is part of the format.
pub(crate) fn build() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let fields = Fields {
        key: keyword(&mut builder, "key"),
        tenant: keyword(&mut builder, "tenant"),
        order_id: builder.add_text_field(ORDER_ID, TextOptions::default().set_fast(RAW_TOKENIZER_NAME)),
        version: builder.add_u64_field(VERSION, NumericOptions::default().set_fast()),
        placed_at: builder.add_i64_field(PLACED_AT, NumericOptions::default().set_fast()),
        total: builder.add_i64_field(TOTAL, NumericOptions::default().set_fast()),
        text: text(&mut builder, "text"),
        name: text(&mut builder, "name"),
        status: keyword(&mut builder, "status"),
        sku: keyword(&mut builder, "sku"),
        country: keyword(&mut builder, "country"),
        customer: keyword(&mut builder, "customer"),
        external: keyword(&mut builder, "external"),
        warehouse: keyword(&mut builder, "warehouse"),
        currency: keyword(&mut builder, "currency"),
        email: keyword(&mut builder, "email"),
        phone: keyword(&mut builder, "phone"),
        payment: keyword(&mut builder, "payment"),
        hold: keyword(&mut builder, "hold"),
        has: keyword(&mut builder, "has"),
    };
    (builder.build(), fields)
}

/// A whole value as one term; the mapping folds it before it comes here.
fn keyword(builder: &mut SchemaBuilder, name: &str) -> Field {
    indexed(builder, name, RAW_TOKENIZER_NAME, IndexRecordOption::Basic)
}

/// Words with positions. No field norms: hits are not ranked by length or rarity.
fn text(builder: &mut SchemaBuilder, name: &str) -> Field {
    indexed(builder, name, SCOPED_WORDS, IndexRecordOption::WithFreqsAndPositions)
}

fn indexed(builder: &mut SchemaBuilder, name: &str, tokenizer: &str, option: IndexRecordOption) -> Field {
    let indexing = TextFieldIndexing::default().set_tokenizer(tokenizer).set_fieldnorms(false).set_index_option(option);
    builder.add_text_field(name, TextOptions::default().set_indexing_options(indexing))
}
