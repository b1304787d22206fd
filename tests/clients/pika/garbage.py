"""Publishes a pickle where an order is wanted, as programs do that talk to their like."""

import pickle
import sys

import pika

connection = pika.BlockingConnection(pika.URLParameters(sys.argv[1]))
channel = connection.channel()
channel.confirm_delivery()
body = pickle.dumps({"order_id": 1})
channel.basic_publish("storefront.events", "storefront.checkout-submitted", body, mandatory=True)
connection.close()
