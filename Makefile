# `make help` lists what there is. Python 3.11 or later and make are all that must be installed.
PYTHON ?= python3
DATA ?= data
HOST ?= localhost
PORT ?= 8000
WORKERS ?= 2

BIN := .venv/bin
OURS := packages/otumat/pyproject.toml packages/otumat-index/pyproject.toml
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links --no-emit-package otumat --no-emit-package otumat-index

# Two at a time: most of the time a test waits for a program that it started. The long ones come first, so that both
# end together. In CI a skipped test is a failed one.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(if $(filter true,$(CI)),--no-skips)
# The client knows no database; the rest runs on both.
BOTH_DATABASES := tests packages/otumat-index/tests

.DEFAULT_GOAL := help
.PHONY: help setup setup-test serve test check format bench lock clean

help:  ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "  make %-12s %s\n", $$1, $$2}'

.venv/.created:
	@$(PYTHON) -c 'import sys; sys.exit("Otumat needs Python 3.11 or later; %s is %s. Try: make PYTHON=python3.12 setup" % (sys.executable, sys.version.split()[0]) if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	@touch $@

.venv/.serve: .venv/.created requirements/serve.txt $(OURS)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/serve.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e packages/otumat -e packages/otumat-index
	@touch $@

.venv/.test: .venv/.serve requirements/test.txt
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/test.txt
	@touch $@

setup: .venv/.serve  ## .venv with hash-pinned packages and our two distributions in place

setup-test: .venv/.test  ## the same, with what tests and checks need

serve: setup  ## run the index on http://localhost:8000 (SQLite, local files, mail on the console)
	@exec $(BIN)/otumat-index serve --data $(DATA) --host $(HOST) --port $(PORT) --workers $(WORKERS)

test: setup-test  ## run every test; starts PostgreSQL, S3, SMTP and browser itself, says what it skips and why
	$(if $(ARGS),,$(PYTEST) --doctest-modules packages/otumat/src packages/otumat-index/src)
	$(PYTEST) $(ARGS)
	$(PYTEST) --database postgresql $(or $(ARGS),$(BOTH_DATABASES))

check: setup-test  ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy tests
	$(BIN)/lint-imports --no-cache

format: setup-test  ## put the code in the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup-test  ## ratios against peers and physical limits, all in one run
	$(BIN)/python -m bench $(ARGS)

lock: setup-test  ## refresh the hash-pinned requirements
	cd requirements && ../$(COMPILE) --upgrade serve.in -o serve.txt && ../$(COMPILE) --upgrade test.in -o test.txt
	cd requirements && ../$(subst --no-emit-package otumat ,,$(COMPILE)) --upgrade legacy-agent.in -o legacy-agent.txt

clean:  ## remove the virtual environment and caches (never the data folder)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
