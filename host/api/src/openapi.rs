//! The OpenAPI document, generated from the handlers and the types that they read and write.

use std::collections::BTreeSet;

use axum::Router;
use serde_json::Value;
use utoipa::OpenApi;
use utoipa::openapi::schema::{AdditionalProperties, Schema};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{OpenApi as Document, RefOr};

use crate::Api;
use crate::refusals::{FaultDocument, ProblemDocument};
use crate::routes;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Orderwright",
        version = "1",
        description = "Places orders, decides them with the merchant's policies, and carries them to the customer.\n\n\
            Amounts are numbers in the currency's main unit with exactly its digits; a decimal text is accepted too. \
            Unknown fields of requests are refused; unknown fields and status values of responses must be ignored. \
            Every refusal is a problem document (RFC 9457) with a stable `code`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "Orders", description = "Placing, reading and changing orders, and what happened to them."),
        (name = "Search", description = "Finding orders."),
        (name = "Stock", description = "Warehouses and what they hold."),
        (name = "Plugins", description = "Policies and adapters: uploaded, tried on history, bound to hooks."),
        (name = "Keys", description = "API keys and their scopes."),
        (name = "Operations", description = "Whether the service works."),
    ),
    components(schemas(ProblemDocument, FaultDocument)),
)]
struct Base;

/// The routes that need a key, those that do not, and the document about both.
pub fn split() -> (Router<Api>, Router<Api>, Document) {
    let (protected, of_protected) = routes::protected().split_for_parts();
    let (open, of_open) = routes::open().split_for_parts();
    let mut document = Base::openapi();
    document.merge(of_protected);
    document.merge(of_open);
    add_security(&mut document);
    close_request_schemas(&mut document);
    (protected, open, document)
}

fn add_security(document: &mut Document) {
    let mut scheme = Http::new(HttpAuthScheme::Bearer);
    scheme.description = Some("An API key, `ow_…`. Each operation names the scope that the key needs.".to_owned());
    document.components.get_or_insert_default().add_security_scheme("key", SecurityScheme::Http(scheme));
}

/// Unknown fields are refused, so the schemas of request bodies say so.
fn close_request_schemas(document: &mut Document) {
    let names = request_schemas(&serde_json::to_value(&*document).unwrap_or_default());
    let schemas = document.components.get_or_insert_default().schemas.iter_mut();
    for (_, schema) in schemas.filter(|(name, _)| names.contains(*name)) {
        if let RefOr::T(Schema::Object(object)) = schema {
            object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
    }
}

/// The names of all schemas that request bodies consist of.
fn request_schemas(document: &Value) -> BTreeSet<String> {
    let operations = document["paths"].as_object().into_iter().flat_map(|paths| paths.values());
    let bodies = operations.filter_map(Value::as_object).flat_map(|path| path.values());
    let mut open: Vec<String> = Vec::new();
    bodies.for_each(|operation| references(&operation["requestBody"], &mut open));
    let mut names = BTreeSet::new();
    while let Some(name) = open.pop() {
        references(&document["components"]["schemas"][&name], &mut open);
        names.insert(name.clone());
        open.retain(|name| !names.contains(name));
    }
    names
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            let reference = members.get("$ref").and_then(Value::as_str);
            found.extend(reference.and_then(|r| r.strip_prefix("#/components/schemas/")).map(str::to_owned));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(elements) => elements.iter().for_each(|element| references(element, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
