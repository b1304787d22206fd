#!/bin/sh
# Reports what was counted on a shelf: count.sh HOST PORT USER PASSWORD DEVICE ARTICLE UNITS
set -eu

count=$(printf '{"count_id": "%s", "sku": "%s", "units": %s, "counted_at": "%s"}' \
    "$(date +%s%N)" "$6" "$7" "$(date -u +%Y-%m-%dT%H:%M:%SZ)")
# With -q 1 it returns once the broker has the count.
mosquitto_pub -h "$1" -p "$2" -u "$3" -P "$4" -q 1 -t "warehouse/stock-counted/$5" -m "$count"
