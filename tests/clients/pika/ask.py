"""Asks how many of an article there are. Prints the reply's content type and body."""

import json
import sys
import uuid

import pika

url, sku = sys.argv[1:]
connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()
channel.confirm_delivery()  # with `mandatory`: an error at once when nobody is there to answer
replies = channel.queue_declare("", exclusive=True).method.queue
channel.basic_publish(
    "inventory.requests",
    "inventory.check-stock",
    json.dumps({"sku": sku}),
    pika.BasicProperties(reply_to=replies, correlation_id=str(uuid.uuid4()), expiration="10000"),
    mandatory=True,
)
_, reply, body = next(channel.consume(replies, auto_ack=True, inactivity_timeout=10))
connection.close()
if body is None:
    sys.exit("no reply within 10 s")
print(reply.content_type, body.decode(), sep="\n")
