"""Asks how many of an article there are. Prints the reply's content type and body."""

import asyncio
import sys

from faststream.rabbit import RabbitBroker


async def main(url, sku):
    async with RabbitBroker(url) as broker:
        reply = await broker.request(
            {"sku": sku},
            exchange="inventory.requests",
            routing_key="inventory.check-stock",
            timeout=10,
        )
    print(reply.content_type, reply.body.decode(), sep="\n")


asyncio.run(main(*sys.argv[1:]))
