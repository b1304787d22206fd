"""Places an order: an event, as JSON, to its owner's exchange. Prints the order's number."""

import asyncio
import sys
import uuid

from faststream.rabbit import RabbitBroker


async def main(url):
    order = {
        "order_id": str(uuid.uuid4()),
        "customer": {"name": "Grace Hopper", "email": "grace@example.org"},
        "lines": [{"sku": "MUG-BLUE", "quantity": 2}],
        "card": "tok_ok",
    }
    async with RabbitBroker(url) as broker:
        await broker.publish(
            order,
            exchange="storefront.events",
            routing_key="storefront.checkout-submitted",
            message_id=str(uuid.uuid4()),
            persist=True,
        )
    print(order["order_id"])


asyncio.run(main(sys.argv[1]))
