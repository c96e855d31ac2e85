# The commands people type. Each says what it does; none asks a question.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
CARGO ?= cargo
NEXTEST := $(shell command -v cargo-nextest 2>/dev/null)
DENY := $(shell command -v cargo-deny 2>/dev/null)

.PHONY: help demo build setup test lint fmt gen deny deny-install bench check

help: ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

demo: ## build and start the console on a made-up provider
	$(CARGO) run --release --locked --bin noctule -- demo

build: ## a release build
	$(CARGO) build --release --locked --bin noctule

setup: ## install what the tests need (Debian packages; says which)
	.ci/setup

test: setup ## install what is missing, then run every test
ifneq ($(NEXTEST),)
	$(CARGO) test --workspace --locked --doc --quiet
	$(CARGO) nextest run --workspace --locked $(if $(CI),--profile ci,)
else
	@echo "cargo-nextest is not installed: running the tests with cargo test"
	$(CARGO) test --workspace --locked
endif

lint: ## format, clippy, house rules, freshness of generated files, licences
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) xtask tidy
	$(CARGO) xtask gen --check
ifneq ($(DENY),)
	$(CARGO) deny --locked check licenses bans sources
else
	@echo "note: cargo-deny is not installed, so licences, bans and sources were not checked; 'make deny' installs it and checks (some minutes)"
endif

fmt: ## format the code
	$(CARGO) fmt --all

gen: ## make the generated documents anew
	$(CARGO) xtask gen

deny-install:
	@command -v cargo-deny >/dev/null || $(CARGO) install cargo-deny --locked

deny: deny-install ## licences, bans and sources (installs cargo-deny when missing)
	$(CARGO) deny --locked check licenses bans sources

BENCHES := $(CURDIR)/target/bench
bench: setup ## run the benches, write docs/performance.md (some 20 minutes; NOCTULE_BENCH_ROWS makes it shorter)
	mkdir -p $(BENCHES)
	rm -rf $${CARGO_TARGET_DIR:-target}/criterion $(BENCHES)/failed
	@export NOCTULE_BENCH_DIR=$${NOCTULE_BENCH_DIR:-$(BENCHES)}; \
	for bench in "noctule --bench console" "noctule-storage --bench store" "noctule-storage --bench copy" "noctule-sync --bench copy" \
		"noctule-sync --bench live" "noctule-sync --bench push" "noctule-network --bench coa"; do \
		$(CARGO) bench --locked -p $$bench 2>&1 || echo "$$bench" >>$(BENCHES)/failed; \
	done | tee $(BENCHES)/output.txt
	$(CARGO) xtask bench-report $(BENCHES)/output.txt
	@if [ -e $(BENCHES)/failed ]; then echo "These failed:"; cat $(BENCHES)/failed; exit 1; fi

check: lint test ## all that continuous integration checks
