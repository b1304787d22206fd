#!/bin/sh
# Starts the PostgreSQL of an image of `cargo xtask pods`. As the official image does, it makes its databases from
# /docker-entrypoint-initdb.d when it starts for the first time.
set -eu
export LC_ALL=C.UTF-8 PATH=/usr/bin:/bin
server=$(echo /usr/lib/postgresql/*/bin)
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    printf %s "$POSTGRES_PASSWORD" > /tmp/password
    "$server/initdb" --pgdata "$PGDATA" --username postgres --pwfile /tmp/password --auth scram-sha-256 --encoding UTF8 --no-locale
    rm /tmp/password
    echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
    for file in /docker-entrypoint-initdb.d/*.sql; do
        # In this mode an empty line ends a statement, unless -j asks for a semicolon and an empty line.
        sed 's/;$/;\n/' "$file" | "$server/postgres" --single -j -D "$PGDATA" postgres
    done
fi
exec "$server/postgres" -D "$PGDATA" -c 'listen_addresses=*' -c max_connections=200 -c unix_socket_directories=/var/run/postgresql
