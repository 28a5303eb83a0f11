//! Servers of their own for tests: found where Debian installs them, in a temporary directory, reachable by no one else,
//! and stopped by their own id however the test ends.

mod postgres;
mod supervised;

pub use postgres::{POSTGRES_URL, Postgres, create_database, has_postgres};
pub use supervised::Supervised;
