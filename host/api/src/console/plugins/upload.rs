//! Uploading a component with a form.

use app::plugins::{COMPONENT_BYTES_MAX, UploadRefusal};
use axum::extract::multipart::{MultipartError, MultipartRejection};
use axum::extract::{Multipart, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;

use super::{Reason, Refused, list};
use crate::Api;
use crate::console::session::{self, Author};
use crate::html::PageProblem;
use crate::problem::{Code, Problem};

/// The largest form: a component, and what surrounds it.
pub const BODY_BYTES_MAX: usize = COMPONENT_BYTES_MAX + 64 * 1024;
const NAME_CHARS_MAX: usize = 100;

/// `POST /plugins`
pub async fn submit(
    State(api): State<Api>,
    author: Author,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, PageProblem> {
    session::from_here(&headers)?;
    let form = form.map_err(|error| Problem::new(Code::BadRequest, format!("{}.", error.body_text())))?;
    let (name, wasm) = match read(form).await {
        Ok(read) => read,
        Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            let reason = format!("The file is larger than the {COMPONENT_BYTES_MAX} bytes that a component may have.");
            return refused(&api, &author, String::new(), vec![reason]).await;
        }
        Err(error) => return Err(Problem::new(Code::BadRequest, format!("{}.", error.body_text())).into()),
    };
    let mut reasons = Vec::new();
    if let Err(why) = domain::ids::printable(&name, NAME_CHARS_MAX) {
        reasons.push(format!("The plugin's name {why}."));
    }
    if wasm.is_empty() {
        reasons.push("No file was chosen, or it is empty.".to_owned());
    }
    if !reasons.is_empty() {
        return refused(&api, &author, name, reasons).await;
    }
    match api.app.upload(author.0.tenant(), &name, wasm.as_ref().into()).await {
        Ok(version) => {
            let page = format!("/plugins/{}?done=uploaded#version-{}", version.plugin_id, version.version);
            Ok(Redirect::to(&page).into_response())
        }
        Err(UploadRefusal::Component { reasons }) => refused(&api, &author, name, reasons).await,
        Err(refusal @ UploadRefusal::OtherHook { .. }) => {
            let reason = format!("{}. Give it another name.", refusal.to_string().replace('`', "\""));
            refused(&api, &author, name, vec![reason]).await
        }
        Err(UploadRefusal::Error(error)) => Err(error.into()),
    }
}

/// The name and the component.
async fn read(mut form: Multipart) -> Result<(String, Bytes), MultipartError> {
    let (mut name, mut wasm) = (String::new(), Bytes::new());
    while let Some(field) = form.next_field().await? {
        match field.name() {
            Some("name") => name = field.text().await?.trim().to_owned(),
            Some("component") => wasm = field.bytes().await?,
            _ => {}
        }
    }
    Ok((name, wasm))
}

async fn refused(api: &Api, author: &Author, name: String, reasons: Vec<String>) -> Result<Response, PageProblem> {
    let reasons = reasons.iter().map(|reason| Reason::new(reason)).collect();
    list::show(api, author, Some(Refused { name, reasons })).await
}
