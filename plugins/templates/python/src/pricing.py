"""Takes discounts off: a percentage of the whole order for each code that a customer enters.

Percentages are whole. A code counts once, and nothing costs less than nothing.

    { "codes": {"SPRING": 10, "WELCOME": 5} }
"""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.promotion import Answer, Discount, Input
from wit_world.imports import log


class Promotion(exports.Promotion):
    def promote(self, input: Input) -> Answer:
        codes = json.loads(input.context.config).get("codes", {})
        for code, percent in sorted(codes.items()):
            if not 0 <= percent <= 100:
                raise Err(f"{code} takes {percent} % off, which is not possible")
        goods = sum(line.price * line.quantity for line in input.lines)
        left = goods
        order = []
        for code in dict.fromkeys(input.discount_codes):
            percent = codes.get(code)
            if percent is None:
                continue
            amount = min(goods * percent // 100, left)
            left -= amount
            order.append(Discount(amount, f"{percent} % off", code))
        log.write(log.Level.INFO, f"{goods - left} of {goods} taken off")
        return Answer([], order)
