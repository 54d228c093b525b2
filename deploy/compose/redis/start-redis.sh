#!/bin/sh
# Starts one Redis of a primary and its replicas. Its configuration file lies beside the data: Sentinel writes there who
# is primary now, and that must outlive the container. The passwords are written anew at every start.
#
#   NODE           the name under which the others reach this one (required)
#   PRIMARY        at the very first start: whose replica it is; empty: it is the primary
#   REDIS_PASSWORD (required)
#   REDIS_PORT     6379
#   REDIS_BASE     /usr/local/etc/redis/redis.conf, what all of them have in common
#   REDIS_DATA     /data
set -eu

: "${NODE:?the name of this node}" "${REDIS_PASSWORD:?the password}"
base=${REDIS_BASE:-/usr/local/etc/redis/redis.conf}
data=${REDIS_DATA:-/data}
port=${REDIS_PORT:-6379}
config=$data/redis.conf

umask 077
if [ ! -f "$config" ]; then
    {
        echo "include $base"
        echo "port $port"
        echo "dir $data"
        echo "replica-announce-ip $NODE"
        echo "replica-announce-port $port"
        if [ -n "${PRIMARY:-}" ]; then echo "replicaof $PRIMARY ${PRIMARY_PORT:-6379}"; fi
    } >"$config"
fi
{
    grep -vE '^(requirepass|masterauth|user) ' "$config"
    echo "requirepass $REDIS_PASSWORD"
    echo "masterauth $REDIS_PASSWORD"
} >"$config.new"
mv "$config.new" "$config"
exec redis-server "$config"
