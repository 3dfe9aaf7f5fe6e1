#!/bin/sh
# OpenSSL's GOST engine for the tests of signatures: installed where that needs no question, otherwise named.
# Best effort: the project runs without it, and the tests that need it are skipped by name.
set -u

package=libengine-gost-openssl

if openssl engine gost >/dev/null 2>&1; then
    exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "setup: no GOST in openssl; tests of GOST signatures are skipped (Debian, Ubuntu: apt-get install openssl $package)"
    exit 0
fi
echo "setup: installing $package for GOST signatures"
DEBIAN_FRONTEND=noninteractive
export DEBIAN_FRONTEND
log=$(mktemp)
install() {
    timeout 300 apt-get -qq -o DPkg::Lock::Timeout=60 install --yes --no-install-recommends openssl "$package" \
        >"$log" 2>&1
}
# The list of packages of a fresh image is empty or old.
if ! install && ! { timeout 300 apt-get -qq update >"$log" 2>&1 && install; }; then
    echo "setup: $package was not installed; tests of GOST signatures are skipped. The last line of apt-get:"
    tail -n 1 "$log"
fi
rm -f "$log"
exit 0
