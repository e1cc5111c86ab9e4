.DEFAULT_GOAL := help
.PHONY: help demo test check check-sanitizers bench fmt

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s  %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## build, run the example project twice against the sandbox, show what arrived
	@scripts/demo

test: ## build and run every test; the last line is the count
	@scripts/test

check: ## formatting, warnings as errors, tests
	@scripts/check

check-sanitizers: ## unit and simulation suites under the thread and address sanitizers (slow: a build each)
	@scripts/check-sanitizers

bench: ## how fast, against what (ROWS=1000000)
	@scripts/bench $(ROWS)

fmt: ## format the Swift sources in place
	@scripts/fmt
