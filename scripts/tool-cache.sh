# shellcheck shell=bash
# Where installed tools live. Sourced by the install scripts and by nothing
# that has a side effect to fear: it sets names and creates no files.
#
#   TOOLS       root of the tool cache
#   TOOLS/bin   the programs, by their plain names
#   fail MSG    one line on stderr, then exit 1: say what is wrong and the next step

TOOLS="${MERIDIAN_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/meridian}"

fail() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# Held until the calling script ends; a second installer waits, then finds the
# work done.
hold_lock() {
  mkdir -p "$TOOLS/locks"
  command -v flock >/dev/null || fail "needs flock; install the package util-linux"
  exec 9>"$TOOLS/locks/$1"
  flock -n 9 && return
  echo "$(basename "$0"): another run is installing $1; waiting for it" >&2
  flock 9
}

# Links TOOLS/bin/NAME to a program, replacing an older link in one step so
# that nobody ever finds the name missing.
link_tool() {
  local program="$1" name="$2" staged
  mkdir -p "$TOOLS/bin"
  [[ "$(readlink "$TOOLS/bin/$name" || true)" == "$program" ]] && return
  staged="$TOOLS/bin/.$name.$$"
  ln -sfn "$program" "$staged"
  mv -fT "$staged" "$TOOLS/bin/$name"
}
