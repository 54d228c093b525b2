#!/bin/sh
# Prepares this checkout: finds Python >= 3.11, puts uv into .tools (if none new enough is on the PATH), fills .venv.
set -eu

uv_range='>=0.13,<0.14'

is_new_enough() { # $1: a Python
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if is_new_enough "$name"; then
            # the interpreter itself rather than a version manager's shim, whose answer depends on the directory
            "$name" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    echo "MemoryOS needs Python 3.11 or newer, and ${PYTHON:-what the PATH has as python3} is not." >&2
    echo "Install one, or name it: make PYTHON=/path/to/python3.12 ..." >&2
    exit 1
}

uv_on_path_fits() {
    case "$(uv --version 2>/dev/null)" in
        "uv 0."[0-9].* | "uv 0.1"[0-2].*) return 1 ;; # older than 0.13
        "uv "*) return 0 ;;
        *) return 1 ;;
    esac
}

put_uv_into_tools() {
    mkdir -p .tools/bin
    rm -f .tools/bin/uv
    if uv_on_path_fits; then
        ln -sf "$(command -v uv)" .tools/bin/uv
        return
    fi
    echo "installing uv into .tools" >&2
    "$python" -m venv .tools
    .tools/bin/python -m pip install --quiet --disable-pip-version-check --progress-bar off "uv$uv_range"
}

python=$(find_python)
.tools/bin/uv --version >/dev/null 2>&1 || put_uv_into_tools
if [ -n "${PYTHON:-}" ] || [ ! -x .venv/bin/python ]; then
    set -- --python "$python" # otherwise the interpreter of .venv is kept
fi
# inexact: what a developer added to .venv (a debugger, say) stays; bytecode: the first `make run` is as fast as the next
.tools/bin/uv sync --all-packages --inexact --compile-bytecode --no-python-downloads ${CI:+--no-progress} "$@"
touch .venv/.synced
