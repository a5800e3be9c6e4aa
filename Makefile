# Everything a newcomer needs: `make run` and `make test`.
# The first Python from 3.11 on that can make an environment; PYTHON=python3.12 names another.
FIT = import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for it in python3 python python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do \
	"$$it" -c '$(FIT)' >/dev/null 2>&1 && { echo "$$it"; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
PORT ?= 8501
RUNS ?= 5000000
export PYTHONUNBUFFERED = 1

.DEFAULT_GOAL := help
.PHONY: help run test lint unit slow rooms browser mutants bench screenshots lock clean docs

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(VENV)/.run: requirements.txt
	@test -n "$(PYTHON)" && "$(PYTHON)" -c '$(FIT)' 2>/dev/null || { \
	  echo "Python 3.11 or newer with the modules venv and ensurepip is needed (Debian: python3-venv); PYTHON=… names it." >&2; exit 1; }
	@$(BIN)/python -c '$(FIT)' 2>/dev/null && $(BIN)/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear $(VENV)
	@echo "Installing the locked requirements into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.txt
	@echo "Installing the locked development requirements into $(VENV) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt -r requirements-dev.txt
	@touch $@

run: $(VENV)/.run  ## the desk on the demo tenant (PORT=8501)
	@exec $(BIN)/streamlit run app.py --server.port $(PORT)

# NAME, what it checks, and the commands. `make test` runs lint, rooms and browser; unit and slow are rooms in two parts.
STAGE = $(BIN)/python .ci/stage.py
# Only what is run is read: collecting all the tests takes a worker longer than most files of slow ones.
SLOW_FILES = $(shell grep -rl 'mark\.slow' tests --include='test_*.py' | sort)
# Tests start hundreds of processes: what is compiled is kept, also where the environment says otherwise.
unit slow rooms browser: export PYTHONDONTWRITEBYTECODE =

lint: $(VENV)/.dev  ## format, style, types, import contracts
	@$(STAGE) lint "format, style, types, import contracts" \
	  $(BIN)/ruff format --check . -- $(BIN)/ruff check . -- $(BIN)/mypy -- $(BIN)/lint-imports

unit: $(VENV)/.dev  ## the quick tests
	@$(STAGE) unit "every room: the quick tests, on SQLite and PostgreSQL" \
	  $(BIN)/python -m pytest -q -n 2 --dist loadgroup -m "not browser and not slow" --ignore tests/e2e $(MEASURED)

slow: $(VENV)/.dev  ## the tests that wait for processes of their own
	@$(STAGE) slow "workers, command line, launcher: killed, held up, left alone" \
	  $(BIN)/python -m pytest -q -n 3 --dist loadgroup -m "slow and not browser" $(SLOW_FILES)

# In one run: what waits for processes leaves the cores to what computes.
rooms: $(VENV)/.dev  ## unit and slow in one run
	@$(STAGE) rooms "every room, on SQLite and PostgreSQL; processes killed, held up" \
	  $(BIN)/python -m pytest -q -n 3 --dist loadgroup -m "not browser" --ignore tests/e2e $(MEASURED)

browser: $(VENV)/.dev  ## the tests that need Chromium
	@$(STAGE) browser "every screen and the whole story in Chromium" \
	  $(BIN)/python -m pytest -q -n 2 --dist loadfile -m browser tests/e2e

# Branch coverage of wfm, in the processes that run the quick tests; `python -m coverage report -m` then names the lines.
test: MEASURED = --cov=wfm --cov-branch --cov-report=
test: lint rooms browser  ## everything that must hold, and how much of wfm it runs through
	@echo "Branch coverage of wfm: $$($(BIN)/python -m coverage report --format=total) %"

bench: $(VENV)/.dev  ## measure and print the figures (an hour; RUNS=200000 for a shorter history, RUNS=0 for none)
	$(BIN)/python -m benchmarks --runs $(RUNS)

mutants: $(VENV)/.dev  ## change the engine, routes, pacing and the ledger's transitions in small ways, and list what no test notices (hours)
	-$(BIN)/mutmut run --max-children 2
	$(BIN)/mutmut results

screenshots: $(VENV)/.dev  ## the pictures of the README and docs/
	$(BIN)/python -m benchmarks.screenshots

lock: $(VENV)/.dev  ## lock requirements.in and requirements-dev.in with hashes
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header requirements.in -o requirements.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header requirements-dev.in -o requirements-dev.txt

clean:  ## remove the environment and the embedded data
	rm -rf $(VENV) .data .pytest_cache .mypy_cache .ruff_cache build/coverage
