# Two commands do everything: `make run` and `make test`. Nothing but Python 3.11+ and make is needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run test lint bench audit clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

run: $(VENV)/.run ## Start everything, sandboxes and demo data included, and say where to click (Ctrl-C stops it)
	@$(BIN)/python run.py

test: $(VENV)/.test ## Run every test: real SQLite, PostgreSQL, Redis and browser
	@$(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(VENV)/.test ## Style, types, import directions
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(VENV)/.test var/peers/.installed ## Measure, each figure with its floor beside it
	@$(BIN)/python -m bench

audit: $(VENV)/.test ## Look for known vulnerabilities in what we depend on
	@$(BIN)/pip-audit --requirement requirements.txt --disable-pip --no-deps --progress-spinner off

clean: ## Remove the environment and all data of the demo
	rm -rf $(VENV) var

var/peers/.installed: bench/requirements-peers.txt $(VENV)/.test
	@mkdir -p var/peers
	@echo "Installing other engines to compare with (once; those that cannot be had are left out) ..."
	@-grep == bench/requirements-peers.txt | while read -r peer; do \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --target var/peers/python --upgrade "$$peer" || true; done
	@-if command -v npm >/dev/null; then npm install --silent --no-audit --no-fund --prefix var/peers json-rules-engine@7.3.1; fi
	@touch $@

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Wissel needs Python 3.11 or newer, this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12 " + "run")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python requirements.txt
	@command -v cc >/dev/null || { echo "durable-rules is compiled when it is installed: install a C compiler first (Debian: apt-get install build-essential)."; exit 1; }
	@echo "Installing what the service needs (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@touch $@

$(VENV)/.test: $(VENV)/.run requirements-dev.txt
	@echo "Installing what the tests need (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@touch $@
