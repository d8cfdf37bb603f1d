#!/usr/bin/env bash
# The console in a real Chromium against a running federation with simulated members.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/tool-cache.sh
source "$here/tool-cache.sh"

"$here/install-browser.sh"
"$here/install-node-modules.sh"
target="${CARGO_TARGET_DIR:-$here/../target}"
export MERIDIAN_BIN="${MERIDIAN_BIN:-$target/debug/meridian}"
[[ -x "$MERIDIAN_BIN" ]] || fail "finds no $MERIDIAN_BIN; run make build first"
cd "$here/../web"
exec npm run --silent test:browser
