/**
 * Speaks to a payment provider: here the sandbox that `orderwright dev` starts, whose API is like that of many.
 *
 *     { "base_url": "http://127.0.0.1:8090" }
 *
 * The provider's key is the merchant's secret named `api_key`. An operation is a request or two: the transcript says how
 * far it is. What a provider of yours calls things is in `Intent` and in `begin`.
 */
import type * as Adapter from "orderwright:policy/payment-adapter@%%wit%%";
import type { Operation, State, Step } from "orderwright:policy/payment-adapter@%%wit%%";
import type { Declined, Descriptor, Entry, Safety } from "orderwright:policy/exchange@%%wit%%";
import type { Context } from "orderwright:policy/types@%%wit%%";

interface Config {
  base_url: string;
}

/** A payment as the provider describes it. */
interface Intent {
  id: string;
  status: string;
  amount: number;
  amount_received?: number;
  amount_refunded?: number;
}

/** What the provider answers: a payment, a list of them, or a refusal, which may show the payment as it is. */
interface Answer extends Partial<Intent> {
  data?: Intent[];
  error?: Partial<Declined> & { payment_intent?: Intent };
}

/** The pause before a payment that is under way is asked for again, in microseconds. */
const PAUSE = 5_000_000;

function describe(): Descriptor {
  // The key lives a minute less than the provider promises, for clocks that differ.
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
  if (last === undefined) return begin(config, operation);
  if (last.tag === "waited") {
    const known = transcript.findLast((entry) => entry.tag === "response");
    const intent = known && answer(known);
    return intent ? get(config, `/${intent.id}`) : failed(false, "the transcript does not fit");
  }
  const intent = answer(last);
  if (intent === undefined) {
    if (operation.tag !== "query") return failed(true, "the provider does not know the payment");
    const { reference, paymentId } = operation.val;
    return done(reference ?? paymentId, "not-found", 0);
  }
  // Its name was not known, and has been looked for first.
  if (operation.tag === "void" && operation.val.reference === "" && transcript.length === 1) {
    return ["canceled", "failed"].includes(intent.status) ? end(operation, intent) : cancel(config, intent.id);
  }
  if (intent.status === "processing") return { tag: "wait", val: { until: context.now + PAUSE, callback: false } };
  return end(operation, intent);
}

/** The first request of an operation. */
function begin(config: Config, operation: Operation): Step {
  switch (operation.tag) {
    case "authorize": {
      const { amount, currency, orderId, paymentId, paymentMethodId } = operation.val;
      const body = {
        amount,
        capture_method: "manual",
        currency,
        metadata: { order_id: orderId },
        payment_method: paymentMethodId,
        reference: paymentId,
      };
      return post(config, "/payment_intents", body);
    }
    case "capture": {
      const { reference, amount } = operation.val;
      return post(config, `/payment_intents/${encodeURIComponent(reference)}/capture`, { amount_to_capture: amount });
    }
    case "void":
      if (operation.val.reference === "") return get(config, byReference(operation.val.paymentId));
      return cancel(config, operation.val.reference);
    case "refund": {
      const { amount, reference } = operation.val.payment;
      return post(config, "/refunds", { amount, payment_intent: reference });
    }
    case "query": {
      const { paymentId, reference } = operation.val;
      return get(config, reference === null ? byReference(paymentId) : `/${encodeURIComponent(reference)}`);
    }
    case "list":
      return failed(false, "this adapter lists nothing");
    case "callback":
      return failed(false, "this provider makes no callbacks");
  }
}

/** What a payment that is not under way any more means for an operation. */
function end(operation: Operation, intent: Intent): Step {
  const { id, status, amount, amount_received = 0, amount_refunded = 0 } = intent;
  switch (operation.tag) {
    case "authorize":
      if (["requires_capture", "succeeded"].includes(status)) return done(id, "authorized", amount);
      return declined(status, `the payment is ${status}`);
    case "query":
      if (status === "requires_capture") return done(id, "authorized", amount);
      if (status === "succeeded" && amount_refunded > 0) return done(id, "refunded", amount_refunded);
      if (status === "succeeded") return done(id, "captured", amount_received);
      if (status === "canceled") return done(id, "voided", amount);
      return declined(status, `the payment is ${status}`);
    case "capture":
      if (status === "succeeded") return done(id, "captured", Math.min(amount_received, operation.val.amount));
      break;
    case "void":
      if (["canceled", "failed"].includes(status)) return done(id, "voided", operation.val.amount);
      break;
    case "refund":
      if (status === "succeeded") return done(id, "refunded", operation.val.payment.amount);
      break;
  }
  return failed(false, `the payment is ${status}`);
}

function done(reference: string, state: State, amount: number): Step {
  return { tag: "done", val: { reference, state, amount } };
}

function declined(code: string, message: string): Step {
  return { tag: "declined", val: { code, message } };
}

function cancel(config: Config, id: string): Step {
  return post(config, `/payment_intents/${encodeURIComponent(id)}/cancel`, {});
}

function byReference(paymentId: string): string {
  return `?reference=${encodeURIComponent(paymentId)}`;
}

/** A request that moves money: the host adds the idempotency key. */
function post(config: Config, path: string, body: object): Step {
  return send(config, "POST", path, utf8(JSON.stringify(body)), "idempotent");
}

/** A question about payments. */
function get(config: Config, rest: string): Step {
  return send(config, "GET", `/payment_intents${rest}`, new Uint8Array(), "safe");
}

function send(config: Config, method: string, path: string, body: Uint8Array, safety: Safety): Step {
  const names = body.length === 0 ? ["accept"] : ["accept", "content-type"];
  return {
    tag: "request",
    val: {
      method,
      url: `${config.base_url.replace(/\/+$/, "")}/v1${path}`,
      headers: names.map((name) => ({ name, value: "application/json" })),
      body,
      safety,
      credential: { tag: "bearer", val: "api_key" },
      fill: null,
    },
  };
}

/** Reads what came of a request: a payment, the first of a list, or none where it is unknown. A refusal is thrown. */
function answer(entry: Entry): Intent | undefined {
  if (entry.tag === "transport-error") throw failed(true, `no answer came: ${entry.val.message}`);
  if (entry.tag !== "response") throw failed(false, "the transcript does not fit");
  const { status, body } = entry.val;
  if (body.tag === "blob") throw failed(false, "the answer is too large");
  const found = parsed<Answer>(body.val);
  if (found === undefined) throw failed(status >= 500, `the provider answered ${status}`);
  if (status >= 200 && status < 300) return found.data ? found.data[0] : (found as Intent);
  if (status === 404) return undefined;
  const { code = "", message = "", payment_intent } = found.error ?? {};
  if (status === 402) throw declined(code, message);
  // Done before: the refusal shows the payment as it is.
  if (code === "payment_intent_unexpected_state" && payment_intent) return payment_intent;
  throw failed([408, 409, 429].includes(status) || status >= 500, message);
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

export const paymentAdapter: typeof Adapter = { describe, nextStep };
