"""Places an order as a CloudEvent, in binary mode or in structured mode. Prints the order's number."""

import sys
import uuid
from datetime import datetime, timezone

import pika
from cloudevents.core.bindings.amqp import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

url, mode = sys.argv[1:]
order_id = str(uuid.uuid4())
event = CloudEvent(
    {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": "https://example.org/kiosk",
        "type": "storefront.checkout-submitted",
        "time": datetime.now(timezone.utc),
        "datacontenttype": "application/json",
    },
    {
        "order_id": order_id,
        "customer": {"name": "Grace Hopper", "email": "grace@example.org"},
        "lines": [{"sku": "MUG-BLUE", "quantity": 2}],
        "card": "tok_ok",
    },
)
message = {"binary": to_binary_event, "structured": to_structured_event}[mode](event)

connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()
channel.confirm_delivery()
channel.basic_publish(
    "storefront.events",
    "storefront.checkout-submitted",
    message.application_data,
    pika.BasicProperties(
        content_type=message.properties["content-type"],
        headers=message.application_properties,
        delivery_mode=2,
    ),
    mandatory=True,
)
connection.close()
print(order_id)
