/**
 * Decides which warehouse ships which line.
 *
 * One warehouse that has everything is best, the one with the lowest priority number first. Where none has, it is taken
 * from several in the same order. The configuration names warehouses to turn to last:
 *
 *     { "avoid": ["WH-LAX"] }
 */
import { write } from "orderwright:policy/log@%%wit%%";
import type * as Route from "orderwright:policy/route@%%wit%%";
import type { Allocation, Answer, Input, Line, Plan, Warehouse } from "orderwright:policy/route@%%wit%%";

/** The host looks at no more than this. */
const PLANS = 4;

interface Config {
  avoid?: string[];
}

/** Units by SKU, by warehouse. */
type Stock = Map<string, Map<string, number>>;

function planShipments(input: Input): Answer {
  const config: Config = JSON.parse(input.context.config);
  const avoided = new Set(config.avoid ?? []);
  const rank = (warehouse: Warehouse) => (avoided.has(warehouse.warehouseId) ? 1 : 0);
  const byName = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  const warehouses = [...input.warehouses].sort(
    (a, b) => rank(a) - rank(b) || a.priority - b.priority || byName(a.warehouseId, b.warehouseId),
  );
  const stock: Stock = new Map();
  for (const { sku, warehouseId, available } of input.stock) {
    const held = stock.get(warehouseId) ?? new Map<string, number>();
    stock.set(warehouseId, held.set(sku, available));
  }

  const plans: Plan[] = [];
  for (const warehouse of warehouses) {
    const plan = plans.length < PLANS ? cover(input.lines, [warehouse], stock) : undefined;
    if (plan) plans.push(plan);
  }
  if (plans.length === 0) {
    const plan = cover(input.lines, warehouses, stock);
    if (plan) plans.push(plan);
  }
  write("info", `${plans.length} plans for ${input.lines.length} lines`);
  return { plans };
}

/** Takes every line from the first warehouses that have it; nothing where that does not suffice. */
function cover(lines: Line[], warehouses: Warehouse[], stock: Stock): Plan | undefined {
  const places = warehouses.map((warehouse) => ({ ...warehouse, left: new Map(stock.get(warehouse.warehouseId)) }));
  const allocations: Allocation[] = [];
  for (const { lineId, sku, quantity: ordered, sellerId } of lines) {
    let missing = ordered;
    for (const place of places) {
      // A seller's line is shipped from that seller's own warehouses.
      if (place.sellerId !== sellerId) continue;
      const available = place.left.get(sku) ?? 0;
      const quantity = Math.min(missing, available);
      if (quantity > 0) {
        place.left.set(sku, available - quantity);
        missing -= quantity;
        allocations.push({ lineId, warehouseId: place.warehouseId, quantity });
      }
    }
    if (missing > 0) return undefined;
  }
  return { allocations };
}

export const route: typeof Route = { planShipments };
