/**
 * Says what shipping costs: a price for each country and each parcel, and nothing from a value on.
 *
 * Amounts are minor units of the order's currency.
 *
 *     { "cost": 1490, "countries": {"DE": 490, "AT": 690}, "parcel": 200, "free_from": 5000 }
 */
import type * as Delivery from "orderwright:policy/delivery@%%wit%%";
import type { Answer, Input } from "orderwright:policy/delivery@%%wit%%";

interface Config {
  cost: number;
  countries: Record<string, number>;
  parcel: number;
  free_from?: number;
}

const DEFAULTS: Config = { cost: 990, countries: {}, parcel: 0 };

function quote(input: Input): Answer {
  const config: Config = { ...DEFAULTS, ...JSON.parse(input.context.config) };
  const { country } = input.destination;
  const goods = input.lines.reduce((sum, line) => sum + line.amount, 0);
  const further = Math.max(0, input.parcels.length - 1);
  const isFree = config.free_from !== undefined && goods >= config.free_from;
  const cost = isFree ? 0 : (config.countries[country] ?? config.cost) + further * config.parcel;
  if (cost < 0) throw `shipping to ${country} would cost ${cost}`;
  // A policy that knows how long its carriers take promises a day here.
  return { options: [{ service: input.deliveryPreference ?? "standard", cost, arrives: null }] };
}

export const delivery: typeof Delivery = { quote };
