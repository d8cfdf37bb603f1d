# Two commands matter to a stranger: `make demo` and `make test`. Both install what is missing.
SHELL := /bin/bash
export MERIDIAN_CACHE_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/meridian
export PATH := $(MERIDIAN_CACHE_DIR)/bin:$(PATH)
export CARGO_TERM_COLOR ?= never

# simulated: three members in one process. kubernetes: three real control planes.
MEMBERS ?= simulated

.PHONY: demo test check e2e bench web build clean

demo: ## Start the whole federation on loopback and say what to try
	@scripts/demo.sh $(MEMBERS)

test: ## Every test: unit, property, PostgreSQL, end to end, DNS, browser
	@scripts/test.sh

check: ## Format, lint and the fast tests
	cargo fmt --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo test --workspace --exclude e2e

e2e: build ## Only the black-box tests
	@scripts/install-all.sh
	cargo test -p e2e
	@scripts/test-browser.sh

bench: ## Figures for docs/performance.md
	@scripts/bench.sh

web: ## The console, into web/dist
	@scripts/build-web.sh

build: web ## The binary
	cargo build -p meridian

clean: ## What was built; installed tools and data directories stay
	cargo clean
	rm -rf web/dist
