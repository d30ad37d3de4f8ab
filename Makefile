# Every chore of the project. `make help` lists them; all but `lock` need only Python 3.11 or newer, and install what they use
# into .venv on first use.

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV ?= .venv
BIN := $(VENV)/bin

# The first Python that is new enough, unless you name one: `make test PYTHON=python3.13`.
NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
ifndef PYTHON
PYTHON := $(shell for p in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	if $$p $(NEW_ENOUGH) >/dev/null 2>&1; then echo $$p; break; fi; done)
endif

define bootstrap
@{ test -n '$(PYTHON)' && $(PYTHON) $(NEW_ENOUGH); } >/dev/null 2>&1 \
	|| { echo "error: Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3" >&2; exit 1; }
@VENV='$(VENV)' $(PYTHON) scripts/bootstrap.py
endef

NODE_TOOL := $(BIN)/python scripts/node_tools.py

# What mypy checks, as far as it exists.
TYPED := $(wildcard anam_facade generated/anam_api scripts examples interop benchmarks tests/typing tests/conformance tests/tooling tests/packaging)

# --- For everyone ---------------------------------------------------------------------------------

.PHONY: help
help: ## list these verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: .demo ## start a session against the local sandbox, and show what happens
	@$(BIN)/python examples/demo.py $(ARGS)

.PHONY: test
test: .dev ## run all tests with full coverage of the facade; ARGS="-k name" runs a part, without coverage
ifdef ARGS
	@$(BIN)/python -m pytest $(ARGS)
else
	@$(BIN)/python -m coverage erase
	@$(BIN)/python -m coverage run -m pytest
	@$(BIN)/python -m coverage report
endif

.PHONY: check
check: lint types lint-spec check-generated facts vectors breaking test ## everything that must pass before a change goes in

# --- Checks ---------------------------------------------------------------------------------------

.PHONY: lint
lint: .dev ## find mistakes in the Python code
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .

.PHONY: format
format: .dev ## format the Python code and mend what can be mended
	@$(BIN)/python -m ruff check --fix-only --quiet .
	@$(BIN)/python -m ruff format .

.PHONY: types
types: .dev ## check types with mypy, and with pyright where Node is installed
	@$(BIN)/python -m mypy $(TYPED)
	@$(NODE_TOOL) pyright --pythonpath $(BIN)/python

.PHONY: lint-spec
lint-spec: .dev ## check openapi.yaml, with Redocly too where Node is installed
	@$(BIN)/python scripts/validate_spec.py openapi.yaml
	@$(NODE_TOOL) redocly lint --max-problems=1000

.PHONY: lint-container
lint-container: .dev ## check the Containerfile of the sandbox, where there is a hadolint for the system
	@$(BIN)/python scripts/lint_container.py

.PHONY: docs-test
docs-test: .dev ## look at the page of the contract in a real browser, where Node and Chromium are installed
	@$(BIN)/python scripts/browser_tests.py $(ARGS)

.PHONY: facts
facts: .dev ## compare openapi.yaml with what is known of the API, contract/facts.yaml, both ways
	@$(BIN)/python scripts/facts.py

.PHONY: breaking
breaking: .dev ## compare openapi.yaml with the released one: what breaks, its version, its changelog; needs Go
	@$(BIN)/python scripts/breaking.py $(ARGS)

.PHONY: vectors
vectors: .dev ## check the test vectors against openapi.yaml; ARGS=--write takes its examples over
	@$(BIN)/python scripts/vectors.py $(ARGS)

# --- The generated client -------------------------------------------------------------------------

.PHONY: generate
generate: .dev ## build generated/anam_api from openapi.yaml
	@$(BIN)/python scripts/generate.py

.PHONY: check-generated
check-generated: .dev ## fail, with a diff, if generated/anam_api is not what openapi.yaml gives
	@$(BIN)/python scripts/generate.py --check

.PHONY: docs
docs: .dev ## build the page of the contract, and what docs/ says of other languages; ARGS=--check only compares
	@$(BIN)/python scripts/docs.py $(ARGS)
	@$(BIN)/python scripts/docs_languages.py $(ARGS)

# --- Measured, and against the clients people use today (each in an environment of its own, .peers) ---

.PHONY: interop
interop: .dev ## run the clients people use today, and those in other languages, against the sandbox; ours against Prism
	@$(BIN)/python interop/check_peers.py
	@$(BIN)/python interop/check_prism.py
	@$(BIN)/python interop/languages.py

.PHONY: languages
languages: .dev ## build and run clients in other languages; ARGS="go rust" for some
	@$(BIN)/python interop/languages.py $(ARGS)

.PHONY: chaos
chaos: .dev ## measure ours and theirs under the same faults; ARGS=--quick for fewer
	@$(BIN)/python benchmarks/chaos.py $(ARGS)

.PHONY: load
load: .dev ## measure two thousand starts, five hundred at a time, ours and theirs
	@$(BIN)/python benchmarks/load.py

.PHONY: bench
bench: .dev ## measure what starting a session costs, ours and theirs, into benchmarks/results; ARGS=--quick for less
	@$(BIN)/python benchmarks/bench $(ARGS)

.PHONY: bench-check
bench-check: .dev ## measure what the targets need; fail when one is missed by more than the noise
	@$(BIN)/python benchmarks/bench --check $(ARGS)

.PHONY: soak
soak: .dev ## ten minutes of mixed traffic with faults; ARGS="--minutes 1" for less
	@$(BIN)/python benchmarks/soak.py $(ARGS)

.PHONY: fuzz
fuzz: .dev ## five minutes of hostile input and hostile servers; ARGS="--minutes 1" for less
	@$(BIN)/python scripts/fuzz.py $(ARGS)

.PHONY: import-time
import-time: .dev ## compare what importing costs with httpx
	@$(BIN)/python benchmarks/import_time.py

# --- For maintainers ------------------------------------------------------------------------------

.PHONY: wheel
wheel: .dev ## build the sdist and the wheel into dist/
	@rm -rf dist
	@$(BIN)/python -m build --no-isolation --outdir dist

.PHONY: lock
lock: ## rewrite the lock files; ARGS=--upgrade takes the newest versions allowed
	@$(PYTHON) scripts/lock.py $(ARGS)

.PHONY: clean
clean: ## remove everything that the other verbs made, the environment included
	@rm -rf $(VENV) $(VENV).lock dist build htmlcov tools/node_modules tools/node_modules.lock .coverage .coverage.* \
		.container .container.lock .interop .peers .hypothesis .mypy_cache .pytest_cache .ruff_cache .schemathesis \
		tools/oasdiff/bin tools/oasdiff/bin.lock
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- Environments: quick to find up to date, see scripts/bootstrap.py -----------------------------

.PHONY: .demo .dev
.demo:
	$(bootstrap) demo
.dev:
	$(bootstrap) dev
