/**
 * Hands messages over to somebody who delivers them: here a deliverer whose API is like that of many.
 *
 *     { "base_url": "http://127.0.0.1:8090", "from": "shop@example.com" }
 *
 * The deliverer's key is the merchant's secret named `api_key`; its calls are signed with the secret named `callbacks`.
 * What a deliverer of yours calls things is in `Kept` and in `handOver`. Where text messages are sent, `phone` takes the
 * place of `email`, here and in package.json.
 */
import type * as Adapter from "orderwright:policy/channel-adapter@%%wit%%";
import type { Message, Operation, Outcome, Receipt, State, Step } from "orderwright:policy/channel-adapter@%%wit%%";
import type { Body, Callback, Declined, Descriptor, Entry, Escape, Safety } from "orderwright:policy/exchange@%%wit%%";
import type { Context } from "orderwright:policy/types@%%wit%%";

interface Config {
  base_url: string;
  from?: string;
}

/** A message as the deliverer describes it. */
interface Kept {
  id: string;
  /** Our message. */
  reference: string;
  state: string;
  /** Seconds since 1970. */
  at: number;
}

const STATES: Record<string, State> = { delivered: "delivered", bounced: "bounced" };

function describe(): Descriptor {
  // The key lives a minute less than the deliverer promises, for clocks that differ.
  return { idempotencyHeader: "Idempotency-Key", idempotencyTtlSeconds: 24 * 60 * 60 - 60, settleAfterSeconds: 30 };
}

function nextStep(context: Context, operation: Operation, transcript: Entry[]): Step {
  try {
    return step(JSON.parse(context.config) as Config, context, operation, transcript);
  } catch (thrown) {
    // Steps are thrown where they end an operation in the middle of a sentence; an adapter itself never throws.
    if (thrown instanceof Error) return failed(false, thrown.message);
    return thrown as Step;
  }
}

function step(config: Config, context: Context, operation: Operation, transcript: Entry[]): Step {
  const last = transcript.at(-1);
  switch (operation.tag) {
    case "send":
      return last === undefined ? handOver(config, operation.val) : receiptOf(read<Kept>(last));
    case "query": {
      const { messageId } = operation.val;
      if (last === undefined) return get(config, `/messages?reference=${encodeURIComponent(messageId)}`);
      const [found] = read<{ data: Kept[] }>(last).data;
      if (found !== undefined) return receiptOf(found);
      return done({ tag: "receipt", val: { messageId, reference: "", state: "not-found", at: context.now } });
    }
    case "list":
      if (last === undefined) return get(config, `/messages?since=${Math.floor(operation.val / 1_000_000)}`);
      return receiptsOf(read<{ data: Kept[] }>(last).data);
    case "callback": {
      if (last === undefined) return verify(operation.val);
      if (last.tag !== "verified" || !last.val) return failed(false, "the signature is wrong");
      const told = parsed<{ data: Kept[] }>(operation.val.body);
      return told === undefined ? failed(false, "the call cannot be read") : receiptsOf(told.data);
    }
  }
}

/** The request with the message. What names a person is filled in by the host, in the text as well. */
function handOver(config: Config, message: Message): Step {
  const body = {
    from: config.from ?? null,
    html: message.html,
    reference: message.messageId,
    subject: message.subject,
    text: message.text,
    to: message.address ?? "{{email}}",
  };
  return send(config, "POST", "/messages", body, "idempotent", "json");
}

function receiptsOf(kept: Kept[]): Step {
  return done({ tag: "receipts", val: kept.slice(0, 1000).map(receipt) });
}

function receiptOf(kept: Kept): Step {
  return done({ tag: "receipt", val: receipt(kept) });
}

function receipt({ id, reference, state, at }: Kept): Receipt {
  return { messageId: reference, reference: id, state: STATES[state] ?? "accepted", at: at * 1_000_000 };
}

function done(outcome: Outcome): Step {
  return { tag: "done", val: outcome };
}

/** The deliverer signs the body and puts the signature, in hexadecimal, into a header. */
function verify({ headers, body }: Callback): Step {
  const hex = headers.find((header) => header.name === "x-signature")?.value ?? "";
  if (!/^([0-9a-f]{2})+$/i.test(hex)) return failed(false, "the call is not signed");
  const given = Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  return { tag: "verify-hmac", val: { secret: "callbacks", signed: body, given } };
}

function get(config: Config, path: string): Step {
  return send(config, "GET", path, null, "safe", null);
}

function send(config: Config, method: string, path: string, body: unknown, safety: Safety, fill: Escape | null): Step {
  const headers = body === null ? [] : [{ name: "content-type", value: "application/json" }];
  return {
    tag: "request",
    val: {
      method,
      url: `${config.base_url.replace(/\/+$/, "")}/v1${path}`,
      headers,
      body: body === null ? new Uint8Array() : utf8(JSON.stringify(body)),
      safety,
      credential: { tag: "bearer", val: "api_key" },
      fill,
    },
  };
}

/** What the deliverer answered, where it agreed; what is thrown is the step that ends the operation. */
function answered(entry: Entry): Body {
  if (entry.tag === "transport-error") throw failed(true, `no answer came: ${entry.val.message}`);
  if (entry.tag !== "response") throw failed(false, "the transcript does not fit");
  const { status, body } = entry.val;
  if (status >= 200 && status < 300) return body;
  if (status === 408 || status === 429 || status >= 500) throw failed(true, `the deliverer answered ${status}`);
  const error = body.tag === "inline" ? parsed<{ error?: Partial<Declined> }>(body.val)?.error : undefined;
  const code = error?.code ?? `http_${status}`;
  throw { tag: "declined", val: { code, message: error?.message ?? `the deliverer answered ${status}` } } satisfies Step;
}

/** What the deliverer answered, where it is small. */
function read<T>(entry: Entry): T {
  const body = answered(entry);
  if (body.tag === "blob") throw failed(false, "the answer is too large");
  const answer = parsed<T>(body.val);
  if (answer === undefined) throw failed(true, "the deliverer's answer cannot be read");
  return answer;
}

function failed(retryable: boolean, message: string): Step {
  return { tag: "failed", val: { retryable, message } };
}

function parsed<T>(bytes: Uint8Array): T | undefined {
  try {
    return JSON.parse(text(bytes)) as T;
  } catch {
    return undefined;
  }
}

// There is no TextEncoder here: percent signs do as well.
function utf8(text: string): Uint8Array {
  const byte = (_: string, hex: string) => String.fromCharCode(parseInt(hex, 16));
  const escaped = encodeURIComponent(text).replace(/%(..)/g, byte);
  return Uint8Array.from(escaped, (char) => char.charCodeAt(0));
}

function text(bytes: Uint8Array): string {
  let escaped = "";
  for (const byte of bytes) escaped += `%${byte.toString(16).padStart(2, "0")}`;
  return decodeURIComponent(escaped);
}

export const channelAdapter: typeof Adapter = { describe, nextStep };
