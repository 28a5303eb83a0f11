//! `GET /warehouses` and `PUT /warehouses/{id}`

use app::stock::Warehouse;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::ids::{SellerId, WarehouseId};
use jiff::civil::Time;
use utoipa::ToSchema;

use crate::Api;
use crate::auth::{Authorized, InventoryRead, InventoryWrite};
use crate::body::JsonBody;
use crate::json::Document;
use crate::path::Id;
use crate::problem::Problem;
use crate::refusals::{CommonRefusals, refusals};
use crate::views::All;
use crate::views::stock::WarehouseView;

const NAME_CHARS_MAX: usize = 200;
const CODE_CHARS_MAX: usize = 100;
const PRIORITY_MAX: i64 = 1_000_000;

/// A place that ships.
#[derive(ToSchema)]
#[expect(dead_code, reason = "this type is only the schema; `read` builds the use case's type")]
pub struct PutWarehouse {
    #[schema(max_length = 200, example = "New York")]
    name: String,
    /// ISO 3166 alpha-2.
    #[schema(example = "US")]
    country: String,
    #[schema(max_length = 100, example = "NY")]
    region: Option<String>,
    #[schema(max_length = 100, example = "10001")]
    zip: Option<String>,
    /// Degrees, north positive.
    #[schema(minimum = -90, maximum = 90, example = 40.7128)]
    latitude: Option<f64>,
    /// Degrees, east positive.
    #[schema(minimum = -180, maximum = 180, example = -74.006)]
    longitude: Option<f64>,
    /// Lower is preferred; 0 where nothing is given.
    #[schema(minimum = -1_000_000, maximum = 1_000_000)]
    priority: Option<i32>,
    /// The seller that owns it: it ships only that seller's lines.
    #[schema(max_length = 100)]
    seller_id: Option<String>,
    /// Until when an order leaves the same day, `HH:MM`.
    #[schema(example = "15:00")]
    cutoff: Option<String>,
    /// IANA name of the zone of `cutoff`.
    #[schema(example = "America/New_York")]
    time_zone: Option<String>,
}

refusals!(
    /// Of putting a warehouse.
    PutRefusals: COMMON BODY; NotFound
);

/// Lists the merchant's warehouses.
#[utoipa::path(
    get, path = "/api/v1/warehouses", operation_id = "listWarehouses", tag = "Stock",
    responses((status = 200, description = "The warehouses.", body = All<WarehouseView>), CommonRefusals),
    security(("key" = ["inventory:write"]), ("key" = ["orders:read"])),
)]
pub async fn list(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<InventoryRead>,
) -> Result<Json<All<WarehouseView>>, Problem> {
    let warehouses = api.app.warehouses(caller.tenant()).await?;
    Ok(Json(All { data: warehouses.iter().map(WarehouseView::from).collect() }))
}

/// Creates or replaces a warehouse.
#[utoipa::path(
    put, path = "/api/v1/warehouses/{id}", operation_id = "putWarehouse", tag = "Stock",
    params(("id" = String, Path, description = "The merchant's name for it, 1 to 100 printable characters.", example = "WH-NYC")),
    request_body = PutWarehouse,
    responses(
        (status = 200, description = "The warehouse is replaced.", body = WarehouseView),
        (status = 201, description = "The warehouse is created.", body = WarehouseView),
        PutRefusals,
    ),
    security(("key" = ["inventory:write"])),
)]
pub async fn put(
    State(api): State<Api>,
    Authorized(caller, ..): Authorized<InventoryWrite>,
    Id(warehouse_id): Id<WarehouseId>,
    JsonBody(body): JsonBody,
) -> Result<(StatusCode, Json<WarehouseView>), Problem> {
    let warehouse = read(&body, warehouse_id)?;
    let created = api.app.put_warehouse(caller.tenant(), &warehouse).await?;
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(WarehouseView::from(&warehouse))))
}

/// Reads a warehouse.
pub fn read(body: &Document, warehouse_id: WarehouseId) -> Result<Warehouse, Problem> {
    body.read(|o| {
        let name = o.required("name", |v| v.text(NAME_CHARS_MAX));
        let country = o.required("country", |v| v.country());
        let region = o.optional("region", |v| v.text(CODE_CHARS_MAX));
        let zip = o.optional("zip", |v| v.text(CODE_CHARS_MAX));
        let latitude_e6 = o.optional("latitude", |v| v.degrees_e6(90));
        let longitude_e6 = o.optional("longitude", |v| v.degrees_e6(180));
        let priority = o.optional("priority", |v| v.integer(-PRIORITY_MAX..=PRIORITY_MAX));
        let seller_id = o.optional("seller_id", |v| v.parsed(SellerId::parse));
        let cutoff = o.optional("cutoff", |v| v.parsed(parse_cutoff));
        let time_zone = o.optional("time_zone", |v| v.parsed(parse_time_zone));
        let priority = i32::try_from(priority.unwrap_or(0)).ok()?;
        let (name, country) = (name?, country?);
        Some(Warehouse {
            warehouse_id,
            name,
            country,
            region,
            zip,
            latitude_e6,
            longitude_e6,
            priority,
            seller_id,
            cutoff,
            time_zone,
        })
    })
}

fn parse_cutoff(text: &str) -> Result<String, &'static str> {
    let shaped = text.len() == 5 && text.as_bytes()[2] == b':' && text.is_ascii();
    let digits = |part: &str| if part.bytes().all(|b| b.is_ascii_digit()) { part.parse().ok() } else { None };
    let parts = if shaped { digits(&text[..2]).zip(digits(&text[3..])) } else { None };
    let time = parts.and_then(|(hour, minute)| Time::new(hour, minute, 0, 0).ok());
    time.map(|_| text.to_owned()).ok_or("must be a time of day such as 15:00")
}

/// The areas of the IANA database. The places in them change several times a year, so they are looked up where a zone is
/// used, with the rules of that day.
const AREAS: [&str; 11] = [
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Etc",
    "Europe",
    "Indian",
    "Pacific",
];

fn parse_time_zone(text: &str) -> Result<String, &'static str> {
    let is_name =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-+".contains(&b));
    let located =
        text.split_once('/').is_some_and(|(area, place)| AREAS.contains(&area) && place.split('/').all(is_name));
    let known = text.len() <= CODE_CHARS_MAX && (text == "UTC" || located);
    if known { Ok(text.to_owned()) } else { Err("must be the IANA name of a time zone such as Europe/Berlin") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutoffs_are_times_of_day() {
        assert_eq!(parse_cutoff("23:59").as_deref(), Ok("23:59"));
        for bad in ["24:00", "1:00", "12:60", "12-00", "ab:cd", "+1:00", "é:00", ""] {
            assert!(parse_cutoff(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn time_zones_have_the_form_of_a_name() {
        for good in ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"] {
            assert!(parse_time_zone(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "Berlin",
            "Mars/Base",
            "Europe/",
            "Europe//Berlin",
            "Europe/Ber lin",
            "europe/berlin",
            "../../etc/passwd",
        ] {
            assert!(parse_time_zone(bad).is_err(), "{bad}");
        }
    }
}
