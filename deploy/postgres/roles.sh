#!/bin/sh
# Runs once, when the primary's volume is empty: the roles and the database that CampusHub expects.
# The application's role owns nothing; the owner's role is for migrations and retention.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set owner_password="$OWNER_PASSWORD" --set app_password="$APP_PASSWORD" \
    --set replication_password="$REPLICATION_PASSWORD" <<'SQL'
CREATE ROLE campushub_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE campushub_app LOGIN PASSWORD :'app_password';
CREATE ROLE campushub_replica LOGIN REPLICATION PASSWORD :'replication_password';
CREATE DATABASE campushub OWNER campushub_owner ENCODING 'UTF8' LC_COLLATE 'C' TEMPLATE template0;
REVOKE ALL ON DATABASE campushub FROM PUBLIC;
GRANT CONNECT ON DATABASE campushub TO campushub_app;
SQL
echo "host replication campushub_replica all scram-sha-256" >>"$PGDATA/pg_hba.conf"
