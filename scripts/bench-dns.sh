#!/usr/bin/env bash
# CPU per DNS query of Meridian, gdnsd and Knot: one after the other on one core, the load on another, the same questions.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/tool-cache.sh
source "$here/tool-cache.sh"
cd "$here/.."

for program in gdnsd dnsperf knotd; do
  command -v "$program" >/dev/null || { "$here/apt-install.sh" gdnsd dnsperf knot; break; }
done
target="${CARGO_TARGET_DIR:-target}"
meridian="${MERIDIAN_BIN:-$target/release/meridian}"
seconds="${BENCH_SECONDS:-8}"
services=100
dir="$(mktemp -d)"
chmod 755 "$dir"
started=()
cleanup() {
  local pid
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${started[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$dir"
}
trap cleanup EXIT

zone=meridian.internal
# What all three serve: the global, region and cluster names of a hundred Services in three regions.
questions="$dir/questions"
for ((n = 0; n < services; n++)); do
  for name in "bench-$n.bench.fed.svc" "bench-$n.bench.fed.svc.us-east" "us-1.bench-$n.bench.fed.svc"; do
    printf '%s.%s A\n%s.%s A\n%s.%s AAAA\n' "$name" "$zone" "$name" "$zone" "$name" "$zone"
  done
  printf 'missing-%s.bench.fed.svc.%s A\n' "$n" "$zone"
done >"$questions"

cpu_ticks() { awk '{sub(/.*\) /, ""); print $12 + $13}' "/proc/$1/stat"; }

# measure NAME PID PORT: one row of the table.
measure() {
  local name="$1" pid="$2" port="$3" before after out queries
  taskset -apc 0 "$pid" >/dev/null
  taskset -c 1 dnsperf -s 127.0.0.1 -p "$port" -d "$questions" -l 2 -c 4 -T 1 -q 200 -e >/dev/null 2>&1
  before="$(cpu_ticks "$pid")"
  out="$(taskset -c 1 dnsperf -s 127.0.0.1 -p "$port" -d "$questions" -l "$seconds" -c 4 -T 1 -q 200 -e 2>&1)"
  after="$(cpu_ticks "$pid")"
  queries="$(awk '/Queries completed:/ {print $3}' <<<"$out")"
  awk -v name="$name" -v q="$queries" -v t="$((after - before))" -v s="$seconds" \
    'BEGIN { printf "| %s | %.0f | %.2f |\n", name, q / s, t * 10000 / q }'
}

wait_answer() {
  local port="$1" deadline=$((SECONDS + 60))
  until dig +short +timeout=1 +tries=1 @127.0.0.1 -p "$port" "bench-0.bench.fed.svc.$zone" A | grep -q .; do
    ((SECONDS < deadline)) || fail "waited a minute for an answer on port $port"
    sleep 0.3
  done
}

# Meridian: the DNS server alone, from a snapshot that a federation of simulated members left behind.
export MERIDIAN_DATA_DIR="$dir/hub"
"$meridian" up --simulate 3 --address 127.0.0.1:17443 --dns-address 127.0.0.1:15300 --log error &
hub=$!
started+=("$hub")
kubectl=("$TOOLS/bin/kubectl" --kubeconfig "$MERIDIAN_DATA_DIR/kubeconfig" --context federation)
until "${kubectl[@]}" get --raw /readyz >/dev/null 2>&1; do sleep 0.3; kill -0 "$hub"; done
{
  printf 'apiVersion: v1\nkind: Namespace\nmetadata: {name: bench}\n'
  for ((n = 0; n < services; n++)); do
    printf -- '---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: bench-%s, namespace: bench}\nspec: {replicas: 3, selector: {matchLabels: {app: b%s}}, template: {metadata: {labels: {app: b%s}}, spec: {containers: [{name: c, image: "a:1"}]}}}\n' "$n" "$n" "$n"
    printf -- '---\napiVersion: v1\nkind: Service\nmetadata: {name: bench-%s, namespace: bench}\nspec: {type: LoadBalancer, selector: {app: b%s}, ports: [{name: http, port: 8080}]}\n' "$n" "$n"
  done
} >"$dir/objects.yaml"
"${kubectl[@]}" create -f "$dir/objects.yaml" >/dev/null
deadline=$((SECONDS + 120))
until [[ "$(dig +short @127.0.0.1 -p 15300 "bench-$((services - 1)).bench.fed.svc.$zone" A | wc -l)" == 3 ]]; do
  ((SECONDS < deadline)) || fail "waited two minutes for the names"
  sleep 0.3
done
"$meridian" dns --dns-address 127.0.0.1:15301 --metrics-address 127.0.0.1:17445 --data-dir "$dir/dns" --hub-kubeconfig "$MERIDIAN_DATA_DIR/kubeconfig" --log error &
dns=$!
started+=("$dns")
wait_answer 15301
kill -STOP "$hub"

# The same names as plain zone data for the peers.
records="$dir/zone"
{
  printf '@ 60 IN SOA ns1 hostmaster 1 60 60 600 5\n@ 60 IN NS ns1\nns1 60 IN A 127.0.0.1\n'
  for ((n = 0; n < services; n++)); do
    printf 'bench-%s.bench.fed.svc 30 IN A 127.101.0.1\nbench-%s.bench.fed.svc 30 IN A 127.101.1.1\nbench-%s.bench.fed.svc 30 IN A 127.101.2.1\n' "$n" "$n" "$n"
    printf 'bench-%s.bench.fed.svc.us-east 30 IN A 127.101.0.1\nus-1.bench-%s.bench.fed.svc 30 IN A 127.101.0.1\n' "$n" "$n"
  done
} >"$records"

mkdir -p "$dir/gdnsd/zones" "$dir/gdnsd/run" "$dir/gdnsd/state"
cp "$records" "$dir/gdnsd/zones/$zone"
printf 'options => { listen => 127.0.0.1:15302, run_dir => %s, state_dir => %s, udp_threads => 1, tcp_threads => 1 }\n' "$dir/gdnsd/run" "$dir/gdnsd/state" >"$dir/gdnsd/config"
gdnsd -c "$dir/gdnsd" start >"$dir/gdnsd.log" 2>&1 &
gdnsd=$!
started+=("$gdnsd")
wait_answer 15302

mkdir -p "$dir/knot"
cp "$records" "$dir/knot/$zone.zone"
cat >"$dir/knot/knot.conf" <<KNOT
server:
  rundir: "$dir/knot"
  listen: 127.0.0.1@15303
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: "$dir/knot"
zone:
  - domain: $zone
    storage: "$dir/knot"
    file: "$zone.zone"
KNOT
knotd -c "$dir/knot/knot.conf" >"$dir/knot.log" 2>&1 &
knot=$!
started+=("$knot")
wait_answer 15303

printf '### DNS: CPU per query, UDP, %s Services in three regions, mix with 30 %% NODATA and 10 %% NXDOMAIN\n\n' "$services"
printf '| server | queries/s (load on one core) | CPU us/query |\n|---|---|---|\n'
for _ in 1 2; do
  measure meridian "$dns" 15301
  measure gdnsd "$gdnsd" 15302
  measure Knot "$knot" 15303
done
printf '\n'
kill -CONT "$hub"
