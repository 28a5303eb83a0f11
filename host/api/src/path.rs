//! Typed path segments. What is no id of the wanted kind names nothing: 404.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use domain::hooks::Hook;
use domain::ids::{BacktestId, DecisionId, KeyId, OrderId, PluginId, ShipmentId, Sku, WarehouseId};

use crate::problem::Problem;

/// A percent-decoded segment that is an id.
pub struct Id<T>(pub T);

/// Two of them.
pub struct Ids<T, U>(pub T, pub U);

/// What can stand in a path.
pub trait Segment: Sized {
    /// Reads a decoded segment.
    fn from_segment(text: &str) -> Option<Self>;
}

macro_rules! segments {
    ($($name:ty => $read:expr),+ $(,)?) => {
        $(impl Segment for $name {
            fn from_segment(text: &str) -> Option<Self> {
                $read(text).ok()
            }
        })+
    };
}

segments! {
    OrderId => OrderId::from_str,
    ShipmentId => ShipmentId::from_str,
    KeyId => KeyId::from_str,
    PluginId => PluginId::from_str,
    DecisionId => DecisionId::from_str,
    BacktestId => BacktestId::from_str,
    Sku => Sku::parse,
    WarehouseId => WarehouseId::parse,
    Hook => hook,
    String => name,
}

fn hook(text: &str) -> Result<Hook, ()> {
    Hook::ALL.into_iter().find(|hook| hook.name() == text).ok_or(())
}

/// A name in a path, such as a version's or a secret's: 1 to 100 printable characters.
fn name(text: &str) -> Result<String, String> {
    domain::ids::printable(text, 100).map(|()| text.to_owned())
}

impl<S: Send + Sync, T: Segment> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| Problem::not_found())?;
        T::from_segment(&text).map(Self).ok_or_else(Problem::not_found)
    }
}

impl<S: Send + Sync, T: Segment, U: Segment> FromRequestParts<S> for Ids<T, U> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((first, second)) = path.map_err(|_| Problem::not_found())?;
        match (T::from_segment(&first), U::from_segment(&second)) {
            (Some(first), Some(second)) => Ok(Self(first, second)),
            _ => Err(Problem::not_found()),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    async fn get_text(path: &str) -> (u16, String) {
        let router = Router::new()
            .route(
                "/inventory/{sku}/{warehouse}",
                get(async |Ids(sku, house): Ids<Sku, WarehouseId>| format!("{sku}|{house}")),
            )
            .route("/orders/{id}", get(async |Id(id): Id<OrderId>| id.to_string()));
        let response = router.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        (status, String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap())
    }

    #[tokio::test]
    async fn any_printable_sku_fits_in_a_path() {
        assert_eq!(get_text("/inventory/a%2Fb%20%C3%BC%25%3F/WH%231").await, (200, "a/b ü%?|WH#1".to_owned()));
        for nothing in
            ["/inventory/a%00/W", "/inventory/%ff/W", "/orders/ord_1", "/orders/shp_00000000000000000000000000"]
        {
            assert_eq!(get_text(nothing).await.0, 404, "{nothing}");
        }
        let id = OrderId::new(uuid::Uuid::from_u128(5)).to_string();
        assert_eq!(get_text(&format!("/orders/{id}")).await, (200, id));
    }
}
