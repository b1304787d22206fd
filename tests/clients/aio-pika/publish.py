"""Places an order: an event, as JSON, to its owner's exchange. Prints the order's number."""

import asyncio
import json
import sys
import uuid

from aio_pika import DeliveryMode, Message, connect


async def main(url):
    order = {
        "order_id": str(uuid.uuid4()),
        "customer": {"name": "Grace Hopper", "email": "grace@example.org"},
        "lines": [{"sku": "MUG-BLUE", "quantity": 2}],
        "card": "tok_ok",
    }
    message = Message(
        json.dumps(order).encode(),
        content_type="application/json",
        message_id=str(uuid.uuid4()),
        delivery_mode=DeliveryMode.PERSISTENT,
    )
    async with await connect(url) as connection:
        channel = await connection.channel(on_return_raises=True)
        events = await channel.get_exchange("storefront.events")
        await events.publish(message, "storefront.checkout-submitted")  # returns once a queue has it
    print(order["order_id"])


asyncio.run(main(sys.argv[1]))
