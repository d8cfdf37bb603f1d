#!/usr/bin/env bash
# Builds real kube-apiserver, kube-controller-manager and etcd from the Go
# modules that e2e/kubernetes/ pins, once, into the tool cache.
# Afterwards: $TOOLS/bin/{kube-apiserver,kube-controller-manager,etcd}.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/tool-cache.sh
source "$here/tool-cache.sh"

module="$here/../e2e/kubernetes"
programs=(etcd kube-apiserver kube-controller-manager)
declare -A package=(
  [etcd]=go.etcd.io/etcd/server/v3
  [kube-apiserver]=k8s.io/kubernetes/cmd/kube-apiserver
  [kube-controller-manager]=k8s.io/kubernetes/cmd/kube-controller-manager
)

version="$(awk '$1 == "k8s.io/kubernetes" {print $2}' "$module/go.mod")"
[[ "$version" == v*.*.* ]] || fail "finds no version of k8s.io/kubernetes in e2e/kubernetes/go.mod"
sums="$(cat "$module/go.mod" "$module/go.sum" | sha256sum | cut -c1-16)"
built="$TOOLS/kubernetes/$version-$sums"

link_all() {
  local program
  for program in "${programs[@]}"; do
    link_tool "$built/$program" "$program"
  done
}

# The directory appears by one rename after the last program is built, so its
# presence means that all of them are whole.
if [[ -d "$built" ]]; then
  link_all
  exit 0
fi

command -v go >/dev/null ||
  fail "needs Go $(awk '$1 == "go" {print $2}' "$module/go.mod") or newer to build Kubernetes $version; install it and put go on PATH"
hold_lock kubernetes
if [[ -d "$built" ]]; then
  link_all
  exit 0
fi

# Left by a run that was killed; nobody else can be building while we hold the lock.
rm -rf "$TOOLS"/kubernetes.??????
staging="$(mktemp -d "$TOOLS/kubernetes.XXXXXX")"
trap 'rm -rf "$staging"' EXIT

IFS=. read -r major minor _ <<<"${version#v}"
stamp="-s -w"
# Without these a binary says v0.0.0-master, and clients that compare versions
# with its own would turn features off.
for name in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  stamp+=" -X $name.gitVersion=$version -X $name.gitMajor=$major -X $name.gitMinor=$minor -X $name.gitTreeState=clean"
done

echo "building ${programs[*]} $version; the first time takes several minutes" >&2
cd "$module"
export CGO_ENABLED=0 GOFLAGS="-mod=readonly -buildvcs=false -p=${MERIDIAN_BUILD_JOBS:-2}"
for program in "${programs[@]}"; do
  nice -n 5 go build -trimpath -ldflags "$stamp" -o "$staging/$program" "${package[$program]}" ||
    fail "cannot build $program $version; the lines above say why. With no network, copy $TOOLS from a machine that has it"
done

mkdir -p "$TOOLS/kubernetes"
chmod 755 "$staging"
mv -T "$staging" "$built"
link_all
