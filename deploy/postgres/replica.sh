#!/bin/sh
# Starts a streaming replica; the first time, it copies the primary.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    until PGPASSWORD=$REPLICATION_PASSWORD pg_basebackup --host postgres --username campushub_replica \
        --pgdata "$PGDATA" --wal-method stream --write-recovery-conf --checkpoint fast; do
        sleep 2
    done
    chmod 0700 "$PGDATA"
fi
exec postgres -c hot_standby=on -c max_connections=300
