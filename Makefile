# egisz-adapter. Two commands do everything on a fresh machine: `make demo` and `make test`.
# They need Python 3.11 or newer, make, a C compiler, and a package index that pip can reach.

PYTHON ?= python3
JOBS ?= auto
ROUNDS ?= 20
CRASHES ?= 200
UPGRADE ?=
UV_VERSION := 0.13.9

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint types build bench fuzz crash docs lock clean

help: ## list the targets
	@echo "make TARGET, where TARGET is one of"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 12
	@echo "Variables: PYTHON=$(PYTHON) (for .venv), JOBS=$(JOBS) (processes of make test), ROUNDS=$(ROUNDS) (of make fuzz), CRASHES=$(CRASHES) (of make crash)"

setup: $(VENV)/.installed $(VENV)/.gost $(VENV)/.assets ## make .venv with the locked dependencies and this project

$(VENV)/.locked: requirements.lock
	@PYTHON="$(PYTHON)" VENV="$(VENV)" sh tools/make_venv.sh
	@echo "setup: installing the versions of requirements.lock (a minute or two the first time)"
	@$(PIP) install --quiet --require-hashes --requirement requirements.lock
	@touch $@

$(VENV)/.installed: $(VENV)/.locked pyproject.toml
	@echo "setup: installing egisz-adapter itself, editable"
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.gost: tools/install_gost.sh | $(VENV)/.locked
	@sh tools/install_gost.sh
	@touch $@

$(VENV)/.assets: package-lock.json tools/make_assets.sh $(wildcard adapter/api/console/bundles/*.js) | $(VENV)/.locked
	@sh tools/make_assets.sh
	@touch $@

$(VENV)/.browser: tools/install_browser.sh | $(VENV)/.locked
	@sh tools/install_browser.sh
	@touch $@

demo: setup ## check documents, convert Bundles, send them through the service to a stand, show what comes back
	@$(BIN)/python tools/demo.py

test: setup $(VENV)/.browser ## run all tests; what needs the Ministry's packs is skipped by name where they are not at hand
	@echo "test: pytest, processes: $(JOBS)"
	@$(BIN)/python -m pytest -n $(JOBS)

lint: setup ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## mypy, strict
	$(BIN)/mypy
	$(BIN)/mypy tools

build: setup ## the wheel, in dist/
	$(BIN)/python -m build --wheel --no-isolation --outdir dist .

bench: setup ## what checks and conversions cost (needs packs, books and examples)
	$(BIN)/python -m tests.bench.conformance
	$(BIN)/python -m tests.bench.structure
	$(BIN)/python -m tests.bench.conversion
	$(BIN)/python -m tests.bench.messages
	$(BIN)/python -m tests.bench.signing
	$(BIN)/python -m tests.bench.peers
	$(BIN)/python -m tests.bench.service
	$(BIN)/python -m tests.bench.console
	$(BIN)/python -m tests.bench.playground

fuzz: setup ## property tests again and again, each round from another seed
	@for round in $$(seq $(ROUNDS)); do \
		seed=$$(od -An -N4 -tu4 /dev/urandom | tr -d ' '); \
		echo "fuzz: round $$round of $(ROUNDS), seed $$seed"; \
		$(BIN)/python -m pytest -q -n $(JOBS) tests/property --hypothesis-profile=fuzz --hypothesis-seed=$$seed || exit 1; \
	done

crash: setup ## workers killed again and again under load; nothing may be lost, doubled or out of order
	EGISZ_CRASHES=$(CRASHES) $(BIN)/python -m pytest -n 0 tests/integration/crash

docs: setup ## make the reference pages from the code
	$(BIN)/python tools/gen_docs.py

lock: ## resolve pyproject.toml into requirements.lock; UPGRADE=--upgrade also takes newer versions
	$(PYTHON) -m venv --clear build/uv
	build/uv/bin/python -m pip --disable-pip-version-check install --quiet uv==$(UV_VERSION)
	build/uv/bin/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 $(UPGRADE) \
		--generate-hashes --no-header --quiet --output-file requirements.lock

clean: ## remove everything that was made
	rm -rf $(VENV) build dist node_modules adapter/api/console/vendor .pytest_cache .mypy_cache .ruff_cache .hypothesis
