"""Answers `courier.quote`: what does a parcel of so many grams cost?"""

import asyncio
import sys

from faststream import FastStream
from faststream.rabbit import ExchangeType, QueueType, RabbitBroker, RabbitExchange, RabbitQueue

broker = RabbitBroker(sys.argv[1])
requests = RabbitExchange("courier.requests", type=ExchangeType.TOPIC, durable=True)
queue = RabbitQueue("courier.quote", queue_type=QueueType.QUORUM, durable=True)


@broker.subscriber(queue, requests)
async def quote(request: dict) -> dict:
    return {"cents": 390 + request["grams"] // 10, "days": 2}


asyncio.run(FastStream(broker).run())
