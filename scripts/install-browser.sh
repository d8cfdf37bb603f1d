#!/usr/bin/env bash
# Makes Chromium available for the console's tests, with fonts to draw text.
# Prefers the distribution's: a browser that a test tool downloads is not
# needed and often cannot be had.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

missing=()
command -v chromium >/dev/null || missing+=(chromium)
# Headless Chromium draws empty boxes where no font is installed.
compgen -G '/usr/share/fonts/*/*' >/dev/null || missing+=(fonts-dejavu-core)
((${#missing[@]} == 0)) || "$here/apt-install.sh" "${missing[@]}"
