"""Places an order: an event, as JSON, to its owner's exchange. Prints the order's number."""

import json
import sys
import uuid

import pika

order = {
    "order_id": str(uuid.uuid4()),
    "customer": {"name": "Grace Hopper", "email": "grace@example.org"},
    "lines": [{"sku": "MUG-BLUE", "quantity": 2}],
    "card": "tok_ok",
}
connection = pika.BlockingConnection(pika.URLParameters(sys.argv[1]))
channel = connection.channel()
channel.confirm_delivery()  # from here on a publish fails unless a queue has the message
channel.basic_publish(
    "storefront.events",
    "storefront.checkout-submitted",
    json.dumps(order),
    pika.BasicProperties(content_type="application/json", message_id=str(uuid.uuid4()), delivery_mode=2),
    mandatory=True,
)
connection.close()
print(order["order_id"])
