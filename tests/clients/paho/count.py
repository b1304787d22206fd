"""Reports what was counted on a shelf: count.py HOST PORT USER PASSWORD DEVICE ARTICLE UNITS"""

import json
import sys
import uuid
from datetime import datetime, timezone

from paho.mqtt.client import CallbackAPIVersion, Client

host, port, user, password, device, article, units = sys.argv[1:]
count = {
    "count_id": str(uuid.uuid4()),  # the same again when the same count is sent again
    "sku": article,
    "units": int(units),
    "counted_at": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
}
client = Client(CallbackAPIVersion.VERSION2, client_id=f"scanner-{uuid.uuid4()}")
client.username_pw_set(user, password)
client.connect(host, int(port))
client.loop_start()
sent = client.publish(f"warehouse/stock-counted/{device}", json.dumps(count), qos=1)
sent.wait_for_publish(timeout=5)
confirmed = sent.is_published()
client.loop_stop()
client.disconnect()
if not confirmed:
    sys.exit("the broker did not take the count within 5 s")
