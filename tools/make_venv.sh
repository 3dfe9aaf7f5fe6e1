#!/bin/sh
# Makes the virtual environment $VENV with $PYTHON, or says what is missing.
set -eu

if ! command -v "$PYTHON" >/dev/null 2>&1; then
    echo "setup: there is no $PYTHON; install Python 3.11 or newer, or name it: make PYTHON=/path/to/python3" >&2
    exit 1
fi
if ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "setup: $("$PYTHON" --version 2>&1) is too old; Python 3.11 or newer is needed: make PYTHON=/path/to/python3" >&2
    exit 1
fi
if ! "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; then
    echo "setup: $PYTHON cannot make virtual environments; install its venv package (Debian, Ubuntu: python3-venv)" >&2
    exit 1
fi
echo "setup: making $VENV with $("$PYTHON" --version)"
"$PYTHON" -m venv --clear "$VENV"
