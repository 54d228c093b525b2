#!/usr/bin/env bash
# Rolls this checkout out to a machine with Docker: copies it there as a new release, builds the images, replaces what
# runs, and waits until every gateway is ready. When that fails, the release before is put back. deploy/README.md has
# the same by hand.
#
#   MEMORYOS_DEPLOY_HOST=me@host.example.org deploy/scripts/deploy_remote.sh
#
# MEMORYOS_DEPLOY_HOST       where to, as ssh takes it (required)
# MEMORYOS_DEPLOY_PORT       22
# MEMORYOS_DEPLOY_PATH       memoryos; a directory on the host, absolute or below the home directory. It gets
#                            releases/RELEASE, `current` (a link to one of them) and shared/.env, which must be there:
#                            settings and secrets as in deploy/compose/env.example
# MEMORYOS_DEPLOY_COMPOSE    standalone or cluster: which compose file; standalone
# MEMORYOS_DEPLOY_TIMEOUT_S  180; how long the gateways may take to be ready
# MEMORYOS_DEPLOY_KEEP       3; how many releases stay on the host
# DRY_RUN                    1: print the commands, run none
#
# Ends with 0 when the new release serves, else with 1. Needs ssh and rsync here and there; there also Docker with
# Compose.
set -euo pipefail
# shellcheck source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
answer_help "$@"

host=${MEMORYOS_DEPLOY_HOST:-}
port=${MEMORYOS_DEPLOY_PORT:-22}
path=${MEMORYOS_DEPLOY_PATH:-memoryos}
compose=${MEMORYOS_DEPLOY_COMPOSE:-standalone}
timeout=${MEMORYOS_DEPLOY_TIMEOUT_S:-180}
keep=${MEMORYOS_DEPLOY_KEEP:-3}
[ -n "$host" ] || usage_error "MEMORYOS_DEPLOY_HOST is not set"
[[ $host =~ ^[A-Za-z0-9][A-Za-z0-9@._:-]*$ ]] || usage_error "MEMORYOS_DEPLOY_HOST is no host: $host"
[[ $path =~ ^/?[A-Za-z0-9._][A-Za-z0-9._-]*(/[A-Za-z0-9._-]+)*$ ]] || usage_error "MEMORYOS_DEPLOY_PATH: letters, digits and . _ - / only: $path"
[[ $port =~ ^[0-9]+$ && $timeout =~ ^[0-9]+$ && $keep =~ ^[1-9][0-9]*$ ]] || usage_error "a port, seconds and a count are numbers"
case $compose in standalone | cluster) ;; *) usage_error "no such compose file: $compose" ;; esac
release=$(date -u +%Y%m%dT%H%M%SZ)

run() {
    if [ "${DRY_RUN:-0}" = 1 ]; then
        printf '%s' "$1"
        printf ' %q' "${@:2}"
        echo
        return
    fi
    "$@"
}

# remote COMMANDS: runs them on the host, in the deployment's directory.
remote() {
    run ssh -p "$port" "$host" "set -eu; cd $path; $1"
}

compose_of() { # RELEASE: the command, with that release's file and images
    echo "MEMORYOS_VERSION=$1 docker compose --file releases/$1/deploy/compose/docker-compose.$compose.yml"
}

check_host() {
    remote "test -f shared/.env" || die "$host has no $path/shared/.env; make it from deploy/compose/env.example"
}

current_release() {
    [ "${DRY_RUN:-0}" = 1 ] || remote "test ! -L current || basename \"\$(readlink current)\""
}

upload() {
    local unchanged=()
    [ -z "$previous" ] || unchanged=(--link-dest "../$previous/")
    remote "mkdir -p releases/$release" || return
    (cd "$repository" && run rsync --archive --compress --relative --rsh "ssh -p $port" \
        --exclude __pycache__ --exclude .env "${unchanged[@]+"${unchanged[@]}"}" \
        ./.dockerignore ./requirements.lock ./packages ./deploy "$host:$path/releases/$release/") || return
    remote "ln -sfn ../../../../shared/.env releases/$release/deploy/compose/.env"
}

build() {
    remote "$(compose_of "$release") build"
}

activate() { # RELEASE
    remote "ln -sfn releases/$1 current; $(compose_of "$1") up --detach --remove-orphans --no-build"
}

wait_for_ready() { # RELEASE
    remote "end=\$((\$(date +%s) + $timeout)); \
for service in \$($(compose_of "$1") config --services | grep '^gateway'); do \
until $(compose_of "$1") exec -T \"\$service\" memoryos-gateway health --ready; do \
test \$(date +%s) -lt \$end || exit 1; sleep 2; done; done"
}

put_back() {
    note "$release does not serve"
    if [ -z "$previous" ]; then
        die "there is no release before it; look at it on $host: cd $path/current/deploy/compose; docker compose logs"
    fi
    note "putting $previous back"
    if activate "$previous" && wait_for_ready "$previous"; then
        die "$release failed; $previous serves again"
    fi
    die "$release failed, and $previous does not serve either"
}

discard() {
    remote "rm -rf releases/$release" || true
    die "$release could not be copied or built; nothing was changed"
}

remove_old() {
    remote "ls -1 releases | sort | head -n -$keep | while read -r old; do \
test \"\$old\" = \"\$(basename \"\$(readlink current)\")\" || { rm -rf \"releases/\$old\"; \
docker image rm memoryos-gateway:\"\$old\" memoryos-worker:\"\$old\" || true; }; done"
}

check_host
previous=$(current_release)
if [ "${DRY_RUN:-0}" = 1 ]; then
    note "dry run: what release $release to $host:$path would do, were there none before"
else
    note "release $release to $host:$path (now: ${previous:-none})"
fi
{ upload && build; } || discard
{ activate "$release" && wait_for_ready "$release"; } || put_back
remove_old || note "the old releases could not be removed"
if [ "${DRY_RUN:-0}" = 1 ]; then note "dry run: nothing was done"; else note "$release serves"; fi
