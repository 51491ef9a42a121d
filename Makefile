# Everything a newcomer, a developer or CI runs. `make help` lists it.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/.runtime
DEV_STAMP := $(VENV)/.dev
SOURCES := domain graph compat_rest drivers oktograph migrations tests benchmarks
PYTEST_WORKERS ?= 4
ARGS ?=

.PHONY: help run test install check format bench contracts lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUN_STAMP) ## set up and start the demo: a whole simulated line (Ctrl-C stops it; ARGS="--demo-rate 20")
	@exec $(BIN)/oktograph serve --demo $(ARGS)

install: $(DEV_STAMP) ## set up the virtual environment, with the development tools

test: $(DEV_STAMP) ## every test, on real databases, sockets and processes (ARGS="-k scans")
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadgroup $(ARGS)

check: $(DEV_STAMP) ## format, lint, types, import rules, drift of the generated contracts
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/oktograph contracts --check

format: $(DEV_STAMP) ## put every file into the house's format
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

bench: $(DEV_STAMP) ## measure, paired in one run, and print ratios (ARGS="ingest lists")
	$(BIN)/python -m benchmarks $(ARGS)

contracts: $(DEV_STAMP) ## write frontend_contracts/ anew
	$(BIN)/oktograph contracts

lock: $(DEV_STAMP) ## resolve the dependencies anew (hashes, no addresses)
	$(BIN)/uv pip compile pyproject.toml --group build --universal --python-version 3.11 \
	  --generate-hashes --no-header --upgrade -q -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --group build --group dev -c requirements.lock --universal \
	  --python-version 3.11 --generate-hashes --no-header --upgrade -q -o requirements-dev.lock

clean: ## remove the virtual environment and caches (never ./data)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(RUN_STAMP): requirements.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(DEV_STAMP): requirements-dev.lock $(RUN_STAMP)
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
