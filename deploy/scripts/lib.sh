# shellcheck shell=bash
# What the scripts beside this file share. Sourced, not run.

scripts_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034  # for who sources this
repository=$(cd "$scripts_dir/../.." && pwd)
# a proxy of the environment is not for this machine
export no_proxy="127.0.0.1,localhost${no_proxy:+,$no_proxy}"

note() { printf '%s\n' "$*" >&2; }

die() {
    note "${0##*/}: $*"
    exit 1
}

usage_error() {
    note "${0##*/}: $*; see --help"
    exit 2
}

# Prints the comment at the top of the script and ends it, when one of the arguments asks for that.
answer_help() {
    local argument
    for argument in "$@"; do
        case $argument in
        -h | --help)
            sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
            exit 0
            ;;
        esac
    done
}

# wait_until SECONDS COMMAND...: runs it again and again until it succeeds; fails when time is up.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < deadline)) || return 1
        sleep 0.2
    done
}

# json_text NAME: the string of that name in the JSON on standard input; good for words and ids, not for any text.
json_text() {
    tr -d '\n' | sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p"
}

# call METHOD PATH [JSON]: asks the gateway at GATEWAY_URL; sets `status` (000: not reached), `body` and `headers`.
# shellcheck disable=SC2034  # they are for the caller
call() {
    local answer head=()
    answer=$(mktemp)
    [ -z "${API_KEY:-}" ] || head=(--header "@-") # not as an argument: others could read it in the list of processes
    status=$(
        printf 'Authorization: Bearer %s\n' "${API_KEY:-}" |
            curl --silent --show-error --max-time 30 --request "$1" --dump-header "$answer.head" \
                --output "$answer" --write-out '%{http_code}' "${head[@]+"${head[@]}"}" \
                ${3+--header 'Content-Type: application/json' --data "$3"} "$GATEWAY_URL$2" 2>"$answer.error"
    ) || status=000
    { body=$(cat "$answer" 2>/dev/null) headers=$(tr -d '\r' 2>/dev/null <"$answer.head"); } || true
    rm -f "$answer" "$answer.head" "$answer.error"
}

# check_id NAME VALUE: it may stand in JSON and in a URL as it is, and the gateway takes it.
check_id() {
    [[ $2 =~ ^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$ ]] || usage_error "$1 must be 1 to 128 of A-Z a-z 0-9 . _ : @ -"
}

# is_running PID: it is there, and not merely unburied.
is_running() {
    kill -0 "$1" 2>/dev/null || return 1
    case $(ps -o stat= -p "$1" 2>/dev/null || true) in Z*) return 1 ;; esac
}

has_ended() { ! is_running "$1"; }

# start_process DIRECTORY NAME: runs DIRECTORY/NAME.start in the background; its pid is in NAME.pid, its output in NAME.log.
start_process() {
    nohup bash "$1/$2.start" >>"$1/$2.log" 2>&1 </dev/null &
    echo $! >"$1/$2.pid"
}

# end_process DIRECTORY NAME: tells it to stop and waits; kills it when it does not.
end_process() {
    local pid
    pid=$(cat "$1/$2.pid" 2>/dev/null) || return 0
    { kill -TERM "$pid" && kill -CONT "$pid"; } 2>/dev/null || true # one that was paused must go on to end
    wait_until 30 has_ended "$pid" || kill -KILL "$pid"
    rm -f "$1/$2.pid"
}
