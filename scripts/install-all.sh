#!/usr/bin/env bash
# Installs what Meridian is built, run and tested with: all of it, or the parts
# named. Every part is a no-op when it is already there.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/tool-cache.sh
source "$here/tool-cache.sh"

# Cheap checks first, the long build last.
parts=(rust postgresql dns-tools kubectl browser node-modules clients kubernetes helm)
[[ $# == 0 ]] || wanted=("$@")

for part in "${wanted[@]:-${parts[@]}}"; do
  [[ " ${parts[*]} " == *" $part "* ]] || fail "knows no part '$part'; the parts are: ${parts[*]}"
done
for part in "${wanted[@]:-${parts[@]}}"; do
  "$here/install-$part.sh" || exit 1
done
