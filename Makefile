# Everything a user or a developer does here, by one command each.
# As root, or as an ordinary user with sudo: what needs no root is done as the user.

SHELL := /bin/bash
.DEFAULT_GOAL := help

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## install what is missing, build, run the example job, stop
	@scripts/install build run
	@scripts/demo

.PHONY: test
test: ## install what the tests need and run them all (T='-E "package(livery-store)"' for some)
	@scripts/install build run test
	@scripts/test $(T)

.PHONY: soak
soak: ## kill whatever takes part in runs, SOAK_KILLS times (300), and see that nothing is left
	@scripts/install build run test
	@scripts/soak $(SOAK_KILLS)

.PHONY: build
build: ## install what the build needs and build the binary
	@scripts/install build
	@cargo build --release --locked -p livery

.PHONY: lint
lint: ## formatting and lints
	@scripts/install build
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets --locked -- -D warnings

.PHONY: bench
bench: ## measure beside docker, rsync, ssh and pandas (B='pods transfer' for some)
	@scripts/install build run bench
	@scripts/bench $(B)
