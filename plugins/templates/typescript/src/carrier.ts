/**
 * Speaks to a carrier with a JSON API like that of many: labels are bought, tracked and given back by it.
 *
 *     { "base_url": "https://api.carrier.example" }
 *
 * The carrier's key is the merchant's secret named `api_key`; its calls are signed with the secret named `callbacks`.
 * What a carrier of yours calls things is in the interfaces below and in `begin`.
 */
import type * as Adapter from "orderwright:policy/carrier-adapter@%%wit%%";
import type { Label, LabelOrder, Operation, Outcome, Parcel } from "orderwright:policy/carrier-adapter@%%wit%%";
import type { Status, Step } from "orderwright:policy/carrier-adapter@%%wit%%";
import type { Body, Callback, Declined, Descriptor, Entry, Escape, Safety } from "orderwright:policy/exchange@%%wit%%";
import type { Context } from "orderwright:policy/types@%%wit%%";

interface Config {
  base_url: string;
}

/** A label as the carrier describes it. */
interface Bought {
  id: string;
  /** Our shipment. */
  reference: string;
  tracking_number: string;
  cost?: number;
  arrives?: string;
}

/** An event as the carrier describes it. */
interface Told {
  id: string;
  tracking_number: string;
  /** Seconds since 1970. */
  at: number;
  status: string;
  text: string;
  arrives?: string;
}

/** An offer as the carrier describes it. */
interface Rate {
  service: string;
  cost: number;
  currency: string;
  arrives?: string;
}

const STATUSES: Record<string, Status> = {
  out_for_delivery: "out-for-delivery",
  delivered: "delivered",
  returning: "returning",
  failed: "exception",
};

function describe(): Descriptor {
  // The key lives a minute less than the carrier promises, for clocks that differ.
  return { idempotencyHeader: "Idempotency-Key", idempotencyTtlSeconds: 24 * 60 * 60 - 60, settleAfterSeconds: 60 };
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

function step(config: Config, _context: Context, operation: Operation, transcript: Entry[]): Step {
  const [first, second] = transcript;
  if (first === undefined) return begin(config, operation);
  switch (operation.tag) {
    case "callback":
      if (first.tag !== "verified" || !first.val) return failed(false, "the signature is wrong");
      return told(operation.val);
    case "buy-label": {
      const bought = read<Bought>(first);
      if (second === undefined) return get(config, `/labels/${encodeURIComponent(bought.id)}/document`);
      const printed = answered(second);
      const content: Adapter.Content =
        printed.tag === "inline" ? printed : { tag: "blob", val: { handle: printed.val.handle, pointer: null } };
      return done({ tag: "label", val: { ...label(bought), document: { mediaType: "application/pdf", content } } });
    }
    default:
      return done(end(operation, first));
  }
}

/** The first step of an operation. */
function begin(config: Config, operation: Operation): Step {
  switch (operation.tag) {
    case "rates":
      return send(config, "POST", "/rates", parcelOf(operation.val, {}), "safe", null);
    case "buy-label":
      return buy(config, operation.val);
    case "cancel-label":
      return send(config, "DELETE", `/labels/${encodeURIComponent(operation.val.reference)}`, null, "idempotent", null);
    case "track":
      return get(config, `/tracking/${encodeURIComponent(operation.val.trackingNumber)}`);
    case "query":
      return get(config, `/labels?reference=${encodeURIComponent(operation.val.shipmentId)}`);
    case "list":
      return get(config, `/labels?since=${Math.floor(operation.val / 1_000_000)}`);
    case "callback":
      return verify(operation.val);
  }
}

function buy(config: Config, { parcel, service }: LabelOrder): Step {
  const { currency, from, items, preference, to, value } = parcelOf(parcel, { name: "{{name}}", street: "{{street}}" });
  const body = { currency, from, items, preference, reference: parcel.shipmentId, service, to, value };
  return send(config, "POST", "/labels", body, "idempotent", "json");
}

/** The parcel, with what the host fills in of its recipient. */
function parcelOf(parcel: Parcel, { name, street }: { name?: string; street?: string }) {
  const { country, name: warehouse, region, zip } = parcel.origin;
  const to = parcel.destination;
  return {
    currency: parcel.currency,
    from: { country, name: warehouse, region, zip },
    items: parcel.items.map(({ quantity, sku, title }) => ({ quantity, sku, title })),
    preference: parcel.deliveryPreference,
    to: { city: to.city, country: to.country, name, region: to.region, street, zip: to.zip },
    value: parcel.value,
  };
}

/** The carrier signs the body and puts the signature, in hexadecimal, into a header. */
function verify({ headers, body }: Callback): Step {
  const hex = headers.find((header) => header.name === "x-signature")?.value ?? "";
  if (!/^([0-9a-f]{2})+$/i.test(hex)) return failed(false, "the call is not signed");
  const given = Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  return { tag: "verify-hmac", val: { secret: "callbacks", signed: body, given } };
}

/** What the answer to a single request means. */
function end(operation: Operation, entry: Entry): Outcome {
  switch (operation.tag) {
    case "rates": {
      const { data } = read<{ data: Rate[] }>(entry);
      return { tag: "offers", val: data.slice(0, 50).map((rate) => ({ ...rate, arrives: rate.arrives ?? null })) };
    }
    case "cancel-label":
      answered(entry);
      return { tag: "cancelled" };
    case "track":
      return tracking(read<{ data: Told[] }>(entry));
    case "query": {
      const [bought] = read<{ data: Bought[] }>(entry).data;
      return bought === undefined ? { tag: "not-found" } : { tag: "label", val: label(bought) };
    }
    case "list":
      return { tag: "labels", val: read<{ data: Bought[] }>(entry).data.map(label) };
    default:
      throw failed(false, "the transcript does not fit");
  }
}

function label({ id, reference, tracking_number, cost, arrives }: Bought): Label {
  return {
    shipmentId: reference,
    reference: id,
    trackingNumber: tracking_number,
    cost: cost ?? null,
    arrives: arrives ?? null,
    document: null,
  };
}

/** What a call of the carrier's tells. */
function told({ body }: Callback): Step {
  const events = parsed<{ data: Told[] }>(body);
  return events === undefined ? failed(false, "the call cannot be read") : done(tracking(events));
}

function tracking({ data }: { data: Told[] }): Outcome {
  const events = data.slice(0, 1000).map((event) => ({
    trackingNumber: event.tracking_number,
    id: event.id,
    at: event.at * 1_000_000,
    status: STATUSES[event.status] ?? "in-transit",
    text: [...event.text].slice(0, 200).join(""),
    arrives: event.arrives ?? null,
  }));
  return { tag: "tracking", val: events };
}

function done(outcome: Outcome): Step {
  return { tag: "done", val: outcome };
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

/** What the carrier answered, where it agreed; what is thrown is the step that ends the operation. */
function answered(entry: Entry): Body {
  if (entry.tag === "transport-error") throw failed(true, `no answer came: ${entry.val.message}`);
  if (entry.tag !== "response") throw failed(false, "the transcript does not fit");
  const { status, body } = entry.val;
  if (status >= 200 && status < 300) return body;
  if (status === 408 || status === 429 || status >= 500) throw failed(true, `the carrier answered ${status}`);
  const error = body.tag === "inline" ? parsed<{ error?: Partial<Declined> }>(body.val)?.error : undefined;
  const code = error?.code ?? `http_${status}`;
  throw { tag: "declined", val: { code, message: error?.message ?? `the carrier answered ${status}` } } satisfies Step;
}

/** What the carrier answered, where it is small. */
function read<T>(entry: Entry): T {
  const body = answered(entry);
  if (body.tag === "blob") throw failed(false, "the answer is too large");
  const answer = parsed<T>(body.val);
  if (answer === undefined) throw failed(true, "the carrier's answer cannot be read");
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

export const carrierAdapter: typeof Adapter = { describe, nextStep };
