//! How text becomes terms. The same functions serve documents and queries, so that the two can never disagree.
//!
//! A change here changes what is in the index: raise [`crate::SCHEMA_VERSION`] with it.

use tantivy::tokenizer::{AsciiFoldingFilter, RawTokenizer, TextAnalyzer, TokenStream};

/// Folds case, accents and spaces: `  Café   NOIR ` becomes `cafe noir`.
///
/// Combining marks are dropped, so that composed and decomposed forms of a letter meet, and so are the invisible
/// characters that come along with pasted text. The result has no control character.
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return squeeze(&text.to_ascii_lowercase());
    }
    let lower: String =
        text.chars().filter(|c| !is_dropped(*c)).flat_map(char::to_lowercase).filter(|c| !is_dropped(*c)).collect();
    // Some folded letters come out as capitals, hence the second lowering.
    squeeze(&ascii_fold(&lower).to_ascii_lowercase())
}

/// The words of a text, folded, in order. Letters and digits make words, everything else parts them.
pub(crate) fn words(text: &str) -> Vec<String> {
    let folded = fold(text);
    let mut words = Vec::new();
    let mut word = String::new();
    for c in folded.chars() {
        if is_ideograph(c) {
            // Languages without spaces: each character is a word, and a longer query is a phrase of them.
            flush(&mut word, &mut words);
            words.push(c.to_string());
        } else if c.is_alphanumeric() {
            word.push(c);
        } else {
            flush(&mut word, &mut words);
        }
    }
    flush(&mut word, &mut words);
    words
}

/// The digits of a text that looks like a telephone number, else nothing.
pub(crate) fn phone_digits(text: &str) -> Option<String> {
    /// Shorter runs of digits are more likely a quantity, a house number or a year.
    const MIN_DIGITS: usize = 6;
    let is_separator = |c: char| matches!(c, '+' | '-' | '(' | ')' | '.' | '/' | ' ');
    if !text.chars().all(|c| c.is_ascii_digit() || is_separator(c)) {
        return None;
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    (digits.len() >= MIN_DIGITS).then_some(digits)
}

fn flush(word: &mut String, words: &mut Vec<String>) {
    if !word.is_empty() {
        words.push(std::mem::take(word));
    }
}

fn squeeze(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for part in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|part| !part.is_empty()) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(part);
    }
    out
}

fn ascii_fold(text: &str) -> String {
    let mut analyzer = TextAnalyzer::builder(RawTokenizer::default()).filter(AsciiFoldingFilter).build();
    let mut stream = analyzer.token_stream(text);
    let mut out = String::new();
    stream.process(&mut |token| out.push_str(&token.text));
    // The filter does not know Greek; a final sigma must meet the one inside a word.
    out.replace('ς', "σ")
}

fn is_dropped(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}')
}

fn is_ideograph(c: char) -> bool {
    matches!(c,
        '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{2ffff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn folding_meets_case_accents_and_forms() {
        assert_eq!(fold("  Café\t NOIR "), "cafe noir");
        assert_eq!(fold("cafe\u{301}"), fold("café"));
        assert_eq!(fold("Straße"), "strasse");
        assert_eq!(fold("İstanbul"), "istanbul");
        assert_eq!(fold("ΟΔΟΣ"), fold("οδος"));
        assert_eq!(fold("ＡＢＣ"), "abc");
        assert_eq!(fold("Æther Øre"), "aether ore");
        assert_eq!(fold("a\u{200b}b\u{0}c"), "ab c");
    }

    #[test]
    fn words_are_letters_and_digits() {
        assert_eq!(words("O'Brien & Söhne, Nr. 5b"), ["o", "brien", "sohne", "nr", "5b"]);
        assert_eq!(words("re\u{301}sume\u{301}"), ["resume"]);
        assert_eq!(words("東京 tower"), ["東", "京", "tower"]);
        assert_eq!(words("*** - 🎁"), Vec::<String>::new());
    }

    #[test]
    fn phones_keep_their_digits_only() {
        assert_eq!(phone_digits("+1 (555) 01-00").as_deref(), Some("15550100"));
        assert_eq!(phone_digits("12-30"), None);
        assert_eq!(phone_digits("SKU-1234567"), None);
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,40}") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }

        #[test]
        fn folding_takes_any_text(text in any::<String>()) {
            let folded = fold(&text);
            prop_assert!(!folded.chars().any(char::is_control));
            prop_assert!(words(&text).iter().all(|word| !word.is_empty() && !word.contains(' ')));
        }
    }
}
