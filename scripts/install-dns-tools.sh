#!/usr/bin/env bash
# Makes dig, kdig and NSD available: the demo prints dig's commands, the tests ask with both, and compare with what NSD answers.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

missing=()
command -v dig >/dev/null || missing+=(bind9-dnsutils)
command -v kdig >/dev/null || missing+=(knot-dnsutils)
[[ -x /usr/sbin/nsd ]] || command -v nsd >/dev/null || missing+=(nsd)
[[ ${#missing[@]} == 0 ]] || "$here/apt-install.sh" "${missing[@]}"
