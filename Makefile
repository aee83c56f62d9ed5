# Two commands for a newcomer: `make run` and `make test`. The rest is for those who work here.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help run test lint bench phantomvl dev clean

help:
	@echo "make run        install into $(VENV) and run the main job: the embedded model on the embedded data set"
	@echo "make test       install what the tests need and run them"
	@echo "make lint       style and types"
	@echo "make bench      measure what docs/benchmarks.md states and write it"
	@echo "make phantomvl  train, convert and quantize the embedded model again (about half an hour, needs torch)"
	@echo "make clean      remove $(VENV), caches and runs"

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make run PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)

# The package itself is installed, not linked: what the tests see is what a user gets.
SOURCES := $(shell find harness suites adapters reports hydra_configs -type f -not -name '*.pyc') pyproject.toml README.md

$(STAMP): $(BIN)/python $(SOURCES)
	$(BIN)/python -m pip install --quiet .
	@rm -rf build *.egg-info
	@touch $@

$(VENV)/.test: $(STAMP) pyproject.toml
	$(BIN)/python -m pip install --quiet '.[test]'
	@rm -rf build *.egg-info
	@touch $@

$(VENV)/.lint: $(STAMP) pyproject.toml
	$(BIN)/python -m pip install --quiet '.[test,lint]'
	@rm -rf build *.egg-info
	@touch $@

run: $(STAMP)
	$(BIN)/harness run

test: $(VENV)/.test
	$(BIN)/pytest

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	cd $(VENV) && bin/mypy --config-file ../pyproject.toml -p harness

bench: $(VENV)/.test
	$(BIN)/python docs/make_benchmarks.py

# A place of its own: torch is needed here and nowhere else.
phantomvl: $(BIN)/python
	$(PYTHON) -m venv .venv-train
	.venv-train/bin/python -m pip install --quiet '.[train]'
	.venv-train/bin/python -m harness.phantom.train --weights harness/phantom/weights

clean:
	rm -rf $(VENV) .venv-train build *.egg-info .pytest_cache .mypy_cache .ruff_cache runs mlflow.db mlflow.db.lock mlruns mlartifacts
