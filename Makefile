# Needs Python 3.11 or newer and make, nothing else: no git, no system package.

VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
# uv is quick, pip knows this machine's own settings (a mirror, a proxy): where uv cannot install, pip does.
INSTALL := $(UV) pip install --quiet --compile-bytecode --system-certs --python $(BIN)/python --no-deps
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps

# tinysoundfont, with which tests compare, comes ready-built for Python 3.11 and 3.12; newer ones compile it. So those two go first.
PYTHON ?= $(shell for p in python3 python3.12 python3.11; do \
	$$p -c 'import ensurepip, sys; sys.exit(sys.version_info[:2] not in [(3, 11), (3, 12)])' 2>/dev/null \
	&& echo $$p && exit; done; echo python3)

# A file of tests stays in one process: its fixtures are made once.
PROCESSES ?= auto
# Tests that want more than Python, or minutes, are left to .ci/run, which says `make test MARKS=`.
MARKS ?= not (shared or browser or system or ray or slow)
LOCK := pip compile --system-certs --python $(BIN)/python --universal --python-version 3.11 --fork-strategy fewest --upgrade \
	--generate-hashes --no-emit-index-url --custom-compile-command "make lock" --quiet

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*##  *\(.*\)/make \1	\2/p' Makefile

demo: $(VENV)/ready  ## build a small dataset from Motet's own tunes, in motet-demo/
	$(BIN)/motet demo

test: $(VENV)/ready  ## run the tests (ARGS="-k name" for some)
	$(BIN)/python -m pytest -m "$(MARKS)" --numprocesses $(PROCESSES) --dist loadfile $(ARGS)

lint: $(VENV)/ready  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/ready  ## measure Motet beside the alternatives
	$(BIN)/python bench/run.py

soak: $(VENV)/ready  ## build under random faults for MINUTES (60), and compare
	$(BIN)/python soak/run.py --minutes $(or $(MINUTES),60) $(ARGS)

setup: $(VENV)/ready  ## only make .venv

lock: $(VENV)/ready  ## renew the locks from pyproject.toml
	$(UV) $(LOCK) pyproject.toml --extra dev --extra synth --extra recordings --extra msd --extra llm --extra s3 --extra hub --extra tokens --no-emit-package pyaudio -o requirements.lock
	printf "axe-playwright-python\nplaywright\nkeyring\npedalboard\ndawdreamer\nonnxruntime\nonnx\nray\nyt-dlp\n" | $(UV) $(LOCK) - --constraint requirements.lock -o .ci/extra.lock

clean:  ## remove .venv, motet-demo and caches
	rm -rf $(VENV) motet-demo build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find src tests -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/ready: $(VENV)/locked pyproject.toml src/motet/__init__.py
	$(INSTALL) --no-build-isolation --editable .
	@touch $@

# A fresh environment whenever the lock changes, so that one cut short half-way is never used.
$(VENV)/locked: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	echo "Motet needs Python 3.11 or newer, and $(PYTHON) is not: say make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > $(VENV)/uv.txt
	$(PIP) --require-hashes -r $(VENV)/uv.txt
	@$(INSTALL) --require-hashes -r requirements.lock || { \
	echo "uv could not install: pip tries, more slowly" >&2; $(PIP) --require-hashes -r requirements.lock; } || { \
	echo "If tinysoundfont failed to build: install a C++ compiler, or say make PYTHON=python3.12" >&2; exit 1; }
	@touch $@

.PHONY: help demo test lint bench soak setup lock clean
