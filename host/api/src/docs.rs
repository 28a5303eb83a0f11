//! The OpenAPI document as it is served, and the human page made from it.
//!
//! The page is written by the server from the same document, once: it needs no script, so nothing has to come from
//! somewhere else or be carried along in the binary.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::Extension;
use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use serde_json::Value;
use utoipa::openapi::OpenApi;

use crate::Api;
use crate::problem::Code;

struct Published {
    json: Bytes,
    tag: String,
    page: String,
}

/// `/openapi.json` and `/docs`
pub fn routes(document: &OpenApi) -> Router<Api> {
    let json = serde_json::to_string_pretty(document).expect("an OpenAPI document has no keys but text");
    let value: Value = serde_json::from_str(&json).expect("what was just written can be read");
    let hash = ring::digest::digest(&ring::digest::SHA256, json.as_bytes());
    let published = Published {
        tag: format!("\"{}\"", domain::bytes::to_hex(&hash.as_ref()[..8])),
        page: Docs::new(&value).render().expect("the template of the documentation writes to a string"),
        json: json.into(),
    };
    Router::new()
        .route("/openapi.json", get(openapi_json))
        .route("/docs", get(docs_page))
        .layer(Extension(Arc::new(published)))
}

async fn openapi_json(Extension(published): Extension<Arc<Published>>, headers: HeaderMap) -> Response {
    let known = headers.get(IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == published.tag.as_bytes());
    if known {
        return (StatusCode::NOT_MODIFIED, [(ETAG, published.tag.clone())]).into_response();
    }
    let headers = [(CONTENT_TYPE, "application/json".to_owned()), (ETAG, published.tag.clone())];
    (headers, published.json.clone()).into_response()
}

async fn docs_page(Extension(published): Extension<Arc<Published>>) -> Html<String> {
    Html(published.page.clone())
}

#[derive(Template)]
#[template(path = "docs.html")]
struct Docs {
    title: String,
    description: String,
    groups: Vec<Group>,
    schemas: Vec<SchemaDocs>,
    problems: &'static [Code],
}

struct Group {
    name: String,
    description: String,
    operations: Vec<Operation>,
}

struct Operation {
    id: String,
    method: String,
    path: String,
    summary: String,
    description: String,
    scopes: Vec<String>,
    parameters: Vec<Field>,
    body: Option<Kind>,
    responses: Vec<ResponseDocs>,
}

struct ResponseDocs {
    status: String,
    /// Safe HTML.
    description: String,
    kind: Option<Kind>,
}

struct SchemaDocs {
    name: String,
    description: String,
    /// The schema that it extends.
    extends: Vec<Kind>,
    fields: Vec<Field>,
}

struct Field {
    name: String,
    /// `header`, `path` or `query`; nothing for a member of a body.
    place: String,
    required: bool,
    kind: Kind,
    /// Safe HTML.
    description: String,
}

/// A type in words, with the schema that says more.
struct Kind {
    text: String,
    link: Option<String>,
}

impl Docs {
    fn new(document: &Value) -> Self {
        let group = |tag: &Value| {
            let name = text(tag, "name");
            Group { operations: operations(document, &name), name, description: inline(&text(tag, "description")) }
        };
        let schemas = members(&document["components"]["schemas"]);
        Self {
            title: text(&document["info"], "title"),
            description: inline(&text(&document["info"], "description")),
            groups: document["tags"].as_array().into_iter().flatten().map(group).collect(),
            problems: Code::ALL,
            schemas: schemas.into_iter().map(|(name, schema)| SchemaDocs::new(name, schema)).collect(),
        }
    }
}

fn operations(document: &Value, tag: &str) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, methods) in members(&document["paths"]) {
        for (method, operation) in members(methods) {
            let tags = operation["tags"].as_array().into_iter().flatten();
            if tags.into_iter().any(|t| t == tag) {
                found.push(Operation::new(path, method, operation));
            }
        }
    }
    found
}

impl Operation {
    fn new(path: &str, method: &str, operation: &Value) -> Self {
        let securities = operation["security"].as_array().into_iter().flatten();
        let scopes = securities.flat_map(|s| s["key"].as_array().into_iter().flatten()).filter_map(Value::as_str);
        let parameter = |p: &Value| Field {
            name: text(p, "name"),
            place: text(p, "in"),
            required: p["required"] == true,
            kind: Kind::of(&p["schema"]),
            description: inline(&text(p, "description")),
        };
        let response = |(status, response): (&str, &Value)| ResponseDocs {
            status: status.to_owned(),
            description: inline(&text(response, "description")),
            kind: members(&response["content"]).first().map(|(_, content)| Kind::of(&content["schema"])),
        };
        Self {
            id: text(operation, "operationId"),
            method: method.to_uppercase(),
            path: path.to_owned(),
            summary: text(operation, "summary"),
            description: inline(&text(operation, "description")),
            scopes: scopes.map(str::to_owned).collect(),
            parameters: operation["parameters"].as_array().into_iter().flatten().map(parameter).collect(),
            body: members(&operation["requestBody"]["content"])
                .first()
                .map(|(_, content)| Kind::of(&content["schema"])),
            responses: members(&operation["responses"]).into_iter().map(response).collect(),
        }
    }
}

impl SchemaDocs {
    fn new(name: &str, schema: &Value) -> Self {
        let mut docs = Self {
            name: name.to_owned(),
            description: inline(&text(schema, "description")),
            extends: Vec::new(),
            fields: fields(schema),
        };
        for part in schema["allOf"].as_array().into_iter().flatten() {
            if part.get("$ref").is_some() {
                docs.extends.push(Kind::of(part));
            }
            docs.fields.extend(fields(part));
        }
        docs
    }
}

fn fields(schema: &Value) -> Vec<Field> {
    let required = |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|n| n == name));
    let field = |(name, member): (&str, &Value)| Field {
        name: name.to_owned(),
        place: String::new(),
        required: required(name),
        kind: Kind::of(member),
        description: inline(&text(member, "description")),
    };
    members(&schema["properties"]).into_iter().map(field).collect()
}

impl Kind {
    fn of(schema: &Value) -> Self {
        if let Some(name) = schema["$ref"].as_str().and_then(|r| r.rsplit('/').next()) {
            return Self { text: name.to_owned(), link: Some(name.to_owned()) };
        }
        let alternatives = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
        if let Some(alternatives) = alternatives {
            let kinds: Vec<Self> = alternatives.iter().map(Self::of).collect();
            let text: Vec<&str> = kinds.iter().map(|kind| kind.text.as_str()).collect();
            return Self { text: text.join(" or "), link: kinds.iter().find_map(|kind| kind.link.clone()) };
        }
        let mut names: Vec<String> = match &schema["type"] {
            Value::String(name) => vec![name.clone()],
            Value::Array(names) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => vec!["any".to_owned()],
        };
        let mut link = None;
        if let Some(array) = names.iter_mut().find(|name| *name == "array") {
            let element = Self::of(&schema["items"]);
            *array = format!("list of {}", element.text);
            link = element.link;
        }
        let format = schema["format"].as_str().filter(|format| format.starts_with("date"));
        let text = names.join(" or ");
        Self { text: format.map_or(text.clone(), |format| format!("{text} ({format})")), link }
    }
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

fn members(value: &Value) -> Vec<(&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, member)| (name.as_str(), member)).collect()
}

/// Text with `code` and paragraphs as safe HTML.
fn inline(text: &str) -> String {
    let mut html = String::new();
    for (index, part) in text.split('`').enumerate() {
        let escaped = part.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        if index % 2 == 1 {
            html.push_str(&format!("<code>{escaped}</code>"));
        } else {
            html.push_str(&escaped.replace("\n\n", "<br><br>").replace("  \n", "<br>"));
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_the_document_is_escaped() {
        assert_eq!(inline("a `<b>` & c"), "a <code>&lt;b&gt;</code> &amp; c");
    }

    #[test]
    fn the_page_shows_every_operation_and_links_every_schema() {
        let (.., document) = crate::openapi::split();
        let value = serde_json::to_value(&document).unwrap();
        let page = Docs::new(&value).render().unwrap();
        for (path, methods) in members(&value["paths"]) {
            for (method, operation) in members(methods) {
                let id = operation["operationId"].as_str().unwrap();
                assert!(page.contains(&format!("id=\"op-{id}\"")), "{method} {path}");
            }
        }
        for link in page.split("href=\"#schema-").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(page.contains(&format!("id=\"schema-{link}\"")), "{link}");
        }
    }
}
