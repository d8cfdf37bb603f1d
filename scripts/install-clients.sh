#!/usr/bin/env bash
# Puts the Kubernetes clients for Python and JavaScript, at the versions that
# e2e/clients/ pins, into the tool cache: $TOOLS/clients/{python,javascript}.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/tool-cache.sh
source "$here/tool-cache.sh"

clients="$here/../e2e/clients"

# Links $TOOLS/clients/LANGUAGE to a folder that `fill_LANGUAGE` filled from the
# given files, and fills it first where that was not done yet.
install_client() {
  local language="$1" sums place
  shift
  sums="$(cd "$clients/$language" && cat "$@" | sha256sum | cut -c1-16)"
  place="$TOOLS/clients/$language-$sums"
  if [[ ! -d "$place" ]]; then
    hold_lock clients
  fi
  if [[ ! -d "$place" ]]; then
    staging="$(mktemp -d "$TOOLS/clients.XXXXXX")"
    trap 'rm -rf "$staging"' EXIT
    echo "installing the Kubernetes client for $language" >&2
    "fill_$language" "$staging" >"$staging.log" 2>&1 </dev/null || {
      tail -n 12 "$staging.log" >&2
      rm -f "$staging.log"
      fail "cannot install the client for $language; the lines above say why"
    }
    rm -f "$staging.log"
    mkdir -p "$TOOLS/clients"
    chmod 755 "$staging"
    mv -T "$staging" "$place"
  fi
  ln -sfnT "$place" "$TOOLS/clients/$language"
}

fill_python() {
  python3 -m pip install -q --disable-pip-version-check --root-user-action=ignore --no-compile --no-deps \
    --only-binary=:all: --retries 3 --timeout 60 --target "$1" -r "$clients/python/requirements.txt"
}

fill_javascript() {
  cp "$clients/javascript/package.json" "$clients/javascript/package-lock.json" "$1/"
  (cd "$1" && npm ci --ignore-scripts --no-audit --no-fund --no-progress)
}

command -v npm >/dev/null || fail "needs Node 20 or newer with npm; install it and put node on PATH"
python3 -m pip --version >/dev/null 2>&1 ||
  { [[ "$(id -u)" == 0 ]] && "$here/apt-install.sh" python3-pip; } ||
  fail "needs python3 with pip; install python3-pip"
mkdir -p "$TOOLS/clients"
install_client python requirements.txt
install_client javascript package.json package-lock.json
