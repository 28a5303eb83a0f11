//! Where things are, and how far apart, as well as a postal address tells: the middle of a country, or of a state of the
//! United States.

/// The mean radius of the earth in kilometres.
const RADIUS_KM: f64 = 6371.0;

/// A place on earth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Radians, north positive.
    latitude: f64,
    /// Radians, east positive.
    longitude: f64,
}

impl Point {
    /// By millionths of a degree, north and east positive.
    #[must_use]
    pub fn of_e6(latitude: i32, longitude: i32) -> Self {
        let radians = |millionths: i32| (f64::from(millionths) / 1e6).to_radians();
        Self { latitude: radians(latitude), longitude: radians(longitude) }
    }

    /// The middle of the state in the United States, of the country elsewhere. `country` is ISO 3166 alpha-2, `region` a
    /// state with or without `US-`; none where the country is unknown.
    #[must_use]
    pub fn of_region(country: &str, region: Option<&str>) -> Option<Self> {
        let (latitude, longitude) = middle(country, region)?;
        Some(Self::of_e6(i32::from(latitude) * 100_000, i32::from(longitude) * 100_000))
    }
}

/// The great-circle distance (haversine) in kilometres.
#[must_use]
pub fn distance_km(from: Point, to: Point) -> f64 {
    let half_chord = |angle: f64| (angle / 2.0).sin().powi(2);
    let across = half_chord(to.longitude - from.longitude) * from.latitude.cos() * to.latitude.cos();
    let h = half_chord(to.latitude - from.latitude) + across;
    // Rounding may push it beyond one, where the arc sine has no value.
    2.0 * RADIUS_KM * h.clamp(0.0, 1.0).sqrt().asin()
}

/// Code, and latitude and longitude in tenths of a degree.
type Place = ([u8; 2], i16, i16);

/// Tenths of a degree.
fn middle(country: &str, region: Option<&str>) -> Option<(i16, i16)> {
    let country = code(country)?;
    let state = region.filter(|_| country == *b"US").and_then(|region| {
        let region = region.trim();
        code(region.strip_prefix("US-").unwrap_or(region))
    });
    state.and_then(|state| find(&STATES, state)).or_else(|| find(&COUNTRIES, country))
}

fn code(text: &str) -> Option<[u8; 2]> {
    let two: [u8; 2] = text.as_bytes().try_into().ok()?;
    Some(two.map(|letter| letter.to_ascii_uppercase()))
}

fn find(places: &[Place], code: [u8; 2]) -> Option<(i16, i16)> {
    let at = places.binary_search_by_key(&code, |place| place.0).ok()?;
    Some((places[at].1, places[at].2))
}

// Sorted by code: they are searched by halving. A line a place would be three hundred lines that nobody reads.
#[rustfmt::skip]
/// Every country and territory of ISO 3166.
const COUNTRIES: [Place; 249] = [
    (*b"AD", 425, 15), (*b"AE", 240, 540), (*b"AF", 330, 650), (*b"AG", 171, -618), (*b"AI", 182, -631),
    (*b"AL", 410, 200), (*b"AM", 400, 450), (*b"AO", -125, 185), (*b"AQ", -800, 0), (*b"AR", -340, -640),
    (*b"AS", -143, -1702), (*b"AT", 473, 133), (*b"AU", -250, 1340), (*b"AW", 125, -700), (*b"AX", 602, 200),
    (*b"AZ", 405, 475), (*b"BA", 440, 180), (*b"BB", 132, -595), (*b"BD", 240, 900), (*b"BE", 508, 40),
    (*b"BF", 130, -20), (*b"BG", 430, 250), (*b"BH", 260, 506), (*b"BI", -35, 300), (*b"BJ", 95, 23),
    (*b"BL", 179, -628), (*b"BM", 323, -648), (*b"BN", 45, 1147), (*b"BO", -170, -650), (*b"BQ", 122, -683),
    (*b"BR", -100, -550), (*b"BS", 243, -760), (*b"BT", 275, 905), (*b"BV", -544, 34), (*b"BW", -220, 240),
    (*b"BY", 530, 280), (*b"BZ", 173, -888), (*b"CA", 560, -960), (*b"CC", -125, 968), (*b"CD", 0, 250),
    (*b"CF", 70, 210), (*b"CG", -10, 150), (*b"CH", 470, 80), (*b"CI", 80, -50), (*b"CK", -212, -1598),
    (*b"CL", -300, -710), (*b"CM", 60, 120), (*b"CN", 350, 1050), (*b"CO", 40, -720), (*b"CR", 100, -840),
    (*b"CU", 215, -800), (*b"CV", 160, -240), (*b"CW", 122, -690), (*b"CX", -105, 1057), (*b"CY", 350, 330),
    (*b"CZ", 498, 155), (*b"DE", 510, 90), (*b"DJ", 115, 430), (*b"DK", 560, 100), (*b"DM", 154, -613),
    (*b"DO", 190, -707), (*b"DZ", 280, 30), (*b"EC", -20, -775), (*b"EE", 590, 260), (*b"EG", 270, 300),
    (*b"EH", 245, -130), (*b"ER", 150, 390), (*b"ES", 400, -40), (*b"ET", 80, 380), (*b"FI", 640, 260),
    (*b"FJ", -180, 1750), (*b"FK", -518, -590), (*b"FM", 69, 1582), (*b"FO", 620, -70), (*b"FR", 466, 24),
    (*b"GA", -10, 118), (*b"GB", 540, -20), (*b"GD", 121, -617), (*b"GE", 420, 435), (*b"GF", 40, -530),
    (*b"GG", 495, -26), (*b"GH", 80, -20), (*b"GI", 361, -54), (*b"GL", 720, -400), (*b"GM", 135, -165),
    (*b"GN", 110, -100), (*b"GP", 163, -616), (*b"GQ", 20, 100), (*b"GR", 390, 220), (*b"GS", -545, -370),
    (*b"GT", 155, -903), (*b"GU", 135, 1448), (*b"GW", 120, -150), (*b"GY", 50, -590), (*b"HK", 223, 1142),
    (*b"HM", -531, 735), (*b"HN", 150, -865), (*b"HR", 452, 155), (*b"HT", 190, -724), (*b"HU", 470, 200),
    (*b"ID", -50, 1200), (*b"IE", 530, -80), (*b"IL", 315, 348), (*b"IM", 543, -45), (*b"IN", 200, 770),
    (*b"IO", -60, 715), (*b"IQ", 330, 440), (*b"IR", 320, 530), (*b"IS", 650, -180), (*b"IT", 428, 128),
    (*b"JE", 492, -22), (*b"JM", 183, -775), (*b"JO", 310, 360), (*b"JP", 360, 1380), (*b"KE", 10, 380),
    (*b"KG", 410, 750), (*b"KH", 130, 1050), (*b"KI", 14, 1730), (*b"KM", -122, 443), (*b"KN", 173, -628),
    (*b"KP", 400, 1270), (*b"KR", 370, 1275), (*b"KW", 293, 477), (*b"KY", 195, -805), (*b"KZ", 480, 680),
    (*b"LA", 180, 1050), (*b"LB", 338, 358), (*b"LC", 139, -611), (*b"LI", 472, 95), (*b"LK", 70, 810),
    (*b"LR", 65, -95), (*b"LS", -295, 285), (*b"LT", 560, 240), (*b"LU", 498, 62), (*b"LV", 570, 250),
    (*b"LY", 250, 170), (*b"MA", 320, -50), (*b"MC", 437, 74), (*b"MD", 470, 290), (*b"ME", 425, 193),
    (*b"MF", 181, -631), (*b"MG", -200, 470), (*b"MH", 90, 1680), (*b"MK", 418, 220), (*b"ML", 170, -40),
    (*b"MM", 220, 980), (*b"MN", 460, 1050), (*b"MO", 222, 1135), (*b"MP", 152, 1457), (*b"MQ", 147, -610),
    (*b"MR", 200, -120), (*b"MS", 168, -622), (*b"MT", 359, 144), (*b"MU", -203, 576), (*b"MV", 33, 730),
    (*b"MW", -135, 340), (*b"MX", 230, -1020), (*b"MY", 25, 1125), (*b"MZ", -183, 350), (*b"NA", -220, 170),
    (*b"NC", -215, 1655), (*b"NE", 160, 80), (*b"NF", -290, 1680), (*b"NG", 100, 80), (*b"NI", 130, -850),
    (*b"NL", 525, 58), (*b"NO", 620, 100), (*b"NP", 280, 840), (*b"NR", -5, 1669), (*b"NU", -190, -1699),
    (*b"NZ", -410, 1740), (*b"OM", 210, 570), (*b"PA", 90, -800), (*b"PE", -100, -760), (*b"PF", -150, -1400),
    (*b"PG", -60, 1470), (*b"PH", 130, 1220), (*b"PK", 300, 700), (*b"PL", 520, 200), (*b"PM", 468, -563),
    (*b"PN", -251, -1301), (*b"PR", 182, -665), (*b"PS", 320, 353), (*b"PT", 395, -80), (*b"PW", 75, 1345),
    (*b"PY", -230, -580), (*b"QA", 255, 513), (*b"RE", -211, 556), (*b"RO", 460, 250), (*b"RS", 440, 210),
    (*b"RU", 600, 1000), (*b"RW", -20, 300), (*b"SA", 250, 450), (*b"SB", -80, 1590), (*b"SC", -46, 557),
    (*b"SD", 150, 300), (*b"SE", 620, 150), (*b"SG", 14, 1038), (*b"SH", -160, -57), (*b"SI", 461, 148),
    (*b"SJ", 780, 200), (*b"SK", 487, 195), (*b"SL", 85, -115), (*b"SM", 438, 124), (*b"SN", 140, -140),
    (*b"SO", 100, 490), (*b"SR", 40, -560), (*b"SS", 80, 300), (*b"ST", 10, 70), (*b"SV", 138, -889),
    (*b"SX", 180, -631), (*b"SY", 350, 380), (*b"SZ", -265, 315), (*b"TC", 218, -716), (*b"TD", 150, 190),
    (*b"TF", -493, 692), (*b"TG", 80, 12), (*b"TH", 150, 1000), (*b"TJ", 390, 710), (*b"TK", -90, -1720),
    (*b"TL", -88, 1258), (*b"TM", 400, 600), (*b"TN", 340, 90), (*b"TO", -200, -1750), (*b"TR", 390, 350),
    (*b"TT", 110, -610), (*b"TV", -80, 1780), (*b"TW", 235, 1210), (*b"TZ", -60, 350), (*b"UA", 490, 320),
    (*b"UG", 10, 320), (*b"UM", 193, 1666), (*b"US", 395, -983), (*b"UY", -330, -560), (*b"UZ", 410, 640),
    (*b"VA", 419, 124), (*b"VC", 131, -612), (*b"VE", 80, -660), (*b"VG", 184, -646), (*b"VI", 183, -649),
    (*b"VN", 160, 1080), (*b"VU", -160, 1670), (*b"WF", -133, -1762), (*b"WS", -136, -1723), (*b"YE", 155, 475),
    (*b"YT", -128, 452), (*b"ZA", -290, 240), (*b"ZM", -150, 300), (*b"ZW", -190, 298),
];

#[rustfmt::skip]
/// The states and the capital's district.
const STATES: [Place; 51] = [
    (*b"AK", 640, -1520), (*b"AL", 328, -868), (*b"AR", 349, -924), (*b"AZ", 343, -1117), (*b"CA", 372, -1196),
    (*b"CO", 390, -1055), (*b"CT", 416, -727), (*b"DC", 389, -770), (*b"DE", 390, -755), (*b"FL", 286, -825),
    (*b"GA", 327, -834), (*b"HI", 207, -1563), (*b"IA", 421, -935), (*b"ID", 443, -1144), (*b"IL", 400, -892),
    (*b"IN", 399, -863), (*b"KS", 385, -984), (*b"KY", 375, -853), (*b"LA", 311, -920), (*b"MA", 422, -718),
    (*b"MD", 390, -768), (*b"ME", 454, -692), (*b"MI", 443, -854), (*b"MN", 463, -943), (*b"MO", 384, -925),
    (*b"MS", 327, -897), (*b"MT", 470, -1096), (*b"NC", 356, -794), (*b"ND", 475, -1005), (*b"NE", 415, -998),
    (*b"NH", 437, -716), (*b"NJ", 402, -747), (*b"NM", 344, -1061), (*b"NV", 393, -1166), (*b"NY", 429, -755),
    (*b"OH", 403, -828), (*b"OK", 356, -975), (*b"OR", 439, -1206), (*b"PA", 409, -778), (*b"RI", 417, -716),
    (*b"SC", 339, -809), (*b"SD", 444, -1002), (*b"TN", 359, -864), (*b"TX", 315, -993), (*b"UT", 393, -1117),
    (*b"VA", 375, -789), (*b"VT", 441, -727), (*b"WA", 474, -1204), (*b"WI", 446, -898), (*b"WV", 386, -806),
    (*b"WY", 430, -1076),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_globe() {
        let new_york = Point::of_e6(40_710_000, -74_010_000);
        let los_angeles = Point::of_e6(34_050_000, -118_240_000);
        assert_eq!(distance_km(new_york, los_angeles).round(), 3935.0);
        assert_eq!(distance_km(new_york, new_york), 0.0);
        let half_way_round = distance_km(Point::of_e6(0, 0), Point::of_e6(0, 180_000_000));
        assert_eq!(half_way_round.round(), 20_015.0);
    }

    #[test]
    fn the_tables_are_sorted_and_on_the_globe() {
        for places in [&COUNTRIES[..], &STATES[..]] {
            assert!(places.is_sorted_by(|a, b| a.0 < b.0));
            assert!(places.iter().all(|p| p.1.abs() <= 900 && p.2.abs() <= 1800));
        }
        assert_eq!(COUNTRIES.len(), 249);
    }

    #[test]
    fn a_state_is_nearer_than_its_country_and_a_typo_is_the_country() {
        assert_eq!(middle("us", Some("US-tx")), Some((315, -993)));
        assert_eq!(middle("US", Some("Texas")), middle("US", None));
        assert_eq!(middle("DE", Some("TX")), Some((510, 90)));
        assert_eq!(middle("XX", None), None);
        assert_eq!(middle("Ü", None), None);
    }
}
