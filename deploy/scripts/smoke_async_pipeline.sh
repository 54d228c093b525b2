#!/usr/bin/env bash
# Proves that a running gateway and its workers work together: adds an event, follows it until it is stored, and finds
# it by a search. Needs curl.
#
#   GATEWAY_URL=http://127.0.0.1:8080 deploy/scripts/smoke_async_pipeline.sh
#
# GATEWAY_URL  http://127.0.0.1:8080
# API_KEY      a key of the gateway with memory:read and memory:write; none when it has no keys
# USER_ID      smoke-test; whose memory gets the event. One short turn stays there
# TIMEOUT_S    30; how long the event may take
#
# Ends with 0 when all that was seen, else with 1 and the reason.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=events.sh
. "$scripts_dir/events.sh"
answer_help "$@"

GATEWAY_URL=${GATEWAY_URL:-http://127.0.0.1:8080}
GATEWAY_URL=${GATEWAY_URL%/}
user=${USER_ID:-smoke-test}
timeout=${TIMEOUT_S:-30}
check_id USER_ID "$user"

event="smoke-$(date +%s)-$$-$RANDOM"
text="In the smoke test $event a copper teapot stood on the windowsill."
question="What stood on the windowsill in the smoke test $event?"
note "said:  $text"
add_event "$event" "$user" "$text"
note "acknowledged: $event"
follow_event "$event" "$user" "$timeout"
note "stored"
note "asked: $question"
is_found "$event" "$user" "$question" ||
    die "stored, but a search does not find it: status $status: $body"
note "found: $(found_text "$event")"
echo "ok $event"
