use super::*;
use jiff::SignedDuration;
use proptest::prelude::*;

fn start() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

fn open(method: Method, capture_method: CaptureMethod, amount: u64) -> (Intent, Change) {
    let new = NewIntent {
        amount,
        currency: "EUR".into(),
        payment_method: method,
        capture_method,
        reference: "order-1".into(),
        metadata: BTreeMap::new(),
    };
    let opening = Opening {
        id: IntentId::generate(),
        now: start(),
        lands_at: start() + minutes(1),
        confirmation: Confirmation { token: "secret".into(), expires_at: start() + minutes(15) },
    };
    Intent::open(new, opening)
}

#[test]
fn a_late_payment_lands_when_it_is_due_and_not_before() {
    let (mut intent, change) = open(Method::Late, CaptureMethod::Manual, 500);
    assert_eq!(intent.status, Status::Processing);
    assert_eq!(change.postings, []);
    let almost = start() + minutes(1) - SignedDuration::from_millis(1);
    assert_eq!(intent.settle(almost), None);
    let landed = intent.settle(start() + minutes(1)).unwrap();
    assert_eq!(landed, Change::posted([(Kind::Authorize, 500)]));
    assert_eq!(intent.status, Status::RequiresCapture);
    assert_eq!(intent.settle(start() + minutes(2)), None);
}

#[test]
fn a_canceled_late_payment_charges_nothing() {
    let (mut intent, _) = open(Method::Late, CaptureMethod::Automatic, 500);
    assert_eq!(intent.void(), Ok(Change::default()));
    assert_eq!(intent.settle(start() + minutes(60)), None);
    assert_eq!(intent.status, Status::Canceled);
    assert_eq!(intent.amount_received, 0);
}

#[test]
fn a_confirmation_that_nobody_answers_expires() {
    let (mut intent, _) = open(Method::Action, CaptureMethod::Manual, 500);
    assert_eq!(intent.status, Status::RequiresAction);
    assert_eq!(intent.settle(start() + minutes(14)), None);
    let change = intent.settle(start() + minutes(15)).unwrap();
    assert_eq!(change, Change::posted([(Kind::Decline, 500)]));
    assert_eq!(intent.last_error, Some(Decline::ConfirmationExpired));
    assert_eq!(intent.answer(true), Err(Refusal::UnexpectedState { status: Status::Failed, verb: "confirmed" }));
}

#[test]
fn a_last_capture_releases_what_it_leaves() {
    let (mut intent, _) = open(Method::Ok, CaptureMethod::Manual, 500);
    let change = intent.capture(Some(300), true).unwrap();
    assert_eq!(change, Change::posted([(Kind::Capture, 300), (Kind::Void, 200)]));
    assert_eq!(intent.status, Status::Succeeded);
    assert_eq!(
        intent.capture(Some(1), true),
        Err(Refusal::UnexpectedState { status: Status::Succeeded, verb: "captured" })
    );
}

#[test]
fn several_captures_share_one_authorisation() {
    let (mut intent, _) = open(Method::Ok, CaptureMethod::Manual, 500);
    intent.capture(Some(300), false).unwrap();
    assert_eq!(intent.status, Status::RequiresCapture);
    assert_eq!(intent.capture(Some(201), false), Err(Refusal::OverCapture { asked: 201, capturable: 200 }));
    assert_eq!(intent.void(), Ok(Change::posted([(Kind::Void, 200)])));
    assert_eq!(intent.status, Status::Succeeded);
    assert_eq!(intent.amount_received, 300);
}

#[test]
fn a_declined_sale_in_one_step_charges_nothing() {
    let (intent, change) = open(Method::CaptureDeclined, CaptureMethod::Automatic, 500);
    assert_eq!(intent.status, Status::Failed);
    assert_eq!(change.declined, Some(Decline::CardDeclined));
    assert_eq!(change.postings.len(), 1);
}

#[derive(Debug, Clone)]
enum Step {
    Settle(i64),
    Answer(bool),
    Capture(Option<u64>, bool),
    Void,
    Refund(Option<u64>),
}

fn step() -> impl Strategy<Value = Step> {
    let amount = || proptest::option::of(1_u64..60);
    prop_oneof![
        (0_i64..30).prop_map(Step::Settle),
        any::<bool>().prop_map(Step::Answer),
        (amount(), any::<bool>()).prop_map(|(amount, last)| Step::Capture(amount, last)),
        Just(Step::Void),
        amount().prop_map(Step::Refund),
    ]
}

fn take(intent: &mut Intent, step: &Step) -> Result<Change, Refusal> {
    match *step {
        Step::Settle(after) => Ok(intent.settle(start() + minutes(after)).unwrap_or_default()),
        Step::Answer(confirmed) => intent.answer(confirmed),
        Step::Capture(amount, is_last) => intent.capture(amount, is_last),
        Step::Void => intent.void(),
        Step::Refund(amount) => intent.refund(amount).map(|(_, change)| change),
    }
}

proptest! {
    #[test]
    fn whatever_happens_the_postings_add_up(
        method in proptest::sample::select(Method::ALL.to_vec()),
        automatic in any::<bool>(),
        amount in 1_u64..100,
        steps in proptest::collection::vec(step(), 0..20),
    ) {
        let capture_method = if automatic { CaptureMethod::Automatic } else { CaptureMethod::Manual };
        let (mut intent, opened) = open(method, capture_method, amount);
        let mut postings = opened.postings;
        for step in &steps {
            let before = intent.clone();
            match take(&mut intent, step) {
                Ok(change) => postings.extend(change.postings),
                Err(_) => prop_assert_eq!(&intent, &before, "a refusal changes nothing"),
            }
            let sum = |kind| postings.iter().filter(|it| it.kind == kind).map(|it| it.amount).sum::<u64>();
            prop_assert!(postings.iter().all(|it| it.amount > 0));
            prop_assert!(sum(Kind::Authorize) == 0 || sum(Kind::Authorize) == amount);
            prop_assert_eq!(sum(Kind::Capture), intent.amount_received);
            prop_assert_eq!(sum(Kind::Refund), intent.amount_refunded);
            prop_assert_eq!(sum(Kind::Authorize), intent.amount_received + sum(Kind::Void) + intent.amount_capturable);
            prop_assert!(intent.amount_refunded <= intent.amount_received);
            prop_assert_eq!(intent.status == Status::RequiresCapture, intent.amount_capturable > 0);
            prop_assert_eq!(intent.status == Status::Succeeded, intent.amount_received > 0 && intent.amount_capturable == 0);
        }
    }
}
