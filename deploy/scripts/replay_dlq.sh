#!/usr/bin/env bash
# Puts dead letters back into the event stream, oldest first, each by one atomic step (memoryos-worker dlq replay). What
# they say is untouched; their attempts begin anew. Replaying one that was applied after all changes nothing.
#
#   DRY_RUN=1 deploy/scripts/replay_dlq.sh          # prints what would be put back
#   COUNT=10 deploy/scripts/replay_dlq.sh
#   deploy/scripts/replay_dlq.sh 1731400000000-0    # these alone (ids of `memoryos-worker dlq list`)
#
# REDIS_URL       redis://127.0.0.1:6379/0; otherwise as the configuration says (MEMORYOS_CONFIG, MEMORYOS__...)
# STREAM          chat_log; its dead letters are in chat_log:dlq
# COUNT           100, at most so many
# DRY_RUN         1: change nothing
# WORKER_COMMAND  memoryos-worker; such as "docker compose exec -T worker-1 memoryos-worker" or
#                 "kubectl exec deployment/memoryos-worker -- memoryos-worker", where REDIS_URL and STREAM are not used
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
answer_help "$@"

count=${COUNT:-100}
[[ $count =~ ^[1-9][0-9]*$ ]] || usage_error "COUNT must be a number from 1 on"
read -r -a worker <<<"${WORKER_COMMAND:-memoryos-worker}"

export MEMORYOS__STORAGE__PROFILE=server
[ -z "${REDIS_URL:-}" ] || export MEMORYOS__STORAGE__REDIS__URL="$REDIS_URL"
[ -z "${STREAM:-}" ] || export MEMORYOS_WORKER_STREAM="$STREAM"

options=(--count "$count")
case ${DRY_RUN:-0} in
0 | "") ;;
1) options+=(--dry-run) ;;
*) usage_error "DRY_RUN must be 0 or 1" ;;
esac
if [ $# -eq 0 ]; then options+=(--all); fi

exec "${worker[@]}" dlq replay "${options[@]}" "$@"
