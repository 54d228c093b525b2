#!/usr/bin/env bash
# Shows the whole pipeline on this machine: Redis and Qdrant, a gateway and a worker, an event that goes through them.
# Run by `make demo`. With Docker, Redis and Qdrant are containers; without, redis-server and the stand-in of Qdrant
# that the tests use (the real engine behind Qdrant's REST interface). Gateway and worker are processes of this
# checkout, on free ports of the loopback. All that was started ends with the script.
#
#   deploy/scripts/demo_async_pipeline.sh
#   DEMO_KEEP=1 deploy/scripts/demo_async_pipeline.sh         # leaves everything running and says where
#   deploy/scripts/demo_async_pipeline.sh stop DIRECTORY      # ends what was left running
#
# DEMO_KEEP  1: leave it running
# DEMO_WITH  docker or local; docker when there is a Docker that answers
# DEMO_DIR   a new or empty directory for data, logs and pids; a temporary one
# PYTHON     .venv/bin/python of this checkout
# TIMEOUT_S  60; how long anything may take to be ready
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
answer_help "$@"

processes=(worker gateway qdrant redis) # in the order in which they end
compose=(docker compose --file "$repository/deploy/compose/docker-compose.middleware-demo.yml")
timeout=${TIMEOUT_S:-60}
python=${PYTHON:-$repository/.venv/bin/python}

stop_demo() { # DIRECTORY
    local name
    for name in "${processes[@]}"; do end_process "$1" "$name"; done
    if [ -f "$1/docker" ]; then "${compose[@]}" down --volumes >/dev/null 2>&1; fi
}

case ${1:-run} in
run) ;;
stop)
    [ -f "${2:-}/gateway.start" ] || usage_error "stop needs the directory of a demo"
    stop_demo "$2"
    exit
    ;;
*) usage_error "no such command: $1" ;;
esac

answers() { curl --silent --fail --max-time 2 --output /dev/null "$1"; }

is_fully_operational() {
    curl --silent --fail --max-time 2 "$1/health/status" | grep -q '"mode" *: *"fully_operational"'
}

free_ports() { # N: below what the system gives to outgoing connections, so that they stay free while a server is away
    "$python" - "$1" <<'EOF'
import random, socket, sys
found = {}
while len(found) < int(sys.argv[1]):
    port = random.randrange(12000, 21000)
    probe = socket.socket()
    try:
        probe.bind(("127.0.0.1", port))
    except OSError:
        continue
    found[port] = probe
print(*found)
EOF
}

write_start() { # NAME [VARIABLE=VALUE...] COMMAND...: how a process of the demo is started, now and after a fault
    local name=$1
    shift
    {
        printf 'cd %q\n' "$dir"
        printf 'exec env'
        printf ' %q' "$@"
        echo
    } >"$dir/$name.start"
}

redis_binary() {
    local beside
    beside=$(dirname "$python")/redis-server
    if [ -x "$beside" ]; then echo "$beside"; else command -v redis-server; fi
}

start_middleware() {
    if [ "$with" = docker ]; then
        touch "$dir/docker"
        REDIS_PORT=$redis_port QDRANT_PORT=$qdrant_port "${compose[@]}" up --detach --wait
        return
    fi
    local server
    server=$(redis_binary) || die "there is neither Docker nor redis-server"
    write_start redis "$server" "$repository/deploy/compose/redis/redis.conf" \
        --bind 127.0.0.1 --port "$redis_port" --dir "$dir/redis"
    write_start qdrant PYTHONPATH="$repository" "$python" -m tests.support.qdrant_facade \
        --port "$qdrant_port" --path "$dir/qdrant"
    mkdir -p "$dir/redis" "$dir/qdrant"
    start_process "$dir" redis
    start_process "$dir" qdrant
}

start_ours() {
    local settings=(
        -u MEMORYOS_CONFIG
        MEMORYOS_DATA_DIR="$dir/gateway"
        MEMORYOS_ASYNC_MEMORY_PIPELINE=true
        MEMORYOS__STORAGE__PROFILE=server
        MEMORYOS__STORAGE__REDIS__URL="redis://127.0.0.1:$redis_port/0"
        MEMORYOS__STORAGE__QDRANT__URL="http://127.0.0.1:$qdrant_port"
        MEMORYOS__SERVER__HOST=127.0.0.1
        MEMORYOS__SERVER__PORT="$gateway_port"
        MEMORYOS__WORKER__HOST=127.0.0.1
        MEMORYOS__WORKER__PORT="$worker_port"
    )
    write_start gateway "${settings[@]}" "$python" -m memoryos_gateway serve
    write_start worker "${settings[@]}" MEMORYOS_DATA_DIR="$dir/worker" "$python" -m memoryos_worker run
    write_start stats "${settings[@]}" "$python" -m memoryos_worker stats
    start_process "$dir" gateway
    start_process "$dir" worker
}

must_be_ready() { # NAME COMMAND...
    local name=$1
    shift
    wait_until "$timeout" "$@" && return
    note "$name is not ready; the end of its log:"
    tail -n 30 "$dir/$name.log" >&2 || true
    exit 1
}

[ -x "$python" ] || die "no $python; run 'make run' once, or name a Python in PYTHON"
with=${DEMO_WITH:-}
if [ -z "$with" ]; then
    if docker compose version >/dev/null 2>&1 && docker info >/dev/null 2>&1; then with=docker; else with=local; fi
fi

dir=${DEMO_DIR:-$(mktemp -d)}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
kept=0
finish() {
    [ "$kept" = 1 ] && return
    stop_demo "$dir"
    [ -n "${DEMO_DIR:-}" ] || rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' INT TERM

read -r redis_port qdrant_port gateway_port worker_port <<<"$(free_ports 4)"
gateway=http://127.0.0.1:$gateway_port
note "starting Redis and Qdrant ($with), a gateway and a worker"
[ "$with" = docker ] || note "(this Qdrant is a stand-in: Qdrant's engine behind its REST interface, as in the tests)"
start_middleware
start_ours
must_be_ready worker answers "http://127.0.0.1:$worker_port/health/ready"
must_be_ready gateway is_fully_operational "$gateway"

GATEWAY_URL=$gateway API_KEY='' TIMEOUT_S=$timeout "$scripts_dir/smoke_async_pipeline.sh"
note "what the queue and the dead letters hold:"
bash "$dir/stats.start"

[ "${DEMO_KEEP:-0}" = 1 ] || exit 0
kept=1
cat <<EOF

Left running; data, logs and pids are in $dir
  a chat:     curl $gateway/v1/chat/completions -H 'Content-Type: application/json' \\
                -d '{"model":"auto","user":"alice","messages":[{"role":"user","content":"My cat is called Momo."}]}'
  its state:  curl $gateway/health/status
  metrics:    curl http://127.0.0.1:$worker_port/metrics
  an outage:  GATEWAY_URL=$gateway$([ "$with" = docker ] || printf ' FAULTS_DIR=%q' "$dir") deploy/scripts/outage_recovery.sh
  its end:    deploy/scripts/demo_async_pipeline.sh stop $dir
EOF
