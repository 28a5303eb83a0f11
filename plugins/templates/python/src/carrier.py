"""Speaks to a carrier with a JSON API like that of many: labels are bought, tracked and given back by it.

    { "base_url": "https://api.carrier.example" }

The carrier's key is the merchant's secret named `api_key`; its calls are signed with the secret named `callbacks`. What a
carrier of yours calls things is in `begin` and where its answers are read.
"""

import json
from urllib.parse import quote

from wit_world import exports
from wit_world.exports.carrier_adapter import (
    BlobPart, Content_Blob, Content_Inline, Document, Label, LabelOrder, Offer, Operation, Operation_BuyLabel,
    Operation_Callback, Operation_CancelLabel, Operation_List, Operation_Query, Operation_Rates, Operation_Track,
    Outcome, Outcome_Cancelled, Outcome_Label, Outcome_Labels, Outcome_NotFound, Outcome_Offers, Outcome_Tracking,
    Parcel, Status, Step, Step_Declined, Step_Done, Step_Failed, Step_Request, Step_VerifyHmac, Tracking,
)
from wit_world.imports.exchange import (
    Body, Body_Inline, Callback, Credential_Bearer, Declined, Descriptor, Entry, Entry_Response, Entry_TransportError,
    Entry_Verified, Escape, Failed, Header, Request, Safety, VerifyHmac,
)
from wit_world.imports.types import Context

STATUSES = {
    "out_for_delivery": Status.OUT_FOR_DELIVERY,
    "delivered": Status.DELIVERED,
    "returning": Status.RETURNING,
    "failed": Status.EXCEPTION,
}


class Ended(Exception):
    """The step that ends an operation in the middle of something. An adapter itself never raises."""

    def __init__(self, step: Step):
        self.step = step


class CarrierAdapter(exports.CarrierAdapter):
    def describe(self) -> Descriptor:
        # The key lives a minute less than the carrier promises, for clocks that differ.
        return Descriptor("Idempotency-Key", 24 * 60 * 60 - 60, 60)

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
    first = transcript[0]
    if isinstance(operation, Operation_Callback):
        if not isinstance(first, Entry_Verified) or not first.value:
            return failed(False, "the signature is wrong")
        events = parsed(operation.value.body)
        return failed(False, "the call cannot be read") if events is None else Step_Done(tracking(events))
    if not isinstance(operation, Operation_BuyLabel):
        return Step_Done(end(operation, first))
    bought = read(first)
    if len(transcript) == 1:
        return get(config, f"/labels/{escaped(bought['id'])}/document")
    printed = answered(transcript[1])
    inline = isinstance(printed, Body_Inline)
    content = Content_Inline(printed.value) if inline else Content_Blob(BlobPart(printed.value.handle, None))
    return Step_Done(Outcome_Label(label(bought, Document("application/pdf", content))))


def begin(config: dict, operation: Operation) -> Step:
    """The first step of an operation."""
    asked = operation.value
    match operation:
        case Operation_Rates():
            return send(config, "POST", "/rates", parcel_of(asked, {}), Safety.SAFE, None)
        case Operation_BuyLabel():
            return buy(config, asked)
        case Operation_CancelLabel():
            return send(config, "DELETE", f"/labels/{escaped(asked.reference)}", None, Safety.IDEMPOTENT, None)
        case Operation_Track():
            return get(config, f"/tracking/{escaped(asked.tracking_number)}")
        case Operation_Query():
            return get(config, f"/labels?reference={escaped(asked.shipment_id)}")
        case Operation_List():
            return get(config, f"/labels?since={asked // 1_000_000}")
        case _:
            return verify(asked)


def buy(config: dict, order: LabelOrder) -> Step:
    filled = {"name": "{{name}}", "street": "{{street}}"}
    body = parcel_of(order.parcel, filled) | {"reference": order.parcel.shipment_id, "service": order.service}
    return send(config, "POST", "/labels", dict(sorted(body.items())), Safety.IDEMPOTENT, Escape.JSON)


def parcel_of(parcel: Parcel, filled: dict) -> dict:
    """The parcel, with what the host fills in of its recipient."""
    origin, to = parcel.origin, parcel.destination
    recipient = {"city": to.city, "country": to.country, "region": to.region, "zip": to.zip} | filled
    return {
        "currency": parcel.currency,
        "from": {"country": origin.country, "name": origin.name, "region": origin.region, "zip": origin.zip},
        "items": [{"quantity": item.quantity, "sku": item.sku, "title": item.title} for item in parcel.items],
        "preference": parcel.delivery_preference,
        "to": dict(sorted(recipient.items())),
        "value": parcel.value,
    }


def verify(callback: Callback) -> Step:
    """The carrier signs the body and puts the signature, in hexadecimal, into a header."""
    signature = next((header.value for header in callback.headers if header.name == "x-signature"), "")
    try:
        given = bytes.fromhex(signature)
    except ValueError:
        given = b""
    if not given:
        return failed(False, "the call is not signed")
    return Step_VerifyHmac(VerifyHmac("callbacks", callback.body, given))


def end(operation: Operation, entry: Entry) -> Outcome:
    """What the answer to a single request means."""
    match operation:
        case Operation_Rates():
            rates = read(entry)["data"][:50]
            offers = [Offer(rate["service"], rate["cost"], rate["currency"], rate.get("arrives")) for rate in rates]
            return Outcome_Offers(offers)
        case Operation_CancelLabel():
            answered(entry)
            return Outcome_Cancelled()
        case Operation_Track():
            return tracking(read(entry))
        case Operation_Query():
            found = read(entry)["data"]
            return Outcome_Label(label(found[0], None)) if found else Outcome_NotFound()
        case _:
            return Outcome_Labels([label(bought, None) for bought in read(entry)["data"]])


def label(bought: dict, document: Document | None) -> Label:
    reference, number = bought["reference"], bought["tracking_number"]
    return Label(reference, bought["id"], number, bought.get("cost"), bought.get("arrives"), document)


def tracking(told: dict) -> Outcome:
    def event(of: dict) -> Tracking:
        status = STATUSES.get(of["status"], Status.IN_TRANSIT)
        at = of["at"] * 1_000_000
        return Tracking(of["tracking_number"], of["id"], at, status, of["text"][:200], of.get("arrives"))

    return Outcome_Tracking([event(of) for of in told["data"][:1000]])


def escaped(text: str) -> str:
    return quote(text, safe="")


def get(config: dict, path: str) -> Step:
    return send(config, "GET", path, None, Safety.SAFE, None)


def send(config: dict, method: str, path: str, body: dict | None, safety: Safety, fill: Escape | None) -> Step:
    headers = [] if body is None else [Header("content-type", "application/json")]
    content = b"" if body is None else json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    url = f"{config['base_url'].rstrip('/')}/v1{path}"
    return Step_Request(Request(method, url, headers, content, safety, Credential_Bearer("api_key"), fill))


def answered(entry: Entry) -> Body:
    """What the carrier answered, where it agreed."""
    if isinstance(entry, Entry_TransportError):
        raise Ended(failed(True, f"no answer came: {entry.value.message}"))
    if not isinstance(entry, Entry_Response):
        raise Ended(failed(False, "the transcript does not fit"))
    status, body = entry.value.status, entry.value.body
    if 200 <= status < 300:
        return body
    if status in (408, 429) or status >= 500:
        raise Ended(failed(True, f"the carrier answered {status}"))
    answer = parsed(body.value) if isinstance(body, Body_Inline) else None
    error = answer.get("error", {}) if isinstance(answer, dict) else {}
    message = error.get("message", f"the carrier answered {status}")
    raise Ended(Step_Declined(Declined(error.get("code", f"http_{status}"), message)))


def read(entry: Entry) -> dict:
    """What the carrier answered, where it is small."""
    body = answered(entry)
    if not isinstance(body, Body_Inline):
        raise Ended(failed(False, "the answer is too large"))
    answer = parsed(body.value)
    if answer is None:
        raise Ended(failed(True, "the carrier's answer cannot be read"))
    return answer


def failed(retryable: bool, message: str) -> Step:
    return Step_Failed(Failed(retryable, message))


def parsed(content: bytes) -> dict | None:
    try:
        return json.loads(content)
    except ValueError:
        return None
