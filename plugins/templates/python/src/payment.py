"""Speaks to a payment provider: here the sandbox that `orderwright dev` starts, whose API is like that of many.

    { "base_url": "http://127.0.0.1:8090" }

The provider's key is the merchant's secret named `api_key`. An operation is a request or two: the transcript says how far
it is. What a provider of yours calls things is in `begin` and in `end`.
"""

import json
from urllib.parse import quote

from wit_world import exports
from wit_world.exports.payment_adapter import (
    Authorize, Operation, Operation_Authorize, Operation_Callback, Operation_Capture, Operation_List, Operation_Query,
    Operation_Refund, Operation_Void, Outcome, Query, State, Step, Step_Declined, Step_Done, Step_Failed, Step_Request,
    Step_Wait,
)
from wit_world.imports.exchange import (
    Body_Inline, Credential_Bearer, Declined, Descriptor, Entry, Entry_Response, Entry_TransportError, Entry_Waited,
    Failed, Header, Request, Safety, Wait,
)
from wit_world.imports.types import Context

# The pause before a payment that is under way is asked for again, in microseconds.
PAUSE = 5_000_000


class Ended(Exception):
    """The step that ends an operation in the middle of something. An adapter itself never raises."""

    def __init__(self, step: Step):
        self.step = step


class PaymentAdapter(exports.PaymentAdapter):
    def describe(self) -> Descriptor:
        # The key lives a minute less than the provider promises, for clocks that differ.
        return Descriptor("Idempotency-Key", 24 * 60 * 60 - 60, 30)

    def next_step(self, context: Context, operation: Operation, transcript: list[Entry]) -> Step:
        try:
            return step(json.loads(context.config), context, operation, transcript)
        except Ended as ended:
            return ended.step
        except (KeyError, TypeError, ValueError) as error:
            return failed(False, repr(error))


def step(config: dict, context: Context, operation: Operation, transcript: list[Entry]) -> Step:
    if not transcript:
        return begin(config, operation)
    last = transcript[-1]
    if isinstance(last, Entry_Waited):
        known = [answer(entry) for entry in transcript if isinstance(entry, Entry_Response)]
        if not known or known[-1] is None:
            return failed(False, "the transcript does not fit")
        return get(config, f"/{known[-1]['id']}")
    intent = answer(last)
    if intent is None:
        if not isinstance(operation, Operation_Query):
            return failed(True, "the provider does not know the payment")
        return done(operation.value.reference or operation.value.payment_id, State.NOT_FOUND, 0)
    # Its name was not known, and has been looked for first.
    if isinstance(operation, Operation_Void) and operation.value.reference == "" and len(transcript) == 1:
        is_over = intent["status"] in ("canceled", "failed")
        return end(operation, intent) if is_over else cancel(config, intent["id"])
    if intent["status"] == "processing":
        return Step_Wait(Wait(context.now + PAUSE, False))
    return end(operation, intent)


def begin(config: dict, operation: Operation) -> Step:
    """The first request of an operation."""
    asked = operation.value
    match operation:
        case Operation_Authorize():
            return authorize(config, asked)
        case Operation_Capture():
            path = f"/payment_intents/{escaped(asked.reference)}/capture"
            return post(config, path, {"amount_to_capture": asked.amount})
        case Operation_Void():
            return cancel(config, asked.reference) if asked.reference else get(config, by_reference(asked.payment_id))
        case Operation_Refund():
            body = {"amount": asked.payment.amount, "payment_intent": asked.payment.reference}
            return post(config, "/refunds", body)
        case Operation_Query():
            known = asked.reference is not None
            return get(config, f"/{escaped(asked.reference)}" if known else by_reference(asked.payment_id))
        case Operation_List():
            return failed(False, "this adapter lists nothing")
        case _:
            return failed(False, "this provider makes no callbacks")


def authorize(config: dict, new: Authorize) -> Step:
    body = {
        "amount": new.amount,
        "capture_method": "manual",
        "currency": new.currency,
        "metadata": {"order_id": new.order_id},
        "payment_method": new.payment_method_id,
        "reference": new.payment_id,
    }
    return post(config, "/payment_intents", body)


def end(operation: Operation, intent: dict) -> Step:
    """What a payment that is not under way any more means for an operation."""
    reference, status, amount, asked = intent["id"], intent["status"], intent["amount"], operation.value
    received, refunded = intent.get("amount_received", 0), intent.get("amount_refunded", 0)
    match operation, status:
        case Operation_Authorize(), "requires_capture" | "succeeded":
            return done(reference, State.AUTHORIZED, amount)
        case Operation_Capture(), "succeeded":
            return done(reference, State.CAPTURED, min(received, asked.amount))
        case Operation_Void(), "canceled" | "failed":
            return done(reference, State.VOIDED, asked.amount)
        case Operation_Refund(), "succeeded":
            return done(reference, State.REFUNDED, asked.payment.amount)
        case Operation_Query(), "requires_capture":
            return done(reference, State.AUTHORIZED, amount)
        case Operation_Query(), "succeeded":
            return done(reference, State.REFUNDED, refunded) if refunded else done(reference, State.CAPTURED, received)
        case Operation_Query(), "canceled":
            return done(reference, State.VOIDED, amount)
        case (Operation_Authorize() | Operation_Query()), _:
            return Step_Declined(Declined(status, f"the payment is {status}"))
    return failed(False, f"the payment is {status}")


def done(reference: str, state: State, amount: int) -> Step:
    return Step_Done(Outcome(reference, state, amount))


def cancel(config: dict, reference: str) -> Step:
    return post(config, f"/payment_intents/{escaped(reference)}/cancel", {})


def by_reference(payment_id: str) -> str:
    return f"?reference={escaped(payment_id)}"


def post(config: dict, path: str, body: dict) -> Step:
    """A request that moves money: the host adds the idempotency key."""
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return send(config, "POST", path, content, Safety.IDEMPOTENT)


def get(config: dict, rest: str) -> Step:
    """A question about payments."""
    return send(config, "GET", f"/payment_intents{rest}", b"", Safety.SAFE)


def send(config: dict, method: str, path: str, body: bytes, safety: Safety) -> Step:
    names = ["accept", "content-type"] if body else ["accept"]
    headers = [Header(name, "application/json") for name in names]
    url = f"{config['base_url'].rstrip('/')}/v1{path}"
    return Step_Request(Request(method, url, headers, body, safety, Credential_Bearer("api_key"), None))


def answer(entry: Entry) -> dict | None:
    """What came of a request: a payment, the first of a list, or none where it is unknown."""
    if isinstance(entry, Entry_TransportError):
        raise Ended(failed(True, f"no answer came: {entry.value.message}"))
    if not isinstance(entry, Entry_Response):
        raise Ended(failed(False, "the transcript does not fit"))
    status, body = entry.value.status, entry.value.body
    if not isinstance(body, Body_Inline):
        raise Ended(failed(False, "the answer is too large"))
    found = parsed(body.value)
    if found is None:
        raise Ended(failed(status >= 500, f"the provider answered {status}"))
    if 200 <= status < 300:
        return next(iter(found["data"]), None) if "data" in found else found
    if status == 404:
        return None
    error = found.get("error", {})
    code, message = error.get("code", ""), error.get("message", "")
    if status == 402:
        raise Ended(Step_Declined(Declined(code, message)))
    # Done before: the refusal shows the payment as it is.
    if code == "payment_intent_unexpected_state" and "payment_intent" in error:
        return error["payment_intent"]
    raise Ended(failed(status in (408, 409, 429) or status >= 500, message))


def escaped(text: str) -> str:
    return quote(text, safe="")


def failed(retryable: bool, message: str) -> Step:
    return Step_Failed(Failed(retryable, message))


def parsed(content: bytes) -> dict | None:
    try:
        return json.loads(content)
    except ValueError:
        return None
