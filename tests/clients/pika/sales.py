"""Asks what was sold: sales.py amqp://… analytics.sales. Or has it counted anew: sales.py amqp://… analytics.rebuild"""

import json
import sys
import uuid

import pika

url, request = sys.argv[1:]
connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()
channel.confirm_delivery()  # with `mandatory`: an error at once when nobody is there to answer
replies = channel.queue_declare("", exclusive=True).method.queue
channel.basic_publish(
    "analytics.requests",
    request,
    "{}",
    pika.BasicProperties(reply_to=replies, correlation_id=str(uuid.uuid4()), expiration="10000"),
    mandatory=True,
)
_, _, body = next(channel.consume(replies, auto_ack=True, inactivity_timeout=10))
connection.close()
if body is None:
    sys.exit("no reply within 10 s")
print(json.dumps(json.loads(body), indent=2))
