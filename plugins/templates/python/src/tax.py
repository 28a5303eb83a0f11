"""Says how much tax is due: a rate for each country, and a reduced one for food.

Rates are millionths, so that 19 % is 190000. A country that is not named carries no tax, and a customer with an
exemption certificate neither.

    { "rates": {"DE": 190000, "AT": 200000}, "food": {"DE": 70000, "AT": 100000}, "name": "VAT" }
"""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.taxation import Answer, Charge, Input, LineTax

# All of it: a charge is never more than what is taxed.
WHOLE = 1_000_000

DEFAULTS = {
    "rates": {"DE": 190_000, "AT": 200_000, "FR": 200_000},
    "food": {"DE": 70_000, "AT": 100_000, "FR": 55_000},
    "name": "VAT",
}


class Taxation(exports.Taxation):
    def assess(self, input: Input) -> Answer:
        config = DEFAULTS | json.loads(input.context.config)
        for country, rate in [*config["rates"].items(), *config["food"].items()]:
            if rate > WHOLE:
                raise Err(f"the rate of {country} is {rate}, which is more than all of it")

        def rate_of(tax_code: str | None) -> int:
            if input.exemption is not None:
                return 0
            country = input.destination.country
            usual = config["rates"].get(country, 0)
            return config["food"].get(country, usual) if tax_code == "food" else usual

        def charge(amount: int, rate_ppm: int) -> Charge:
            return Charge(tax(amount, rate_ppm, input.prices_include_tax), rate_ppm, config["name"])

        lines = [LineTax(line.line_id, charge(line.amount, rate_of(line.tax_code))) for line in input.lines]
        return Answer(lines, charge(input.shipping, rate_of(None)))


def tax(amount: int, rate_ppm: int, is_included: bool) -> int:
    """Rounded to the nearest minor unit, halves up."""
    of = WHOLE + rate_ppm if is_included else WHOLE
    return (2 * amount * rate_ppm + of) // (2 * of)
