#!/usr/bin/env bash
# Makes dig available: the demo prints it, and the tests ask with it.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

command -v dig >/dev/null || "$here/apt-install.sh" bind9-dnsutils
