"""Asks how many of an article there are. Prints the reply's content type and body."""

import asyncio
import json
import sys
import uuid

from aio_pika import Message, connect


async def main(url, sku):
    async with await connect(url) as connection:
        channel = await connection.channel(on_return_raises=True)
        replies = await channel.declare_queue(exclusive=True)
        request = Message(
            json.dumps({"sku": sku}).encode(),
            reply_to=replies.name,
            correlation_id=str(uuid.uuid4()),
            expiration=10,
        )
        requests = await channel.get_exchange("inventory.requests")
        await requests.publish(request, "inventory.check-stock")
        async with replies.iterator(no_ack=True, timeout=10) as incoming:
            reply = await anext(incoming)
    print(reply.content_type, reply.body.decode(), sep="\n")


asyncio.run(main(*sys.argv[1:]))
