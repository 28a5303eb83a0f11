"""Decides whether an order may be placed: large ones wait for a person, blocked e-mail domains are refused.

Totals are minor units of the order's currency. What is not configured is not looked at.

    { "review_total": 50000, "review_quantity": 20, "blocked_domains": ["mailinator.com"] }
"""

import json

from wit_world import exports
from wit_world.exports.screening import Answer, Input, Verdict
from wit_world.imports import log


class Screening(exports.Screening):
    def screen(self, input: Input) -> Answer:
        config = json.loads(input.context.config)
        domain = (input.email_domain or "").lower()
        if domain in config.get("blocked_domains", []):
            return Answer(Verdict.REJECT, 1000, ["the e-mail domain is blocked"])
        reasons = []
        limit = config.get("review_total")
        if limit is not None and input.total >= limit:
            reasons.append("the total is large")
        most = max((line.quantity for line in input.lines), default=0)
        limit = config.get("review_quantity")
        if limit is not None and most >= limit:
            reasons.append(f"{most} units of one article")
        score = 500 if reasons else 0
        log.write(log.Level.INFO, f"{len(input.lines)} lines, score {score}")
        return Answer(Verdict.REVIEW if reasons else Verdict.ACCEPT, score, reasons)
