"""Answers `courier.quote`: what does a parcel of so many grams cost?"""

import json
import sys

import pika


def quote(channel, method, request, body):
    grams = json.loads(body)["grams"]
    channel.basic_publish(
        (request.headers or {}).get("garenne-reply-exchange", ""),  # where services of the shop wait
        request.reply_to,
        json.dumps({"cents": 390 + grams // 10, "days": 2}),
        pika.BasicProperties(content_type="application/json", correlation_id=request.correlation_id),
    )
    channel.basic_ack(method.delivery_tag)


connection = pika.BlockingConnection(pika.URLParameters(sys.argv[1]))
channel = connection.channel()
channel.confirm_delivery()
channel.exchange_declare("courier.requests", "topic", durable=True)
channel.queue_declare("courier.quote", durable=True, arguments={"x-queue-type": "quorum"})
channel.queue_bind("courier.quote", "courier.requests", "courier.quote")
channel.basic_qos(prefetch_count=16)
channel.basic_consume("courier.quote", quote)
channel.start_consuming()
