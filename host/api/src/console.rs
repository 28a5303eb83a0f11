//! The console: sign in with a key, find an order, read its whole story; upload plugins, try them, let them decide.
//!
//! Every page is written by the server and works without a script; those about plugins have one that adds dropping a
//! file, the progress of its upload, and a log that goes on by itself. What an order says is shown as text, escaped by the
//! templates; nothing of it is trusted.

mod chart;
mod order;
mod plugins;
mod search;
mod session;
mod sign_in;
mod text;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::{Api, html};

/// The console's pages and what they need.
pub fn routes() -> Router<Api> {
    let uploads = DefaultBodyLimit::max(plugins::upload::BODY_BYTES_MAX);
    Router::new()
        .route("/", get(search::page))
        .route("/sign-in", get(sign_in::form).post(sign_in::submit))
        .route("/sign-out", post(sign_in::leave))
        .route("/console/orders/{id}", get(order::page))
        .route("/console/orders/{id}/decisions/{decision}/replay", post(order::replay))
        .route("/plugins", get(plugins::list::page).post(plugins::upload::submit).layer(uploads))
        .route("/plugins/{id}", get(plugins::page::page))
        .route("/plugins/{id}/lines", get(plugins::log::later))
        .route("/plugins/{id}/bind", post(plugins::actions::bind))
        .route("/plugins/{id}/try", post(plugins::actions::try_out))
        .route("/plugins/{id}/end", post(plugins::actions::end))
        .route("/plugins/{id}/promote", post(plugins::actions::promote))
        .route("/plugins/{id}/rollback", post(plugins::actions::roll_back))
        .route("/plugins/{id}/unbind", post(plugins::actions::unbind))
        .route("/plugins/{id}/backtest", get(plugins::backtest::form).post(plugins::backtest::start))
        .route("/backtests/{id}", get(plugins::backtest::page))
        .route("/backtests/{id}/cancel", post(plugins::backtest::cancel))
        .route("/assets/console.js", get(html::script))
        .route("/assets/style.css", get(html::style))
        .route("/assets/icon.svg", get(html::icon))
}

/// What every page of somebody who is signed in shows.
struct Frame {
    merchant: String,
    key_name: String,
    /// Whether the key opens the pages about orders.
    has_orders: bool,
    /// Whether the key opens the pages about plugins.
    has_plugins: bool,
    /// Which of the two this is.
    here: &'static str,
}
