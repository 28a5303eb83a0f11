//! The meaning of a query, written down a second time in the plainest way: a filter and a sort over a list. It shares
//! the parser with the index, and nothing else.

use search::query::{Bounds, Keyword, Matcher, Value};
use search::{Hit, OrderDocument, Query, SearchOptions, Sort};

/// Folds the letters that the generators use.
fn fold(text: &str) -> String {
    let mut folded = String::new();
    for c in text.to_lowercase().chars() {
        match c {
            'é' | 'è' => folded.push('e'),
            'ü' => folded.push('u'),
            'ø' => folded.push('o'),
            'ß' => folded.push_str("ss"),
            '\u{301}' => {}
            other => folded.push(other),
        }
    }
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn words(text: &str) -> Vec<String> {
    let spaced = fold(text).replace('東', " 東 ").replace('京', " 京 ");
    spaced.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn has_phrase(text: &str, phrase: &[String]) -> bool {
    !phrase.is_empty() && words(text).windows(phrase.len()).any(|window| window == phrase)
}

fn texts(order: &OrderDocument) -> Vec<&String> {
    let options = [
        &order.customer_name,
        &order.shipping_name,
        &order.shipping_street,
        &order.city,
        &order.zip,
        &order.email,
        &order.phone,
        &order.external_id,
    ];
    order.titles.iter().chain(&order.skus).chain(options.into_iter().flatten()).collect()
}

fn names(order: &OrderDocument) -> Vec<&String> {
    order.customer_name.iter().chain(&order.shipping_name).collect()
}

fn digits(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let is_phone = text.chars().all(|c| c.is_ascii_digit() || "+-(). /".contains(c));
    (is_phone && digits.len() >= 6).then_some(digits)
}

fn is_whole_id(order: &OrderDocument, typed: &str) -> bool {
    let folded = fold(typed);
    let ids = order.skus.iter().chain(&order.external_id).chain(&order.customer_id).chain(&order.email);
    ids.into_iter().any(|id| fold(id) == folded)
        || order.email.iter().any(|email| email.find('@').is_some_and(|at| fold(&email[at..]) == folded))
        || order.order_id == typed
        || order.order_id == typed.to_lowercase()
        || digits(typed).is_some_and(|typed| order.phone.iter().any(|phone| digits(phone).as_ref() == Some(&typed)))
}

/// How well a clause matches: none if not at all.
fn score(order: &OrderDocument, matcher: &Matcher) -> Option<i64> {
    match matcher {
        Matcher::Word(typed) => {
            let typed_words = words(typed);
            let is_found = texts(order).iter().any(|text| has_phrase(text, &typed_words));
            let is_begun = typed_words.len() == 1
                && typed_words[0].chars().count() >= if typed.ends_with('*') { 2 } else { 3 }
                && !typed_words[0].chars().all(char::is_numeric)
                && texts(order).iter().any(|text| words(text).iter().any(|word| word.starts_with(&typed_words[0])));
            [(is_whole_id(order, typed), 8), (is_found, 2), (is_begun, 1)]
                .into_iter()
                .find(|way| way.0)
                .map(|way| way.1)
        }
        Matcher::Phrase(typed) => {
            let is_found = texts(order).iter().any(|text| has_phrase(text, &words(typed)));
            [(is_whole_id(order, typed), 8), (is_found, 4)].into_iter().find(|way| way.0).map(|way| way.1)
        }
        Matcher::Keyword(keyword, values) => values.iter().any(|value| has_value(order, *keyword, value)).then_some(0),
        Matcher::Placed(spans) => {
            let at = order.placed_at;
            let is_in = spans.iter().any(|span| match *span {
                Bounds::Exactly(period) => period.start_micros() <= at && at < period.end_micros(),
                Bounds::AtLeast(period) => at >= period.start_micros(),
                Bounds::MoreThan(period) => at >= period.end_micros(),
                Bounds::AtMost(period) => at < period.end_micros(),
                Bounds::LessThan(period) => at < period.start_micros(),
                Bounds::Between(from, to) => from.start_micros() <= at && at < to.end_micros(),
            });
            is_in.then_some(0)
        }
        Matcher::Total(spans) => {
            let total = order.total;
            let is_in = spans.iter().any(|span| match *span {
                Bounds::Exactly(amount) => total == amount,
                Bounds::AtLeast(amount) => total >= amount,
                Bounds::MoreThan(amount) => total > amount,
                Bounds::AtMost(amount) => total <= amount,
                Bounds::LessThan(amount) => total < amount,
                Bounds::Between(from, to) => from <= total && total <= to,
            });
            is_in.then_some(0)
        }
    }
}

fn has_value(order: &OrderDocument, keyword: Keyword, value: &Value) -> bool {
    let values: Vec<&String> = match keyword {
        Keyword::Status => vec![&order.status],
        Keyword::Sku => order.skus.iter().collect(),
        Keyword::Country => vec![&order.country],
        Keyword::Customer => order.customer_id.iter().collect(),
        Keyword::External => order.external_id.iter().collect(),
        Keyword::Order => vec![&order.order_id],
        Keyword::Warehouse => order.warehouses.iter().collect(),
        Keyword::Currency => vec![&order.currency],
        Keyword::Email => order.email.iter().collect(),
        Keyword::Payment => vec![&order.payment_status],
        Keyword::Hold => order.holds.iter().collect(),
    };
    let mut folded: Vec<String> =
        values.into_iter().map(|value| fold(value)).filter(|value| !value.is_empty()).collect();
    if keyword == Keyword::Email {
        let domains: Vec<String> =
            folded.iter().filter_map(|email| email.find('@').map(|at| email[at..].to_owned())).collect();
        folded.extend(domains);
    }
    match value {
        Value::Any => !folded.is_empty(),
        Value::Exact(typed) => {
            folded.contains(&fold(typed))
                || keyword == Keyword::Customer && names(order).iter().any(|name| has_phrase(name, &words(typed)))
        }
        Value::Prefix(typed) => {
            let prefix = fold(typed);
            folded.iter().any(|value| value.starts_with(&prefix))
                || keyword == Keyword::Customer
                    && words(typed) == [prefix.clone()]
                    && names(order).iter().any(|name| words(name).iter().any(|word| word.starts_with(&prefix)))
        }
    }
}

/// All hits of a search, in order, without pages.
pub(crate) fn search(orders: &[OrderDocument], tenant: &str, query: &Query, options: &SearchOptions) -> Vec<Hit> {
    let mut found: Vec<(i64, &OrderDocument)> = orders
        .iter()
        .filter(|order| order.tenant == tenant)
        .filter(|order| options.statuses.is_empty() || options.statuses.contains(&order.status))
        .filter(|order| options.from.is_none_or(|from| order.placed_at >= from))
        .filter(|order| options.to.is_none_or(|to| order.placed_at < to))
        .filter_map(|order| {
            let mut sum = 0;
            for clause in query.clauses() {
                match (score(order, &clause.matcher), clause.negated) {
                    (Some(score), false) => sum += score,
                    (None, true) => {}
                    _ => return None,
                }
            }
            Some((sum, order))
        })
        .collect();
    found.sort_by(|(score_a, a), (score_b, b)| {
        let by_id = a.order_id.cmp(&b.order_id);
        match options.sort {
            Sort::Newest => b.placed_at.cmp(&a.placed_at).then(by_id.reverse()),
            Sort::Oldest => a.placed_at.cmp(&b.placed_at).then(by_id),
            Sort::TotalDesc => b.total.cmp(&a.total).then(by_id.reverse()),
            Sort::TotalAsc => a.total.cmp(&b.total).then(by_id),
            Sort::Relevance => score_b.cmp(score_a).then(by_id.reverse()),
        }
    });
    found.into_iter().map(|(_, order)| Hit { order_id: order.order_id.clone(), version: order.version }).collect()
}
