//! With the in-memory hand-over off the sweeper alone must finish every saga.

use e2e::Options;

use crate::scenarios;

#[tokio::test(flavor = "multi_thread")]
async fn the_sweeper_alone_finishes_every_saga() {
    scenarios::play(Options::new().flags("--no-fast-path"), |client| client).await;
}
