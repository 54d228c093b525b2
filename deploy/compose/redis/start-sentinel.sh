#!/bin/sh
# Starts one Sentinel. Its configuration file lies in its volume: Sentinel writes there what it learnt, and that must
# outlive the container.
#
#   NODE           the name under which the others reach this one (required)
#   PRIMARY        at the very first start: the primary that is watched (required)
#   REDIS_PASSWORD of the Redis servers (required)
#   QUORUM         2, how many Sentinels must agree that the primary is down
#   SENTINEL_PORT  26379
#   SENTINEL_DATA  /data
set -eu

: "${NODE:?the name of this node}" "${PRIMARY:?the primary}" "${REDIS_PASSWORD:?the password}"
data=${SENTINEL_DATA:-/data}
port=${SENTINEL_PORT:-26379}
config=$data/sentinel.conf

umask 077
if [ ! -f "$config" ]; then
    {
        echo "port $port"
        echo "dir $data"
        echo "sentinel resolve-hostnames yes"
        echo "sentinel announce-hostnames yes"
        echo "sentinel announce-ip $NODE"
        echo "sentinel announce-port $port"
        echo "sentinel monitor mymaster $PRIMARY ${PRIMARY_PORT:-6379} ${QUORUM:-2}"
        echo "sentinel down-after-milliseconds mymaster 5000"
        echo "sentinel failover-timeout mymaster 30000"
        echo "sentinel parallel-syncs mymaster 1"
    } >"$config"
fi
{
    grep -v '^sentinel auth-pass ' "$config"
    echo "sentinel auth-pass mymaster $REDIS_PASSWORD"
} >"$config.new"
mv "$config.new" "$config"
exec redis-server "$config" --sentinel
