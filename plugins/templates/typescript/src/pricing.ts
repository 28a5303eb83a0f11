/**
 * Takes discounts off: a percentage of the whole order for each code that a customer enters.
 *
 * Percentages are whole. A code counts once, and nothing costs less than nothing.
 *
 *     { "codes": {"SPRING": 10, "WELCOME": 5} }
 */
import { write } from "orderwright:policy/log@%%wit%%";
import type * as Promotion from "orderwright:policy/promotion@%%wit%%";
import type { Answer, Discount, Input } from "orderwright:policy/promotion@%%wit%%";

interface Config {
  codes?: Record<string, number>;
}

function promote(input: Input): Answer {
  const config: Config = JSON.parse(input.context.config);
  const codes = Object.entries(config.codes ?? {}).sort();
  for (const [code, percent] of codes) {
    if (percent < 0 || percent > 100) throw `${code} takes ${percent} % off, which is not possible`;
  }
  const known = new Map(codes);
  const goods = input.lines.reduce((sum, line) => sum + line.price * line.quantity, 0);
  let left = goods;
  const order: Discount[] = [];
  for (const code of new Set(input.discountCodes)) {
    const percent = known.get(code);
    if (percent === undefined) continue;
    const amount = Math.min(Math.floor(goods / 100) * percent + Math.floor(((goods % 100) * percent) / 100), left);
    left -= amount;
    order.push({ amount, name: `${percent} % off`, code });
  }
  write("info", `${goods - left} of ${goods} taken off`);
  return { lines: [], order };
}

export const promotion: typeof Promotion = { promote };
