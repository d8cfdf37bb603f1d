#!/usr/bin/env bash
# Checks that the Rust toolchain is new enough. It installs none: a toolchain
# is the developer's choice, and Meridian needs only that it is recent.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/tool-cache.sh
source "$here/tool-cache.sh"

oldest=1.95
advice="install Rust $oldest or newer with rustup (rustup toolchain install stable) or from the distribution, and put cargo on PATH"

command -v cargo >/dev/null || fail "finds no cargo; $advice"
version="$(cargo --version 2>/dev/null | awk '{print $2}')"
[[ -n "$version" ]] || fail "cargo does not run; $advice"
# Sorted by version, the older of the two comes first.
[[ "$(printf '%s\n' "$oldest" "$version" | sort -V | head -n 1)" == "$oldest" ]] ||
  fail "cargo is $version; $advice"
command -v cc >/dev/null || "$here/apt-install.sh" gcc libc6-dev
