/**
 * Tells customers what has happened: a text for each event, sent by the binding that the configuration names.
 *
 * `{order}` is the order's number here, and `{{name}}` becomes the customer's name when the message is sent. An event
 * without a text leads to no message.
 *
 *     { "channel": "email", "texts": {"order.cancelled": {"subject": "Sorry", "text": "Dear {{name}}, {order} is cancelled."}} }
 */
import type * as Announcement from "orderwright:policy/announcement@%%wit%%";
import type { Answer, Input } from "orderwright:policy/announcement@%%wit%%";

interface Text {
  subject: string;
  text: string;
}

interface Config {
  channel: string;
  texts: Record<string, Text>;
}

const DEFAULTS: Config = {
  channel: "email",
  texts: { "order.placed": { subject: "Your order", text: "Dear {{name}}, thank you for your order {order}." } },
};

function announce(input: Input): Answer {
  const config: Config = { ...DEFAULTS, ...JSON.parse(input.context.config) };
  const text = config.texts[input.event.name];
  if (text === undefined) return { messages: [] };
  const fill = (template: string) => template.replaceAll("{order}", input.order.externalId ?? input.order.orderId);
  const { subject, text: body } = text;
  return {
    messages: [
      { channel: config.channel, to: { tag: "customer" }, subject: fill(subject), text: fill(body), html: null },
    ],
  };
}

export const announcement: typeof Announcement = { announce };
