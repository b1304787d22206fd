#!/bin/sh
# Starts the RabbitMQ of an image of `cargo xtask pods`. Only /var/lib/rabbitmq and /tmp can be written to.
set -eu
export HOME=/var/lib/rabbitmq LANG=C.UTF-8 PATH=/usr/lib/erlang/bin:/usr/bin:/bin
export RABBITMQ_LOG_BASE=/tmp ERL_CRASH_DUMP=/tmp/erl_crash.dump
exec /usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server
