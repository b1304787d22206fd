"""Answers `courier.quote`: what does a parcel of so many grams cost?"""

import asyncio
import json
import sys

from aio_pika import ExchangeType, Message, connect_robust


async def main(url):
    connection = await connect_robust(url)
    channel = await connection.channel()
    requests = await channel.declare_exchange("courier.requests", ExchangeType.TOPIC, durable=True)
    queue = await channel.declare_queue("courier.quote", durable=True, arguments={"x-queue-type": "quorum"})
    await queue.bind(requests, "courier.quote")
    await channel.set_qos(prefetch_count=16)
    async with queue.iterator() as incoming:
        async for request in incoming:
            async with request.process():  # acknowledges at the end of the block
                grams = json.loads(request.body)["grams"]
                reply = Message(
                    json.dumps({"cents": 390 + grams // 10, "days": 2}).encode(),
                    content_type="application/json",
                    correlation_id=request.correlation_id,
                )
                # Where services of the shop wait; others wait at a queue, which the default exchange knows.
                exchange = request.headers.get("garenne-reply-exchange", "")
                replies = await channel.get_exchange(exchange, ensure=False)
                await replies.publish(reply, request.reply_to, mandatory=False)


asyncio.run(main(sys.argv[1]))
