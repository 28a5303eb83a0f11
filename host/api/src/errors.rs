//! From the refusals of the use cases to problems, each in one place.

use app::{again, callbacks, command, hooks, idempotency, merchant, place, plugins, stock};
use axum::http::header::LOCATION;
use domain::command::Refusal as Illegal;
use serde_json::{Value, json};

use crate::problem::{Code, Fault, Problem};

/// A full disk seldom has room again at once.
const DISK_FULL_RETRY_SECONDS: u64 = 5;

/// What a merchant's adapters could not take in a second they can in the next.
const CALL_RETRY_SECONDS: u64 = 2;

impl From<app::Error> for Problem {
    fn from(error: app::Error) -> Self {
        match error {
            app::Error::Unavailable(why) => {
                tracing::warn!(why, "a request was turned away");
                Self::new(Code::Unavailable, "The service is overloaded or restarting. Nothing was changed; try again.")
                    .retry_after(1)
            }
            app::Error::DiskFull => {
                tracing::warn!("a request was turned away: the disk is full");
                let detail = "The service's disk is full. Nothing was changed, and reading goes on; \
                              try again when there is room.";
                Self::new(Code::Unavailable, detail).retry_after(DISK_FULL_RETRY_SECONDS)
            }
            app::Error::InDoubt(why) => {
                tracing::warn!(why, "the store does not answer");
                let detail = "The service's storage does not answer. If something was to be changed, that may have \
                              happened; sending the request again, with the same idempotency key, is safe.";
                Self::new(Code::Unavailable, detail).retry_after(1)
            }
            app::Error::Internal(cause) => Self::internal(cause),
        }
    }
}

impl From<idempotency::Refusal> for Problem {
    fn from(refusal: idempotency::Refusal) -> Self {
        match refusal {
            idempotency::Refusal::KeyReused => Self::new(
                Code::IdempotencyKeyReused,
                "This idempotency key was used for a request with another method, path or body. Use a new key.",
            ),
        }
    }
}

impl From<merchant::Refusal> for Problem {
    fn from(refusal: merchant::Refusal) -> Self {
        match refusal {
            merchant::Refusal::Idempotency(refusal) => refusal.into(),
            merchant::Refusal::Error(error) => error.into(),
        }
    }
}

impl From<place::Refusal> for Problem {
    fn from(refusal: place::Refusal) -> Self {
        use place::Refusal as R;
        match refusal {
            R::Idempotency(refusal) => refusal.into(),
            R::OutOfStock(shortages) => {
                let items: Vec<Value> = shortages
                    .iter()
                    .map(|s| json!({"sku_id": s.sku.as_str(), "requested": s.requested, "available": s.available}))
                    .collect();
                let named: Vec<String> = shortages
                    .iter()
                    .map(|s| format!("{} of {} are available, {} are asked for", s.available, s.sku, s.requested))
                    .collect();
                Self::new(Code::OutOfStock, format!("{}.", named.join("; "))).with("items", items)
            }
            R::Rejected { reasons } => Self::new(Code::OrderRejected, "The merchant's risk policy refuses this order.")
                .with("reasons", reasons),
            R::DuplicateExternalId(order_id) => {
                let detail = format!("This external_id belongs to {order_id}.");
                Self::new(Code::DuplicateExternalId, detail)
                    .at("/external_id", "belongs to another order")
                    .with("order_id", order_id.to_string())
                    .header(LOCATION, order_path(&order_id))
            }
            R::TotalTooLarge(_) => {
                Self::new(Code::TotalTooLarge, "The order's total is larger than can be computed with.")
                    .at("/items", "come to more than can be computed with")
            }
            R::DocumentTooLarge { bytes, limit } => {
                Self::new(Code::OrderTooLarge, format!("The order takes {bytes} bytes; at most {limit} are kept."))
            }
            R::PolicyFailed { hook, message } => {
                let detail = format!("The {} policy failed, and its binding refuses the order then.", hook.name());
                Self::new(Code::PolicyFailed, detail).with("hook", hook.name()).with("message", message)
            }
            R::Error(error) => error.into(),
        }
    }
}

impl From<command::Refusal> for Problem {
    fn from(refusal: command::Refusal) -> Self {
        use command::Refusal as R;
        match refusal {
            R::NotFound => Self::not_found(),
            R::Domain(refusal) => illegal(&refusal),
            R::Idempotency(refusal) => refusal.into(),
            R::VersionMismatch { current } => {
                Self::new(Code::PreconditionFailed, format!("The order is at version {current}."))
                    .with("current_version", current)
            }
            R::Error(error) => error.into(),
        }
    }
}

fn illegal(refusal: &Illegal) -> Problem {
    let detail = |refusal: &Illegal| format!("{}.", capitalised(&refusal.to_string()));
    match refusal {
        Illegal::IllegalTransition { from, to } => {
            Problem::new(Code::IllegalTransition, detail(refusal)).with("from", from.name()).with("to", *to)
        }
        Illegal::IllegalShipment { from, to } => {
            Problem::new(Code::IllegalTransition, detail(refusal)).with("from", from.name()).with("to", *to)
        }
        Illegal::NoShipment => Problem::not_found(),
        Illegal::TooManyUnits { index, line_id, left } => {
            let detail = format!("is more than the {left} units of line {line_id} that this can be done with");
            Problem::invalid(vec![Fault { pointer: format!("/items/{index}/quantity"), detail }])
        }
        Illegal::NothingLeft => {
            let detail = "must leave something in the shipment".to_owned();
            Problem::invalid(vec![Fault { pointer: "/items".to_owned(), detail }])
        }
        Illegal::NothingToRefund => {
            let detail = "come to nothing that could be given back".to_owned();
            Problem::invalid(vec![Fault { pointer: "/items".to_owned(), detail }])
        }
        Illegal::RefundExceedsCaptured { .. } => Problem::new(
            Code::RefundExceedsCaptured,
            "What was captured, and is neither given back nor being given back, is less than that.",
        ),
        Illegal::OnHold => Problem::new(Code::OrderOnHold, detail(refusal)),
        Illegal::NotHeld => Problem::new(Code::NotOnHold, detail(refusal)),
        Illegal::RetryExpired(until) => {
            Problem::new(Code::PaymentRetryExpired, detail(refusal)).with("retry_until", until.to_string())
        }
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

impl From<stock::Refusal> for Problem {
    fn from(refusal: stock::Refusal) -> Self {
        use stock::Refusal as R;
        let detail = format!("{}.", capitalised(&refusal.to_string()));
        match refusal {
            R::Reserved { sku, warehouse_id, reserved, .. } => Self::new(Code::StockReserved, detail)
                .with("sku", sku.as_str())
                .with("warehouse", warehouse_id.as_str())
                .with("reserved", reserved),
            // In a path the warehouse is an address; in a body it is a value.
            R::UnknownWarehouse { index: None, .. } => Self::new(Code::NotFound, detail),
            R::UnknownWarehouse { index: Some(index), .. } => Self::new(Code::UnknownWarehouse, detail)
                .at(format!("/changes/{index}/warehouse"), "is no warehouse of this merchant"),
            R::TooLarge => {
                let detail = format!("lead to more than {} units", stock::ON_HAND_MAX);
                Self::invalid(vec![Fault { pointer: "/changes".to_owned(), detail }])
            }
            R::Idempotency(refusal) => refusal.into(),
            R::Error(error) => error.into(),
        }
    }
}

impl From<plugins::UploadRefusal> for Problem {
    fn from(refusal: plugins::UploadRefusal) -> Self {
        use plugins::UploadRefusal as R;
        let detail = format!("{}.", capitalised(&refusal.to_string()));
        match refusal {
            R::Component { reasons } => {
                let detail = match reasons.as_slice() {
                    [one] => format!("{}.", capitalised(one)),
                    many => format!("There are {} reasons; see `reasons`.", many.len()),
                };
                Self::new(Code::ComponentRefused, detail).with("reasons", reasons)
            }
            R::OtherHook { serves, .. } => Self::new(Code::OtherHook, detail).with("hook", serves.name()),
            R::Error(error) => error.into(),
        }
    }
}

impl From<hooks::Refusal> for Problem {
    fn from(refusal: hooks::Refusal) -> Self {
        use hooks::Refusal as R;
        let detail = format!("{}.", capitalised(&refusal.to_string()));
        let fault = |pointer: &str, detail: &str| {
            Self::invalid(vec![Fault { pointer: pointer.to_owned(), detail: detail.to_owned() }])
        };
        match refusal {
            R::NoPlugin(_) => fault("/plugin", "is no plugin of this merchant"),
            R::NoVersion(_) => fault("/version", "is no version of this plugin"),
            R::NoNative => fault("/plugin", "must be a plugin: this hook has no built-in default"),
            R::NotReady { version, status } => {
                Self::new(Code::VersionNotReady, detail).with("version", version).with("status", status.name())
            }
            R::OtherHook(hook) => Self::new(Code::OtherHook, detail).with("hook", hook.name()),
            R::Changed { current } => Self::new(Code::PreconditionFailed, detail).with("current_revision", current),
            R::NothingBefore => Self::new(Code::NothingToRollBack, detail),
            R::NothingToPromote => Self::new(Code::NothingToPromote, detail),
            R::NoCandidate => fault("/candidate", "cannot be given: only a bound policy can have one"),
            R::NeedsApproval { asked, granted, missing } => {
                let detail = format!(
                    "{detail} Give `fields` to say which personal fields it may have: {asked} for all that it asks for."
                );
                Self::new(Code::ApprovalRequired, detail)
                    .with("asked", json!(asked))
                    .with("granted", json!(granted))
                    .with("missing", json!(missing))
            }
            R::NotAsked(slot) => Self::new(Code::HookNotAsked, detail).with("hook", slot.to_string()),
            R::NotBound(_) => Self::new(Code::NotFound, detail),
            R::NoPercent => fault("/candidate/percent", "is required of a canary"),
            R::Error(error) => error.into(),
        }
    }
}

impl From<callbacks::Refusal> for Problem {
    fn from(refusal: callbacks::Refusal) -> Self {
        use callbacks::Refusal as R;
        match refusal {
            // Whoever guesses learns nothing of whose address is near.
            R::NotFound => Self::new(Code::NotFound, "There is no such address."),
            R::Forged => Self::new(Code::CallbackNotVerified, "No signature of the call was found right."),
            R::NotUnderstood(why) => Self::new(Code::CallbackNotUnderstood, format!("It is not understood: {why}.")),
            R::Later(why) => {
                let detail = format!("It cannot be understood just now: {why}. Nothing was kept; send it again.");
                Self::new(Code::Unavailable, detail).retry_after(CALL_RETRY_SECONDS)
            }
            R::Error(error) => error.into(),
        }
    }
}

impl From<again::Refusal> for Problem {
    fn from(refusal: again::Refusal) -> Self {
        use again::Refusal as R;
        let detail = format!("{}.", capitalised(&refusal.to_string()));
        match refusal {
            R::NotFound => Self::not_found(),
            R::NotReady(status) => Self::new(Code::VersionNotReady, detail).with("status", status.name()),
            R::BadInput(bad) => {
                let detail = format!("is no input of the hook `{}`: {}", bad.hook.name(), bad.why);
                Self::invalid(vec![Fault { pointer: "/input".to_owned(), detail }])
            }
            R::Error(error) => error.into(),
        }
    }
}

/// Where an order is found.
#[must_use]
pub fn order_path(order_id: &domain::ids::OrderId) -> String {
    format!("/api/v1/orders/{order_id}")
}

#[cfg(test)]
mod tests {
    use domain::ids::{OrderId, Sku};
    use domain::placement::Shortage;
    use domain::status::OrderStatus;

    use super::*;

    #[test]
    fn each_missing_sku_is_named_with_its_numbers() {
        let shortage = |sku, requested, available| Shortage { sku: Sku::parse(sku).unwrap(), requested, available };
        let problem: Problem = place::Refusal::OutOfStock(vec![shortage("A", 3, 1), shortage("B", 1, 0)]).into();
        let document = problem.document("r");
        assert_eq!(document["items"][1], json!({"sku_id": "B", "requested": 1, "available": 0}));
    }

    #[test]
    fn an_illegal_move_names_both_states() {
        let refusal = Illegal::IllegalTransition { from: OrderStatus::Delivered, to: "cancelled" };
        let document = Problem::from(command::Refusal::Domain(refusal)).document("r");
        assert_eq!((&document["from"], &document["to"]), (&json!("delivered"), &json!("cancelled")));
        assert_eq!(document["status"], 409);
    }

    #[test]
    fn a_duplicate_names_the_order() {
        let order_id = OrderId::new(uuid::Uuid::from_u128(7));
        let document = Problem::from(place::Refusal::DuplicateExternalId(order_id)).document("r");
        assert_eq!(document["order_id"], order_id.to_string());
        assert_eq!(document["errors"][0]["pointer"], "/external_id");
    }

    #[test]
    fn whether_something_was_changed_is_said_as_far_as_it_is_known() {
        let detail = |error| Problem::from(error).document("r")["detail"].to_string();
        let unchanged = [app::Error::Unavailable("closed".into()), app::Error::DiskFull];
        assert!(unchanged.into_iter().all(|error| detail(error).contains("Nothing was changed")));
        let in_doubt = detail(app::Error::InDoubt("disk I/O error".into()));
        assert!(in_doubt.contains("may have happened") && !in_doubt.contains("I/O"), "{in_doubt}");
    }

    #[test]
    fn a_defect_tells_the_client_nothing() {
        let document = Problem::from(app::Error::Internal("SQLITE_CORRUPT".into())).document("r");
        assert!(!document.to_string().contains("SQLITE"));
    }
}
