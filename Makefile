# make site: everything from a bare checkout to a site that opens from disk. See README.md.

VENV := .venv
ifeq ($(OS),Windows_NT)
SHELL := bash
PYTHON ?= python
BIN := $(VENV)/Scripts
else
PYTHON ?= python3
BIN := $(VENV)/bin
endif
# Processes that make pictures and run pages side by side; each needs up to 2.5 GB.
export JOBS ?= 2
# A folder of photographs that take the place of the article's: make site PHOTOS=folder
export PHOTOS ?=
READY := $(VENV)/.featviz-ready
TSC := node_modules/typescript/lib/tsc.js
ASC := node_modules/assemblyscript/bin/asc.js
# What the live page runs on; its WebAssembly is checked in, and the tests compile it again.
LIVE := featviz/article/live
# The theme's own announcements are not about this site.
export NO_MKDOCS_2_WARNING := true

.DEFAULT_GOAL := site
.PHONY: site serve test quick check live setup bench networks clean help

site: $(READY) ## build the site from scratch
	@$(BIN)/python -m featviz microscope build --jobs $(JOBS)
	@$(BIN)/python -m mkdocs build
	@echo "Open $(CURDIR)/site/index.html"

serve: $(READY) ## show the site while editing pages or the library
	@$(BIN)/python -m mkdocs serve

test: $(READY) $(TSC) ## run every test; this builds the site and opens it in a browser
	@$(BIN)/python -m pytest tests

quick: $(READY) ## run the tests that take less than a second each
	@$(BIN)/python -m pytest tests --quick

check: $(READY) $(TSC) ## style, types of both languages, imports
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m mypy --strict featviz
	@$(BIN)/lint-imports
	@$(BIN)/node $(TSC)
	@$(BIN)/node $(TSC) -p $(LIVE)/worker

live: $(READY) $(TSC) ## compile the live page's network to WebAssembly
	@$(BIN)/node $(ASC) $(LIVE)/wasm/trunk.ts --config $(LIVE)/wasm/asconfig.json
	@cd $(LIVE)/wasm && sha256sum trunk.wasm > trunk.wasm.sha256

bench: $(READY) ## measure what the README claims about speed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[bench]"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps faccent==1.0.3
	@$(BIN)/python -m benchmarks

networks: $(READY) ## try every network of the table in the reference anew
	@$(BIN)/python -m tests.zoo.table

setup: $(READY) ## make the environment, nothing else

# Made once, and again when what is to be installed has changed.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "featviz needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
	    "Say which to use: make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(CURDIR)/$(VENV): a few minutes the first time."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  -c constraints.txt -e ".[docs,dev]"
	@touch $@

# The checker of the scripts' types and the compiler, by the Node that pip has installed.
$(TSC): package-lock.json | $(READY)
	@$(BIN)/npm ci --silent --no-audit --no-fund
	@touch $@

clean: ## remove what was built and cached, but not the environment
	@rm -rf site .site-building-* .site-previous .cache .pytest_cache .mypy_cache .ruff_cache
	@rm -rf .hypothesis .import_linter_cache dist build

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
