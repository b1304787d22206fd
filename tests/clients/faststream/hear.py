"""Hears of every confirmed order, in a queue of its own. Prints their numbers."""

import asyncio
import sys

from faststream import FastStream
from faststream.rabbit import ExchangeType, QueueType, RabbitBroker, RabbitExchange, RabbitQueue

broker = RabbitBroker(sys.argv[1])
# The exchange is its owner's: looked up, not declared.
events = RabbitExchange("orders.events", type=ExchangeType.TOPIC, durable=True, declare=False)
queue = RabbitQueue(
    "courier.orders.order-confirmed",
    queue_type=QueueType.QUORUM,
    durable=True,
    routing_key="orders.order-confirmed",
)


@broker.subscriber(queue, events)
async def confirmed(event: dict) -> None:
    print(event["order_id"], flush=True)


asyncio.run(FastStream(broker).run())
