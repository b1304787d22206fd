"""Asks `inventory` how many of an article there are, and prints the answer's type and its body.

    python ask_stock.py amqp://<user>:<password>@localhost:5672/%2F MUG-BLUE

Needs `pip install pika`.
"""

import json
import sys
import uuid

import pika


def ask(url, sku, seconds=10):
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    replies = channel.queue_declare("", exclusive=True).method.queue
    request_id = str(uuid.uuid4())
    channel.basic_publish(
        "inventory.requests",
        "inventory.check-stock",
        json.dumps({"sku": sku}),
        pika.BasicProperties(reply_to=replies, correlation_id=request_id),
    )
    for _, properties, body in channel.consume(replies, auto_ack=True, inactivity_timeout=seconds):
        connection.close()
        if properties is None:
            sys.exit(f"no answer within {seconds} s")
        assert properties.correlation_id == request_id, properties
        return properties.content_type, body.decode()


print(*ask(*sys.argv[1:]), sep="\n")
