"""Tells customers what has happened: a text for each event, sent by the binding that the configuration names.

`{order}` is the order's number here, and `{{name}}` becomes the customer's name when the message is sent. An event
without a text leads to no message.

    { "channel": "email", "texts": {"order.cancelled": {"subject": "Sorry", "text": "Dear {{name}}, {order} is cancelled."}} }
"""

import json

from wit_world import exports
from wit_world.exports.announcement import Answer, Input, Message, Recipient_Customer

DEFAULTS = {
    "channel": "email",
    "texts": {"order.placed": {"subject": "Your order", "text": "Dear {{name}}, thank you for your order {order}."}},
}


class Announcement(exports.Announcement):
    def announce(self, input: Input) -> Answer:
        config = DEFAULTS | json.loads(input.context.config)
        text = config["texts"].get(input.event.name)
        if text is None:
            return Answer([])
        number = input.order.external_id or input.order.order_id

        def fill(template: str) -> str:
            return template.replace("{order}", number)

        message = Message(config["channel"], Recipient_Customer(), fill(text["subject"]), fill(text["text"]), None)
        return Answer([message])
