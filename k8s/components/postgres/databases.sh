#!/bin/sh
# A database for each file in /passwords, owned by the user of its name; nobody else may connect to it. The image runs this once, when its
# data folder is empty.
set -eu
# Of the connections, which all share, nobody takes those of another one: 96 are those of twelve replicas.
for file in /passwords/*; do
    name=$(basename "$file")
    [ "$name" = superuser ] && continue
    psql --username postgres --set ON_ERROR_STOP=1 --set name="$name" --set password="$(cat "$file")" <<'SQL'
CREATE ROLE :"name" LOGIN CONNECTION LIMIT 96 PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC;
SQL
done
