"""Decides which warehouse ships which line.

One warehouse that has everything is best, the one with the lowest priority number first. Where none has, it is taken
from several in the same order. The configuration names warehouses to turn to last:

    { "avoid": ["WH-LAX"] }
"""

import json

from wit_world import exports
from wit_world.exports.route import Allocation, Answer, Input, Line, Plan, Warehouse
from wit_world.imports import log

# The host looks at no more than this.
PLANS = 4

# Units by SKU, by warehouse.
Stock = dict[str, dict[str, int]]


class Route(exports.Route):
    def plan_shipments(self, input: Input) -> Answer:
        avoid = json.loads(input.context.config).get("avoid", [])
        warehouses = sorted(input.warehouses, key=lambda w: (w.warehouse_id in avoid, w.priority, w.warehouse_id))
        stock: Stock = {}
        for entry in input.stock:
            stock.setdefault(entry.warehouse_id, {})[entry.sku] = entry.available

        alone = (cover(input.lines, [warehouse], stock) for warehouse in warehouses)
        plans = [plan for plan in alone if plan][:PLANS]
        if not plans:
            plan = cover(input.lines, warehouses, stock)
            plans = [plan] if plan else []
        log.write(log.Level.INFO, f"{len(plans)} plans for {len(input.lines)} lines")
        return Answer(plans)


def cover(lines: list[Line], warehouses: list[Warehouse], stock: Stock) -> Plan | None:
    """Takes every line from the first warehouses that have it; None where that does not suffice."""
    places = [(warehouse, dict(stock.get(warehouse.warehouse_id, {}))) for warehouse in warehouses]
    allocations = []
    for line in lines:
        missing = line.quantity
        for warehouse, left in places:
            # A seller's line is shipped from that seller's own warehouses.
            if warehouse.seller_id != line.seller_id:
                continue
            quantity = min(missing, left.get(line.sku, 0))
            if quantity > 0:
                left[line.sku] -= quantity
                missing -= quantity
                allocations.append(Allocation(line.line_id, warehouse.warehouse_id, quantity))
        if missing > 0:
            return None
    return Plan(allocations)
