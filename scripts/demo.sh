#!/usr/bin/env bash
# The whole federation on loopback: installs, builds, starts, federates a sample, says what to try. Ctrl-C stops all of it.
#   demo.sh [simulated|kubernetes]
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/tool-cache.sh
source "$here/tool-cache.sh"
cd "$here/.."

members="${1:-simulated}"
[[ "$members" == simulated || "$members" == kubernetes ]] || fail "knows MEMBERS=simulated and MEMBERS=kubernetes, not '$members'"

parts=(rust postgresql dns-tools kubectl node-modules)
[[ "$members" == simulated ]] || parts+=(kubernetes)
"$here/install-all.sh" "${parts[@]}"
"$here/build-web.sh"
cargo build --quiet -p meridian
[[ "$members" == simulated ]] || cargo build --quiet -p e2e --bin kubernetes-members

target="${CARGO_TARGET_DIR:-target}"
meridian="$target/debug/meridian"
address="${MERIDIAN_ADDRESS:-127.0.0.1:7443}"
dns_address="${MERIDIAN_DNS_ADDRESS:-127.0.0.1:5300}"
export MERIDIAN_DATA_DIR="${MERIDIAN_DATA_DIR:-${XDG_DATA_HOME:-$HOME/.local/share}/meridian}"
export KUBECONFIG="$MERIDIAN_DATA_DIR/kubeconfig"
kubectl="$TOOLS/bin/kubectl"

started=()
stop_all() {
  trap - EXIT INT TERM
  echo
  echo "stopping"
  # The hub first: its syncers let go before the members do.
  local pid
  for pid in "${started[@]}"; do
    kill -TERM "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
}
trap stop_all EXIT
trap 'exit 0' INT TERM

simulate=0
[[ "$members" == kubernetes ]] || simulate=3
# A group of its own each, so that Ctrl-C reaches this script alone and everything is stopped in order.
setsid "$meridian" up --simulate "$simulate" --log "${MERIDIAN_LOG:-warn,kube_client=off}" &
hub=$!
started=("$hub")

wait_for() {
  local what="$1" deadline=$((SECONDS + 120))
  shift
  until "$@" >/dev/null 2>&1; do
    kill -0 "$hub" 2>/dev/null || fail "the hub ended; its last words are above"
    ((SECONDS < deadline)) || fail "waited two minutes for $what; see the log above"
    sleep 0.2
  done
}
fed() { "$kubectl" --context federation "$@"; }

wait_for "the hub" fed get --raw /readyz

if [[ "$members" == kubernetes ]]; then
  dir="$MERIDIAN_DATA_DIR-members"
  setsid "$target/debug/kubernetes-members" --dir "$dir" --meridian "$meridian" &
  started+=("$!")
  deadline=$((SECONDS + 180))
  until [[ -f "$dir/ready" ]]; do
    kill -0 "${started[1]}" 2>/dev/null || fail "the members ended; their last words are above"
    ((SECONDS < deadline)) || fail "waited three minutes for the real control planes"
    sleep 0.5
  done
  fed apply --server-side=false -f examples/regions.yaml >/dev/null
  "$meridian" join us-1 --kubeconfig "$dir/us-1/kubeconfig" --region us-east --zone us-east-a
  "$meridian" join eu-1 --kubeconfig "$dir/eu-1/kubeconfig" --region eu-west --zone eu-west-a
  "$meridian" join ap-1 --kubeconfig "$dir/ap-1/kubeconfig" --region ap-south --zone ap-south-a
  fail_how="touch $dir/us-1/off     and back: rm $dir/us-1/off"
else
  fail_how="$meridian simulate fail us-1     and back: $meridian simulate recover us-1"
fi

wait_for "the members" fed wait --for=condition=Ready clusters --all --timeout=60s
fed apply --server-side=false -f examples/hello.yaml
wait_for "the sample" fed rollout status deployment/hello --timeout=60s
name="hello.default.fed.svc.meridian.internal"
port="${dns_address##*:}"
wait_for "an address" bash -c "dig +short +timeout=1 +tries=1 @${dns_address%:*} -p $port $name | grep -q ."

fed get clusters
fed get deployment,service hello
token="$("$meridian" token)"
cat <<END

The federation is up. In a second terminal:

  export KUBECONFIG=$KUBECONFIG MERIDIAN_DATA_DIR=$MERIDIAN_DATA_DIR PATH=$TOOLS/bin:\$PATH

  kubectl --context federation apply --server-side=false -f examples/shop.yaml
  kubectl --context federation -n shop get deploy,svc,placements
  $meridian explain placement deployment web -n shop
  dig @${dns_address%:*} -p $port web.shop.fed.svc.meridian.internal +short +subnet=198.51.100.0/24   # a client in us-east
  dig @${dns_address%:*} -p $port web.shop.fed.svc.meridian.internal +short +subnet=203.0.113.0/24    # a client in eu-west
  dig @${dns_address%:*} -p $port web.shop.fed.svc.meridian.internal +short +subnet=192.0.2.0/24      # a client in ap-south

  Lose a member:  $fail_how

  Console:        https://$address/console/     sign in with: $token

Ctrl-C stops all of it; what was created is there again at the next start.
END
wait "$hub"
