//! Names of countries, as the data set writes them, to codes of ISO 3166.

/// Every name of both editions of the data set that means one country. `Channel Islands`, `European Community`,
/// `West Indies` and `Unspecified` do not, and are reported.
const NAMES: [(&str, &str); 47] = [
    ("australia", "AU"),
    ("austria", "AT"),
    ("bahrain", "BH"),
    ("belgium", "BE"),
    ("bermuda", "BM"),
    ("brazil", "BR"),
    ("canada", "CA"),
    ("china", "CN"),
    ("cyprus", "CY"),
    ("czech republic", "CZ"),
    ("denmark", "DK"),
    ("eire", "IE"),
    ("estonia", "EE"),
    ("finland", "FI"),
    ("france", "FR"),
    ("germany", "DE"),
    ("greece", "GR"),
    ("hong kong", "HK"),
    ("hungary", "HU"),
    ("iceland", "IS"),
    ("india", "IN"),
    ("ireland", "IE"),
    ("israel", "IL"),
    ("italy", "IT"),
    ("japan", "JP"),
    ("korea", "KR"),
    ("lebanon", "LB"),
    ("lithuania", "LT"),
    ("luxembourg", "LU"),
    ("malta", "MT"),
    ("netherlands", "NL"),
    ("new zealand", "NZ"),
    ("nigeria", "NG"),
    ("norway", "NO"),
    ("poland", "PL"),
    ("portugal", "PT"),
    ("rsa", "ZA"),
    ("saudi arabia", "SA"),
    ("singapore", "SG"),
    ("south africa", "ZA"),
    ("spain", "ES"),
    ("sweden", "SE"),
    ("switzerland", "CH"),
    ("thailand", "TH"),
    ("united arab emirates", "AE"),
    ("united kingdom", "GB"),
    ("usa", "US"),
];

/// The code of a country's name, whatever its case.
pub fn code(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, code)| *code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case() {
        assert_eq!(code("EIRE"), Some("IE"));
        assert_eq!(code("United Kingdom"), Some("GB"));
        assert_eq!(code("RSA"), Some("ZA"));
    }

    #[test]
    fn a_name_of_several_countries_has_no_code() {
        assert_eq!(code("Channel Islands"), None);
        assert_eq!(code(""), None);
    }

    #[test]
    fn the_names_are_folded_and_distinct() {
        assert!(NAMES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(NAMES.iter().all(|(name, code)| *name == name.to_lowercase() && code.len() == 2));
    }
}
