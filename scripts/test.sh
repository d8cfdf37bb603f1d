#!/usr/bin/env bash
# Every test, with the counts at the end. What is missing is installed first. A failure does not stop the others.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/tool-cache.sh
source "$here/tool-cache.sh"
cd "$here/.."

"$here/install-all.sh"
"$here/build-web.sh"

log="$(mktemp)"
trap 'rm -f "$log"' EXIT
failed=0

step() {
  printf '\n== %s\n' "$1"
  shift
  "$@" 2>&1 | tee -a "$log" || failed=1
}

step "format" cargo fmt --check
step "the console's own tests" npm --prefix web run --silent test
# The whole workspace each time, so that both calls share one set of features and nothing is built twice.
step "build" cargo build --workspace
step "unit, property, PostgreSQL, DNS and end-to-end tests" cargo test --workspace --no-fail-fast
step "browser" "$here/test-browser.sh"

# Sums what cargo ("test result: ok. 5 passed; 0 failed; ...") and the JavaScript runners ("5 passed") say of themselves.
read -r passed failures < <(sed 's/\x1b\[[0-9;]*m//g' "$log" | awk '
  /^test result:/ { p += $4; f += $6; next }
  /^ *[0-9]+ passed( \(|$)/ { p += $1; next }
  /^ *[0-9]+ failed( \(|$)/ { f += $1; next }
  /^ *Tests +.*passed/ { for (i = 1; i <= NF; i++) { if ($i ~ /^passed/) p += $(i-1); if ($i ~ /^failed/) f += $(i-1) } }
  END { print p + 0, f + 0 }')
((failed == 0 || failures > 0)) || failures=1
printf '\n%d passed, %d failed\n' "$passed" "$failures"
((passed > 0)) || fail "ran no test; see above"
((failed == 0 && failures == 0))
