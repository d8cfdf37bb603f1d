#!/usr/bin/env bash
# Builds Helm 3 and Helm 4 from the Go modules that e2e/helm/ pins, once, into the
# tool cache. Afterwards: $TOOLS/bin/{helm3,helm4}.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/tool-cache.sh
source "$here/tool-cache.sh"

module="$here/../e2e/helm"
majors=(3 4)
sums="$(cat "$module/go.mod" "$module/go.sum" | sha256sum | cut -c1-16)"
built="$TOOLS/helm/$sums"

link_all() {
  local major
  for major in "${majors[@]}"; do
    link_tool "$built/helm$major" "helm$major"
  done
}

# The directory appears by one rename after the last program is built, so its
# presence means that all of them are whole.
if [[ ! -d "$built" ]]; then
  command -v go >/dev/null ||
    fail "needs Go $(awk '$1 == "go" {print $2}' "$module/go.mod") or newer to build Helm; install it and put go on PATH"
  hold_lock helm
fi
if [[ ! -d "$built" ]]; then
  # Left by a run that was killed; nobody else can be building while we hold the lock.
  rm -rf "$TOOLS"/helm.??????
  staging="$(mktemp -d "$TOOLS/helm.XXXXXX")"
  trap 'rm -rf "$staging"' EXIT
  echo "building Helm; the first time takes a minute or two" >&2
  cd "$module"
  # As install-kubernetes.sh has them: what both need is compiled once.
  export CGO_ENABLED=0 GOFLAGS="-mod=readonly -buildvcs=false -p=${MERIDIAN_BUILD_JOBS:-2}"
  for major in "${majors[@]}"; do
    version="$(awk -v module="helm.sh/helm/v$major" '$1 == module {print $2}' go.mod)"
    [[ "$version" == v*.*.* ]] || fail "finds no version of helm.sh/helm/v$major in e2e/helm/go.mod"
    stamp="-s -w -X helm.sh/helm/v$major/internal/version.version=$version"
    nice -n 5 go build -trimpath -ldflags "$stamp" -o "$staging/helm$major" "helm.sh/helm/v$major/cmd/helm" ||
      fail "cannot build Helm $version; the lines above say why"
  done
  mkdir -p "$TOOLS/helm"
  chmod 755 "$staging"
  mv -T "$staging" "$built"
fi
link_all
