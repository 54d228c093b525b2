#!/usr/bin/env bash
# Proves what happens when Redis, Qdrant, and both go away under a running gateway, and come back:
#   - the health mode and the dependency say so;
#   - a write meanwhile is acknowledged, and is stored and found afterwards;
#   - a chat meanwhile is answered, and says that its memory is degraded (x-memoryos-memory).
# Needs curl, and the middleware of a demo: that of demo_async_pipeline.sh with DEMO_KEEP=1, or the containers of
# docker-compose.middleware-demo.yml. Faults are put in by inject_faults.sh.
#
#   GATEWAY_URL=http://127.0.0.1:8080 FAULTS_DIR=DIRECTORY deploy/scripts/outage_recovery.sh
#
# GATEWAY_URL  http://127.0.0.1:8080
# API_KEY      a key of the gateway with chat, memory:read and memory:write; none when it has no keys
# USER_ID      outage-test
# MODEL        auto; what the chats ask for
# FAULT        kill, or pause: the server is there, but answers nothing
# TIMEOUT_S    60; how long each change of state, and each event afterwards, may take
# FAULTS_DIR, COMPOSE_FILE  as inject_faults.sh says
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=events.sh
. "$scripts_dir/events.sh"
answer_help "$@"

GATEWAY_URL=${GATEWAY_URL:-http://127.0.0.1:8080}
GATEWAY_URL=${GATEWAY_URL%/}
user=${USER_ID:-outage-test}
model=${MODEL:-auto}
timeout=${TIMEOUT_S:-60}
check_id USER_ID "$user"
case ${FAULT:-kill} in
kill) fault=kill remedy=start ;;
pause) fault=pause remedy=resume ;;
*) usage_error "FAULT must be kill or pause" ;;
esac

away=()
bring_back() {
    local target
    for target in "${away[@]+"${away[@]}"}"; do "$scripts_dir/inject_faults.sh" "$remedy" "$target" || true; done
}
trap bring_back EXIT
trap 'exit 130' INT TERM

# shellcheck disable=SC2154  # set by call
has_state() { # MODE [DEPENDENCY STATE]
    call GET /health/status
    [ "$status" = 200 ] && [ "$(json_text mode <<<"$body")" = "$1" ] || return 1
    [ $# -eq 1 ] || [ "$(json_text "$2" <<<"$body")" = "$3" ]
}

must_have_state() {
    wait_until "$timeout" has_state "$@" || die "expected $*, but /health/status says: status $status: $body"
    note "health: $*"
}

# shellcheck disable=SC2154  # set by call
must_be_a_gateway() {
    call GET /health/status
    [ "$status" = 200 ] && [ -n "$(json_text mode <<<"$body")" ] ||
        die "no gateway answers at $GATEWAY_URL: status $status (000: not reached): ${body:0:200}"
}

# shellcheck disable=SC2154  # set by call
must_answer_degraded() {
    call POST /v1/chat/completions \
        "{\"model\":\"$model\",\"user\":\"$user\",\"messages\":[{\"role\":\"user\",\"content\":\"Which tea do I like?\"}]}"
    [ "$status" = 200 ] || die "a chat was not answered: status $status: $body"
    grep -i '^x-memoryos-memory:' <<<"$headers" | grep -q 'state=degraded' ||
        die "a chat does not say that its memory is degraded: $(grep -i '^x-memoryos' <<<"$headers")"
    note "a chat is answered, state=degraded"
}

must_be_found() { # EVENT_ID TEXT
    follow_event "$1" "$user" "$timeout"
    wait_until "$timeout" is_found "$1" "$user" "$2" || die "$1 is stored, but a search does not find it: $body"
}

outage() { # TARGET...
    local target event text
    note "--- without $*"
    away=("$@")
    for target in "$@"; do "$scripts_dir/inject_faults.sh" "$fault" "$target"; done
    for target in "$@"; do must_have_state degraded "$target" down; done
    event="outage-$(date +%s)-$$-$RANDOM"
    text="While $* could not be reached, note $event was written."
    add_event "$event" "$user" "$text"
    note "a write is acknowledged: $event"
    must_answer_degraded
    bring_back
    away=()
    for target in "$@"; do must_have_state fully_operational "$target" up; done
    must_be_found "$event" "$text"
    note "the write is stored and found"
}

must_be_a_gateway
must_have_state fully_operational
outage redis
outage qdrant
outage redis qdrant
echo ok
