#!/usr/bin/env bash
# Makes Redis or Qdrant fail, and lets them come back.
#
#   deploy/scripts/inject_faults.sh ACTION TARGET...
#
# ACTION  pause    it stays there, but answers nothing
#         resume   after pause
#         kill     it is gone at once, without a word (SIGKILL)
#         start    after kill
#         restart  kill and start
# TARGET  redis, qdrant, or any service of the compose file
#
# FAULTS_DIR    the directory of a local demo (demo_async_pipeline.sh prints it): there TARGET.pid names the process
#               and TARGET.start starts it. Without it the targets are services of Docker Compose:
# COMPOSE_FILE  deploy/compose/docker-compose.middleware-demo.yml
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
answer_help "$@"

[ $# -ge 2 ] || usage_error "expected ACTION TARGET..."
action=$1
shift

pid_of() {
    cat "$FAULTS_DIR/$1.pid" 2>/dev/null || die "$1 has no pid file in $FAULTS_DIR"
}

local_fault() { # ACTION TARGET
    local pid
    pid=$(pid_of "$2")
    case $1 in
    pause) kill -STOP "$pid" ;;
    resume) kill -CONT "$pid" ;;
    kill)
        kill -KILL "$pid"
        wait_until 10 has_ended "$pid" || die "process $pid of $2 does not end"
        ;;
    start)
        [ -f "$FAULTS_DIR/$2.start" ] || die "nothing in $FAULTS_DIR says how $2 is started"
        has_ended "$pid" || die "$2 runs already"
        start_process "$FAULTS_DIR" "$2"
        ;;
    esac
}

compose_fault() { # ACTION TARGET
    local command=$1
    case $1 in resume) command=unpause ;; esac
    docker compose --file "${COMPOSE_FILE:-$repository/deploy/compose/docker-compose.middleware-demo.yml}" "$command" "$2"
}

fault() {
    if [ -n "${FAULTS_DIR:-}" ]; then local_fault "$@"; else compose_fault "$@"; fi
}

for target in "$@"; do
    case $action in
    pause | resume | kill | start) fault "$action" "$target" ;;
    restart)
        fault kill "$target"
        fault start "$target"
        ;;
    *) usage_error "no such action: $action" ;;
    esac
    note "$target: $action"
done
