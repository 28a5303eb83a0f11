/**
 * Says how much tax is due: a rate for each country, and a reduced one for food.
 *
 * Rates are millionths, so that 19 % is 190000. A country that is not named carries no tax, and a customer with an
 * exemption certificate neither.
 *
 *     { "rates": {"DE": 190000, "AT": 200000}, "food": {"DE": 70000, "AT": 100000}, "name": "VAT" }
 */
import type * as Taxation from "orderwright:policy/taxation@%%wit%%";
import type { Answer, Charge, Input } from "orderwright:policy/taxation@%%wit%%";

/** All of it: a charge is never more than what is taxed. */
const WHOLE = 1_000_000;

interface Config {
  rates: Record<string, number>;
  food: Record<string, number>;
  name: string;
}

const DEFAULTS: Config = {
  rates: { DE: 190_000, AT: 200_000, FR: 200_000 },
  food: { DE: 70_000, AT: 100_000, FR: 55_000 },
  name: "VAT",
};

function assess(input: Input): Answer {
  const config: Config = { ...DEFAULTS, ...JSON.parse(input.context.config) };
  for (const [country, rate] of [...Object.entries(config.rates), ...Object.entries(config.food)]) {
    if (rate > WHOLE) throw `the rate of ${country} is ${rate}, which is more than all of it`;
  }
  const rate = (taxCode: string | null): number => {
    if (input.exemption !== null) return 0;
    const { country } = input.destination;
    const reduced = taxCode === "food" ? config.food[country] : undefined;
    return reduced ?? config.rates[country] ?? 0;
  };
  const charge = (amount: number, ratePpm: number): Charge => ({
    amount: tax(amount, ratePpm, input.pricesIncludeTax),
    ratePpm,
    name: config.name,
  });
  const lines = input.lines.map(({ lineId, amount, taxCode }) => ({ lineId, charge: charge(amount, rate(taxCode)) }));
  return { lines, shipping: charge(input.shipping, rate(null)) };
}

/** Rounded to the nearest minor unit, halves up. The product may be larger than what a number holds exactly. */
function tax(amount: number, ratePpm: number, isIncluded: boolean): number {
  const of = BigInt(isIncluded ? WHOLE + ratePpm : WHOLE);
  return Number((2n * BigInt(amount) * BigInt(ratePpm) + of) / (2n * of));
}

export const taxation: typeof Taxation = { assess };
