//! The console for customer service: sign in with a key, find an order, read its whole story.
//!
//! Every page is written by the server and works without a script. What an order says is shown as text, escaped by the
//! templates; nothing of it is trusted.

mod order;
mod search;
mod session;
mod sign_in;
mod text;

use axum::Router;
use axum::routing::{get, post};

use crate::{Api, html};

/// The console's pages and what they need.
pub fn routes() -> Router<Api> {
    Router::new()
        .route("/", get(search::page))
        .route("/sign-in", get(sign_in::form).post(sign_in::submit))
        .route("/sign-out", post(sign_in::leave))
        .route("/console/orders/{id}", get(order::page))
        .route("/assets/style.css", get(html::style))
        .route("/assets/icon.svg", get(html::icon))
}

/// What every page of somebody who is signed in shows.
struct Frame {
    merchant: String,
    key_name: String,
}
