//! Where warehouses and destinations are, and how far apart.

use orderwright_sdk::geo::{Point, distance_km};
use orderwright_sdk::routing::{Destination, Warehouse};

/// The distance to an unknown place: farther than any known one.
const UNKNOWN: u32 = 2002;

/// The middle of the state or country.
pub fn destination(destination: &Destination) -> Option<Point> {
    Point::of_region(&destination.country, destination.region.as_deref())
}

/// The coordinates, or the middle of the state or country.
pub fn warehouse(warehouse: &Warehouse) -> Option<Point> {
    match (warehouse.latitude_e6, warehouse.longitude_e6) {
        (Some(latitude), Some(longitude)) => Some(Point::of_e6(latitude, longitude)),
        _ => Point::of_region(&warehouse.country, warehouse.region.as_deref()),
    }
}

/// In steps of ten kilometres.
pub fn distance(from: Option<Point>, to: Option<Point>) -> u32 {
    let (Some(from), Some(to)) = (from, to) else { return UNKNOWN };
    (distance_km(from, to) / 10.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_place_is_the_farthest() {
        let [here, there] = [0, 180_000_000].map(|longitude| Some(Point::of_e6(0, longitude)));
        assert_eq!(distance(here, here), 0);
        assert_eq!(distance(here, there), UNKNOWN - 1);
        assert_eq!(distance(here, None), UNKNOWN);
    }
}
