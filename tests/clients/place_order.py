"""Places an order without any library of the shop: a JSON body, an exchange and a routing key.

    python place_order.py amqp://storefront:<password>@localhost:5672/%2F [file with another body]

Prints the order's number. Needs `pip install pika`.
"""

import json
import sys
import uuid

import pika


def order():
    return {
        "order_id": str(uuid.uuid4()),
        "customer": {"name": "Grace Hopper", "email": "grace@example.org"},
        "lines": [{"sku": "MUG-BLUE", "quantity": 2}],
        "card": "tok_ok",
    }


def main(url, path=None):
    checkout = order()
    body = open(path, "rb").read() if path else json.dumps(checkout)

    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    channel.confirm_delivery()  # from here on a publish fails unless the broker has the message
    channel.basic_publish("storefront.events", "storefront.checkout-submitted", body, mandatory=True)
    connection.close()

    if not path:
        print(checkout["order_id"])


main(*sys.argv[1:])
