"""Says what shipping costs: a price for each country and each parcel, and nothing from a value on.

Amounts are minor units of the order's currency.

    { "cost": 1490, "countries": {"DE": 490, "AT": 690}, "parcel": 200, "free_from": 5000 }
"""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.delivery import Answer, Input, Offer

DEFAULTS = {"cost": 990, "countries": {}, "parcel": 0, "free_from": None}


class Delivery(exports.Delivery):
    def quote(self, input: Input) -> Answer:
        config = DEFAULTS | json.loads(input.context.config)
        country = input.destination.country
        goods = sum(line.amount for line in input.lines)
        further = max(0, len(input.parcels) - 1)
        is_free = config["free_from"] is not None and goods >= config["free_from"]
        cost = 0 if is_free else config["countries"].get(country, config["cost"]) + further * config["parcel"]
        if cost < 0:
            raise Err(f"shipping to {country} would cost {cost}")
        # A policy that knows how long its carriers take promises a day here.
        return Answer([Offer(input.delivery_preference or "standard", cost, None)])
