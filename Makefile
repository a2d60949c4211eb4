# The commands of this repository. Each one installs what it needs first: Python 3.11+, make and git are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo test check lint types bench soak clean

help: ## show this list
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

setup: $(STAMP) ## make .venv with tapewatch in it (about 700 MB of downloads the first time)

demo: $(STAMP) ## run the whole scanner on this machine; Ctrl-C stops it
	$(BIN)/tapewatch demo

test: $(STAMP) ## run every test, on real engines
	$(BIN)/python -m pytest

check: lint types test ## what has to pass before a change lands

lint: $(STAMP) ## style and likely bugs
	$(BIN)/ruff check .

types: $(STAMP) ## mypy --strict over code, tests and benchmarks
	$(BIN)/mypy

bench: $(STAMP) ## measure speed against the Kafka client and plain Faust
	$(BIN)/python -m bench

soak: $(STAMP) ## kill, pause and hurt workers and broker for hours; results in bench/results
	$(BIN)/python -m bench.soak

clean: ## remove what setup and the tools made
	rm -rf $(VENV) build *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The extra `java` only where the machine has no Java >= 17 or no Maven of its own.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "tapewatch needs Python 3.11 or later; name one: make setup PYTHON=/path/to/python3" >&2; exit 1; }
	[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	@major=$$(java -version 2>&1 | sed -nE 's/.* version "([0-9]+).*/\1/p' | head -n 1); \
	extras=dev; \
	{ [ "$${major:-0}" -ge 17 ] && command -v mvn >/dev/null; } || extras=dev,java; \
	echo "installing tapewatch[$$extras] into $(VENV)"; \
	$(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt --editable ".[$$extras]"
	@touch $@
