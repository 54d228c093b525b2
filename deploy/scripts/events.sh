# shellcheck shell=bash
# How the scripts put an event in and follow it. Sourced, after lib.sh; asks the gateway at GATEWAY_URL.

# shellcheck disable=SC2154  # set by call
# add_event EVENT_ID USER_ID TEXT: says it; the gateway must acknowledge.
add_event() {
    call POST /v1/memory/add "{\"event_id\":\"$1\",\"user_id\":\"$2\",\"role\":\"user\",\"content\":\"$3\"}"
    [ "$status" = 202 ] || die "the gateway did not acknowledge $1: status $status: $body"
}

# is_settled EVENT_ID USER_ID: it is stored or dead; sets `state` to the one that it is in.
is_settled() {
    call GET "/v1/memory/events/$1?user_id=$2"
    [ "$status" = 200 ] || return 1
    state=$(json_text state <<<"$body")
    [ "$state" = stored ] || [ "$state" = dead ]
}

# follow_event EVENT_ID USER_ID SECONDS: returns once it is stored.
follow_event() {
    wait_until "$3" is_settled "$1" "$2" || die "$1 was not applied within $3 s: $body"
    [ "$state" = stored ] || die "$1 was buried: $body"
}

# is_found EVENT_ID USER_ID QUERY: a search finds what that event said.
is_found() {
    call POST /v1/memory/search "{\"user_id\":\"$2\",\"query\":\"$3\",\"limit\":20}"
    [ "$status" = 200 ] && grep -q "\"event_id\" *: *\"$1\"" <<<"$body"
}

# found_text EVENT_ID: what the search found of that event; good for plain words, as json_text is.
found_text() {
    tr -d '\n' <<<"$body" | sed -n "s/.*\"event_id\" *: *\"$1\"[^{}]*\"text\" *: *\"\([^\"]*\)\".*/\1/p"
}
