#!/usr/bin/env bash
# Builds the console into web/dist, only when its sources changed.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/tool-cache.sh
source "$here/tool-cache.sh"

"$here/install-node-modules.sh"
cd "$here/../web"
wanted="$(find src index.html package-lock.json vite.config.ts tsconfig.json -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)"
stamp=node_modules/.built-from
[[ -f dist/index.html && "$(cat "$stamp" 2>/dev/null || true)" == "$wanted" ]] && exit 0
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
npm run --silent build >"$log" 2>&1 || { cat "$log" >&2; fail "the console does not build; see above"; }
printf '%s' "$wanted" >"$stamp"
