# Every chore of the project; `make help` lists them. All but `lock` need only Python 3.11 or newer, and install what they use
# into .venv on first use; what needs more says what it skips where that is missing.

SHELL := /bin/sh
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV ?= .venv
RUN := @$(VENV)/bin/python
TOOL := $(RUN) scripts/tools.py run
ON_ALL_CORES := -n auto --maxprocesses=8
# One more than there are cores, for many tests wait for something.
AND_ONE_MORE := -n $$($(VENV)/bin/python -c 'import os; print(min(os.cpu_count() + 1, 8))')
# What is built for the tests of a file is built once. (The groups of pytest-xdist 3.8 do nothing under pytest 9.2.)
BY_FILE := --dist=loadfile

# The first Python that is new enough, unless you name one: `make test PYTHON=python3.13`.
NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
ifndef PYTHON
PYTHON := $(shell for p in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	if $$p $(NEW_ENOUGH) >/dev/null 2>&1; then echo $$p; break; fi; done)
endif

define bootstrap
@{ test -n '$(PYTHON)' && $(PYTHON) $(NEW_ENOUGH); } >/dev/null 2>&1 \
	|| { echo "error: Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3" >&2; exit 1; }
@VENV='$(VENV)' $(PYTHON) scripts/tools.py env
endef

# What mypy checks, as far as it exists.
TYPED := $(wildcard anam_facade generated/anam_api generated/view.py scripts examples interop benchmarks \
	tests/typing tests/tooling tests/packaging)

.PHONY: help demo web test test-slow check lint types generate contract docs interop rooms browser bench fuzz wheel lock \
	clean .demo .dev

##@ Everyone
help: ## list these verbs; most take ARGS="…"
	@awk -F ':.*## ' '/^##@ / { print substr($$0, 5) } /^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile
demo: .demo ## start a session against the local sandbox, and show what happens
	$(RUN) examples/demo.py $(ARGS)
web: .dev ## a page with the vendor's JavaScript SDK, against the local sandbox, until Ctrl-C; needs Node
	$(RUN) scripts/tools.py node
	$(RUN) -m examples.web $(ARGS)
test: .dev ## run the tests with full coverage of the facade; ARGS="-k name" runs a part, without coverage
ifdef ARGS
	$(RUN) -m pytest $(ARGS)
else
	$(RUN) -m coverage erase
	$(RUN) -m coverage run -m pytest $(AND_ONE_MORE) --dist=worksteal -m "not slow"
	$(RUN) -m coverage combine --quiet
	$(RUN) -m coverage report
endif
test-slow: .dev ## run the few that `test` leaves out: what builds, installs, generates, or takes its time
	$(RUN) -m pytest $(ON_ALL_CORES) $(BY_FILE) -m slow $(ARGS)
check: lint types contract test test-slow ## everything that must pass before a change goes in
	$(RUN) scripts/generate.py --check
	$(RUN) scripts/docs.py --check

##@ Changing it
lint: .dev ## find mistakes in the Python code and the Containerfile; ARGS=--fix corrects what it can
ifdef ARGS
	$(RUN) -m ruff check --fix-only --quiet .
	$(RUN) -m ruff format .
endif
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	@$(VENV)/bin/lint-imports --no-logo --no-cache
	$(TOOL) hadolint --no-color --failure-threshold=style --disable-ignore-pragma Containerfile
types: .dev ## check types with mypy, and with pyright where Node is installed
	$(RUN) -m mypy $(TYPED)
	$(TOOL) pyright --pythonpath $(VENV)/bin/python
contract: .dev ## check openapi.yaml, its vectors, and what it breaks; ARGS=--write takes its examples into the vectors
	$(RUN) scripts/vectors.py $(ARGS)
ifndef ARGS
	$(RUN) -m openapi_spec_validator openapi.yaml
	$(TOOL) redocly lint --config=tools/redocly.yaml --max-problems=1000
	$(RUN) scripts/breaking.py
endif
generate: .dev ## build generated/anam_api from openapi.yaml; ARGS=--check only compares
	$(RUN) scripts/generate.py $(ARGS)
docs: .dev ## page of the contract, terminal sessions (ARGS=--check only compares); ARGS=--site: into site/
ifeq ($(ARGS),--site)
	@$(VENV)/bin/zensical build --clean
else
	$(RUN) scripts/docs.py $(ARGS)
endif

##@ Against others (each in an environment of its own)
interop: .dev ## the clients people use today, Prism, and other languages; ARGS="go php" runs those
ifdef ARGS
	$(RUN) interop/languages.py $(ARGS)
else
	$(RUN) -m pytest -q interop
	$(RUN) interop/languages.py
endif
rooms: .dev ## clients in rooms of a real LiveKit server; ARGS=demo shows one, ARGS=build the server; needs Go
	$(RUN) scripts/rooms.py $(ARGS)
browser: .dev ## the pages of the sandbox and of examples/web, in a real browser; needs Node and Chromium
	$(RUN) scripts/tools.py browser

##@ Measured, ours and theirs
bench: .dev ## what a start costs (needs nginx); ARGS=check: the targets; ARGS=chaos, ARGS=load, ARGS=soak
	$(RUN) benchmarks $(or $(ARGS),speed)
fuzz: .dev ## five minutes of hostile input and hostile servers, each round with another seed; MINUTES=1 for less
	@seed=$(or $(SEED),$$(date +%s)); end=$$(($$(date +%s) + 60 * $(or $(MINUTES),5))); \
	while $(VENV)/bin/python -m pytest tests/hostile -q -x -m hypothesis -p no:schemathesis \
			--hypothesis-profile=default --hypothesis-seed=$$seed; do \
		[ $$(date +%s) -lt $$end ] || exit 0; seed=$$((seed + 1)); \
	done; echo "error: broken with the seed $$seed: make fuzz SEED=$$seed" >&2; exit 1

##@ Maintainers
wheel: .dev ## build the sdist and the wheel into dist/
	@rm -rf dist
	$(RUN) -m build --no-isolation --outdir dist
# No lock names a registry, so that everyone installs from the one they have set up.
LOCK = $(PYTHON) scripts/tools.py run uv pip compile --quiet --no-config --universal --generate-hashes --no-annotate \
	--python-version=3.11 --custom-compile-command='make lock' $(ARGS) --output-file
lock: ## rewrite the lock files with uv and npm; ARGS=--upgrade takes the newest versions allowed
	$(LOCK) requirements/dev.txt pyproject.toml --extra=sandbox --extra=fast --extra=cli --extra=otel --group=dev
	$(LOCK) requirements/demo.txt pyproject.toml --extra=sandbox --group=build --constraint=requirements/dev.txt
	$(LOCK) requirements/runtime.txt pyproject.toml --constraint=requirements/dev.txt
	$(LOCK) requirements/tools.txt requirements/tools.in
	$(LOCK) interop/peers/today.txt interop/peers/today.in
	$(LOCK) interop/peers/livekit-anam-1.6.10.txt interop/peers/livekit-anam-1.6.10.in
	$(LOCK) requirements/rooms.txt pyproject.toml --extra=sandbox --extra=livekit --group=rooms \
		--constraint=interop/peers/today.txt
	for folder in tools tests/livekit/npm; do \
		(cd $$folder && npm $(if $(ARGS),update,install) --package-lock-only) || exit 1; done
clean: ## remove everything that the other verbs made, the environment included
	@rm -rf $(VENV) $(VENV).lock dist build site htmlcov tools/node_modules tools/node_modules.lock .coverage .coverage.* \
		.interop .peers .rooms .hypothesis .mypy_cache .pytest_cache .ruff_cache .schemathesis tools/*/bin tools/*/bin.lock
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Environments: quick to find up to date, see scripts/tools.py.
.demo:
	$(bootstrap) demo
.dev:
	$(bootstrap) dev
