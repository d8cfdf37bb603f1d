#!/usr/bin/env bash
# Brings web/node_modules to what web/package-lock.json says, only when that
# file, or the Node that native modules were built for, changed since.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/tool-cache.sh
source "$here/tool-cache.sh"

oldest=20
web="$here/../web"
[[ -f "$web/package-lock.json" ]] || fail "finds no web/package-lock.json; run this from a whole checkout"

{ command -v node && command -v npm; } >/dev/null ||
  fail "needs Node $oldest or newer with npm for the console; install it and put node on PATH"
node_version="$(node --version)"
major="${node_version#v}"
((${major%%.*} >= oldest)) || fail "needs Node $oldest or newer for the console; this is $node_version"

stamp="$web/node_modules/.installed-from"
wanted="$node_version $(sha256sum <"$web/package-lock.json" | cut -d' ' -f1)"
[[ "$(cat "$stamp" 2>/dev/null || true)" == "$wanted" ]] && exit 0

hold_lock "node-modules-$(printf '%s' "$(cd "$web" && pwd)" | sha256sum | cut -c1-12)"
[[ "$(cat "$stamp" 2>/dev/null || true)" == "$wanted" ]] && exit 0

cd "$web"
echo "installing web/node_modules" >&2
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
if ! PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 PUPPETEER_SKIP_DOWNLOAD=1 \
  npm ci --no-audit --no-fund --no-progress >"$log" 2>&1 </dev/null; then
  head -n 12 "$log" >&2
  fail "npm ci failed in web/; its first lines are above. If package.json and package-lock.json disagree, run npm install in web/ and commit the lock file"
fi
# Written last: its presence means that the install was whole.
printf '%s\n' "$wanted" >"$stamp"
