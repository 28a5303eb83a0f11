//! Where things are, and how far apart.

use orderwright_sdk::routing::{Destination, Warehouse};

use crate::places;

/// The mean radius of the earth in steps of ten kilometres.
const RADIUS: f64 = 637.1;
/// The distance to an unknown place: farther than any known one.
const UNKNOWN: u32 = 2001;

/// A place on earth, in radians.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    latitude: f64,
    longitude: f64,
}

impl Point {
    fn of_degrees(latitude: f64, longitude: f64) -> Self {
        Self { latitude: latitude.to_radians(), longitude: longitude.to_radians() }
    }

    /// The middle of the state or country.
    pub fn of_destination(destination: &Destination) -> Option<Self> {
        Self::of_region(&destination.country, destination.region.as_deref())
    }

    /// The coordinates, or the middle of the state or country.
    pub fn of_warehouse(warehouse: &Warehouse) -> Option<Self> {
        match (warehouse.latitude_e6, warehouse.longitude_e6) {
            (Some(latitude), Some(longitude)) => {
                Some(Self::of_degrees(f64::from(latitude) / 1e6, f64::from(longitude) / 1e6))
            }
            _ => Self::of_region(&warehouse.country, warehouse.region.as_deref()),
        }
    }

    fn of_region(country: &str, region: Option<&str>) -> Option<Self> {
        let (latitude, longitude) = places::middle(country, region)?;
        Some(Self::of_degrees(f64::from(latitude) / 10.0, f64::from(longitude) / 10.0))
    }
}

/// The great-circle distance (haversine) in steps of ten kilometres.
pub fn distance(from: Option<Point>, to: Option<Point>) -> u32 {
    let (Some(from), Some(to)) = (from, to) else { return UNKNOWN };
    let half_chord = |angle: f64| (angle / 2.0).sin().powi(2);
    let across = half_chord(to.longitude - from.longitude) * from.latitude.cos() * to.latitude.cos();
    let h = half_chord(to.latitude - from.latitude) + across;
    // Rounding may push it beyond one, where the arc sine has no value.
    (2.0 * RADIUS * h.clamp(0.0, 1.0).sqrt().asin()) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_globe() {
        let new_york = Some(Point::of_degrees(40.71, -74.01));
        let los_angeles = Some(Point::of_degrees(34.05, -118.24));
        assert_eq!(distance(new_york, los_angeles), 393);
        assert_eq!(distance(new_york, new_york), 0);
        assert_eq!(distance(Some(Point::of_degrees(0.0, 0.0)), Some(Point::of_degrees(0.0, 180.0))), 2001);
        assert_eq!(distance(None, new_york), UNKNOWN);
    }
}
