#!/bin/sh
# What the console needs from others (package.json), made into adapter/api/console/vendor.
# Best effort: without node the pages work without scripts, and the editor of the playground is a plain field.
set -u

vendor=adapter/api/console/vendor
if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
    echo "setup: no node and npm; the console works without htmx and without its editor (Debian, Ubuntu: apt-get install nodejs npm)"
    exit 0
fi
echo "setup: fetching what the console needs from others (package-lock.json)"
log=$(mktemp)
if ! timeout 300 npm ci --no-progress >"$log" 2>&1; then
    echo "setup: npm failed; the console works without htmx and without its editor. The last lines of npm:"
    tail -n 3 "$log"
    rm -f "$log"
    exit 0
fi
rm -f "$log"
rm -rf "$vendor"
mkdir -p "$vendor"
cp node_modules/htmx.org/dist/htmx.min.js "$vendor/"
cp node_modules/htmx.org/LICENSE "$vendor/htmx.LICENSE.txt"
# Sources of ours that are bundled with packages of others; each becomes one file.
for source in adapter/api/console/bundles/*.js; do
    [ -e "$source" ] || continue
    node_modules/.bin/esbuild "$source" --bundle --minify --format=iife --target=es2021 --legal-comments=eof \
        --log-level=error --outfile="$vendor/$(basename "$source")" || exit 1
done
