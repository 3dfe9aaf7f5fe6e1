#!/bin/sh
# Chromium for the tests of the console: installed where that needs no question, otherwise named.
# Best effort: the project runs without it, and the tests that need it are skipped by name.
set -u

for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null 2>&1; then
        exit 0
    fi
done
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "setup: no Chromium; tests of the console in a browser are skipped (Debian: apt-get install chromium)"
    exit 0
fi
echo "setup: installing chromium for the tests of the console"
DEBIAN_FRONTEND=noninteractive
export DEBIAN_FRONTEND
log=$(mktemp)
install() {
    timeout 600 apt-get -qq -o DPkg::Lock::Timeout=60 install --yes --no-install-recommends chromium fonts-dejavu-core \
        >"$log" 2>&1
}
# The list of packages of a fresh image is empty or old.
if ! install && ! { timeout 300 apt-get -qq update >"$log" 2>&1 && install; }; then
    echo "setup: chromium was not installed; tests of the console in a browser are skipped. The last line of apt-get:"
    tail -n 1 "$log"
fi
rm -f "$log"
exit 0
