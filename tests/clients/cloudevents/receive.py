"""Hears events as CloudEvents, in whichever mode they come. Prints each as one line of JSON."""

import json
import sys

import pika
from cloudevents.core.bindings.amqp import AMQPMessage, from_amqp_event


def hear(channel, method, properties, body):
    content_type = {"content-type": properties.content_type}
    event = from_amqp_event(AMQPMessage(content_type, properties.headers, body))
    time = int(event.get_time().timestamp())
    print(json.dumps([event.get_id(), event.get_source(), event.get_type(), time, event.get_data()]), flush=True)


url, exchange, key = sys.argv[1:]
connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()
queue = f"courier.{key}"
channel.queue_declare(queue, durable=True, arguments={"x-queue-type": "quorum"})
channel.queue_bind(queue, exchange, key)
channel.basic_consume(queue, hear, auto_ack=True)
channel.start_consuming()
