#!/usr/bin/env bash
# Figures for docs/performance.md, each beside a peer in the same run. Takes some minutes; prints Markdown.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=scripts/tool-cache.sh
source "$here/tool-cache.sh"
cd "$here/.."

"$here/install-all.sh" rust postgresql dns-tools kubectl node-modules kubernetes
"$here/build-web.sh"
cargo build --quiet --release -p meridian -p e2e --bins
target="${CARGO_TARGET_DIR:-target}"
export MERIDIAN_BIN="$target/release/meridian"
"$target/release/bench"
cargo run --quiet --release -p controllers --example decide
"$here/bench-dns.sh"
