#!/usr/bin/env bash
# Installs the named Debian packages where we are root and apt is there, and
# says what to do where we are not. Callers check first whether anything is
# missing, so that a run with nothing to do never asks the network.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/tool-cache.sh
source "$here/tool-cache.sh"

[[ $# -gt 0 ]] || fail "usage: apt-install.sh PACKAGE..."
command -v apt-get >/dev/null || fail "no apt-get here; install with this system's package manager: $*"
[[ "$(id -u)" == 0 ]] || fail "needs root; run: sudo apt-get install --no-install-recommends $*"

export DEBIAN_FRONTEND=noninteractive
options=(-qq -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3)
log="$(mktemp)"
trap 'rm -f "$log"' EXIT

echo "installing $*" >&2
for step in "update" "install -y --no-install-recommends $*"; do
  # shellcheck disable=SC2086  # the step is words: a verb, options, packages
  if ! apt-get "${options[@]}" $step >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    fail "apt-get ${step%% *} failed while installing $*; its last lines are above"
  fi
done
