#!/bin/sh
# Makes the virtual environment of one image: the locked dependencies with their hashes, then our own wheels, then a
# check that nothing is missing.
#
#   install.sh ENVIRONMENT LOCK WHEELS PACKAGE...
#
# ENVIRONMENT  the directory to make
# LOCK         requirements.lock
# WHEELS       a directory that holds the wheels of the packages
# PACKAGE      a package of this workspace, all siblings that it needs included
set -eu

[ $# -ge 4 ] || { echo "usage: install.sh ENVIRONMENT LOCK WHEELS PACKAGE..." >&2; exit 2; }
environment=$1 lock=$2 wheels=$3
shift 3

here=$(dirname "$0")
runtime=$(mktemp)
trap 'rm -f "$runtime"' EXIT

pip() {
    python -m pip --python "$environment/bin/python" --disable-pip-version-check "$@"
}

python -m venv --without-pip "$environment"
python "$here/select_requirements.py" "$lock" "$@" >"$runtime"
pip install --no-deps --require-hashes --requirement "$runtime"
for package in "$@"; do
    pip install --no-deps --no-index "$wheels/$package"-*.whl
done
pip check
