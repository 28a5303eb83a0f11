"""Hands messages over to somebody who delivers them: here a deliverer whose API is like that of many.

    { "base_url": "http://127.0.0.1:8090", "from": "shop@example.com" }

The deliverer's key is the merchant's secret named `api_key`; its calls are signed with the secret named `callbacks`. What
a deliverer of yours calls things is in `hand_over` and in `receipt`. Where text messages are sent, `phone` takes the place
of `email`, here and in pyproject.toml.
"""

import json
from urllib.parse import quote

from wit_world import exports
from wit_world.exports.channel_adapter import (
    Message, Operation, Operation_Callback, Operation_List, Operation_Query, Operation_Send, Outcome_Receipt,
    Outcome_Receipts, Receipt, State, Step, Step_Declined, Step_Done, Step_Failed, Step_Request, Step_VerifyHmac,
)
from wit_world.imports.exchange import (
    Body, Body_Inline, Callback, Credential_Bearer, Declined, Descriptor, Entry, Entry_Response, Entry_TransportError,
    Entry_Verified, Escape, Failed, Header, Request, Safety, VerifyHmac,
)
from wit_world.imports.types import Context

STATES = {"delivered": State.DELIVERED, "bounced": State.BOUNCED}


class Ended(Exception):
    """The step that ends an operation in the middle of something. An adapter itself never raises."""

    def __init__(self, step: Step):
        self.step = step


class ChannelAdapter(exports.ChannelAdapter):
    def describe(self) -> Descriptor:
        # The key lives a minute less than the deliverer promises, for clocks that differ.
        return Descriptor("Idempotency-Key", 24 * 60 * 60 - 60, 30)

    def next_step(self, context: Context, operation: Operation, transcript: list[Entry]) -> Step:
        try:
            return step(json.loads(context.config), context, operation, transcript)
        except Ended as ended:
            return ended.step
        except (KeyError, TypeError, ValueError) as error:
            return failed(False, repr(error))


def step(config: dict, context: Context, operation: Operation, transcript: list[Entry]) -> Step:
    asked, last = operation.value, transcript[-1] if transcript else None
    match operation:
        case Operation_Send():
            if last is None:
                return hand_over(config, asked)
            return Step_Done(Outcome_Receipt(receipt(read(last))))
        case Operation_Query():
            if last is None:
                return get(config, f"/messages?reference={escaped(asked.message_id)}")
            found = read(last)["data"]
            unknown = Receipt(asked.message_id, "", State.NOT_FOUND, context.now)
            return Step_Done(Outcome_Receipt(receipt(found[0]) if found else unknown))
        case Operation_List():
            if last is None:
                return get(config, f"/messages?since={asked // 1_000_000}")
            return receipts(read(last))
        case _:
            return called(asked, last)


def called(callback: Callback, last: Entry | None) -> Step:
    if last is None:
        return verify(callback)
    if not isinstance(last, Entry_Verified) or not last.value:
        return failed(False, "the signature is wrong")
    told = parsed(callback.body)
    return failed(False, "the call cannot be read") if told is None else receipts(told)


def hand_over(config: dict, message: Message) -> Step:
    """The request with the message. What names a person is filled in by the host, in the text as well."""
    body = {
        "from": config.get("from"),
        "html": message.html,
        "reference": message.message_id,
        "subject": message.subject,
        "text": message.text,
        "to": message.address or "{{email}}",
    }
    return send(config, "POST", "/messages", body, Safety.IDEMPOTENT, Escape.JSON)


def receipts(told: dict) -> Step:
    return Step_Done(Outcome_Receipts([receipt(kept) for kept in told["data"][:1000]]))


def receipt(kept: dict) -> Receipt:
    state = STATES.get(kept["state"], State.ACCEPTED)
    return Receipt(kept["reference"], kept["id"], state, kept["at"] * 1_000_000)


def verify(callback: Callback) -> Step:
    """The deliverer signs the body and puts the signature, in hexadecimal, into a header."""
    signature = next((header.value for header in callback.headers if header.name == "x-signature"), "")
    try:
        given = bytes.fromhex(signature)
    except ValueError:
        given = b""
    if not given:
        return failed(False, "the call is not signed")
    return Step_VerifyHmac(VerifyHmac("callbacks", callback.body, given))


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
    """What the deliverer answered, where it agreed."""
    if isinstance(entry, Entry_TransportError):
        raise Ended(failed(True, f"no answer came: {entry.value.message}"))
    if not isinstance(entry, Entry_Response):
        raise Ended(failed(False, "the transcript does not fit"))
    status, body = entry.value.status, entry.value.body
    if 200 <= status < 300:
        return body
    if status in (408, 429) or status >= 500:
        raise Ended(failed(True, f"the deliverer answered {status}"))
    answer = parsed(body.value) if isinstance(body, Body_Inline) else None
    error = answer.get("error", {}) if isinstance(answer, dict) else {}
    message = error.get("message", f"the deliverer answered {status}")
    raise Ended(Step_Declined(Declined(error.get("code", f"http_{status}"), message)))


def read(entry: Entry) -> dict:
    """What the deliverer answered, where it is small."""
    body = answered(entry)
    if not isinstance(body, Body_Inline):
        raise Ended(failed(False, "the answer is too large"))
    answer = parsed(body.value)
    if answer is None:
        raise Ended(failed(True, "the deliverer's answer cannot be read"))
    return answer


def failed(retryable: bool, message: str) -> Step:
    return Step_Failed(Failed(retryable, message))


def parsed(content: bytes) -> dict | None:
    try:
        return json.loads(content)
    except ValueError:
        return None
