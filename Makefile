# Two commands do all the set-up: `make demo` and `make test`. `make dev` opens Dagster's UI.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check -qq
STAMP  := $(VENV)/.installed

.PHONY: help demo dashboard dev test test-slow test-long bench test-bigquery emulator python313 check format lock snapshots clean-demo

help:
	@echo "make demo    see it work: simulated vendors, the real pipeline, a summary"
	@echo "make dashboard   the dashboard over the demo, on http://127.0.0.1:3100"
	@echo "make dev     Dagster's UI on http://127.0.0.1:3000"
	@echo "make test    lint, types and the tests, but for the slow ones"
	@echo "make test-slow                         the slow tests alone"
	@echo "make test-long                         every fault at every endpoint of every vendor"
	@echo "make test-bigquery                     the tests on the BigQuery emulator alone (Python 3.13)"
	@echo "make test-bigquery PROJECT=my-project  the same on a Google Cloud project"
	@echo "make check   lint and types only"
	@echo "make bench   speed, written to benchmarks/RESULTS.md (BENCH=\"--events 3650000\": a year)"

# Byte code is made when a module is first imported: most of what comes along never is. Where a
# machine forbids it, each process would compile Dagster anew, which takes three times its start.
unexport PYTHONDONTWRITEBYTECODE

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one: make PYTHON=python3.12 …"; exit 1; }
	@echo "Installing the pinned requirements into $(VENV) (about a minute, once) …"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --no-compile --no-deps --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP)
	@$(BIN)/ai-usage demo

dashboard: $(STAMP)
	@$(BIN)/ai-usage dashboard --demo

dev: $(STAMP)
	@$(BIN)/ai-usage dev

check: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# A file's tests stay together: they share what is slow to make. Two workers for two cores.
WORKERS ?= 2
PYTEST   = $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder -r s

test: check emulator
	@$(PYTEST) -m "not slow"

# Years, kills, wheels, browsers, a month on the emulator: what a change is held against in the end.
test-slow: $(STAMP) emulator
	@$(PYTEST) -m slow

# `make test` holds every fault against each way of paging, and some against every endpoint.
test-long: $(STAMP)
	@$(PYTEST) -m long

# Minutes by default; a year of 3,650,000 or 36,500,000 raw events of 1,000 people takes hours.
BENCH ?=

bench: $(STAMP)
	@$(BIN)/python -m benchmarks.bench $(BENCH)

# The BigQuery emulator runs on Python 3.13 in an environment of its own.
EMULATOR := .venv-emulator/.installed
PYTHON313 ?= $(shell for python in python3.13 "$$(pyenv prefix 3.13 2>/dev/null)/bin/python"; do \
	"$$python" -c 'import sys, ensurepip; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null \
	&& { echo "$$python"; break; }; done)
NO_PYTHON313 = No Python 3.13 (with venv) is here, which the BigQuery emulator runs on

$(EMULATOR): requirements-emulator.lock
	@[ -n "$(PYTHON313)" ] || \
		{ echo "$(NO_PYTHON313); name one: make PYTHON313=/path/to/python3.13 …"; exit 1; }
	@echo "Installing the BigQuery emulator into .venv-emulator (once) …"
	@$(PYTHON313) -m venv .venv-emulator
	@.venv-emulator/bin/python -m pip --disable-pip-version-check -qq install --no-compile --no-deps \
		--require-hashes -r requirements-emulator.lock
	@touch $@

# Says which Python 3.13 would be taken; nothing if there is none.
python313:
	@echo $(PYTHON313)

# For `make test`, which runs without it too.
emulator:
	@if [ -n "$(PYTHON313)" ]; then $(MAKE) --no-print-directory $(EMULATOR); \
	elif [ ! -e $(EMULATOR) ]; then \
		echo "$(NO_PYTHON313):"; \
		echo "the tests of BigQuery SKIP. To run them: make test PYTHON313=/path/to/python3.13"; fi

# PROJECT=my-project runs the same tests on BigQuery itself, in datasets made for them.
test-bigquery: $(STAMP) $(if $(PROJECT),,$(EMULATOR))
	@AI_USAGE_TEST_PROJECT=$(PROJECT) $(BIN)/python -m pytest -m emulator --durations 5

format: $(STAMP)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# The documents' generated parts (README, docs/) and the list of definitions: from the code, the
# layers contract and the lock.
snapshots: $(STAMP)
	@$(BIN)/python -m tools.documents
	@UPDATE_SNAPSHOTS=1 $(BIN)/python -m pytest ai_usage_tests/orchestration/test_definitions.py

lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --quiet --extra bigquery --extra dashboard --extra postgres --extra dev pyproject.toml \
		--output-file requirements.lock
	uv pip compile --universal --python-version 3.13 --generate-hashes \
		--no-emit-index-url --no-header --quiet \
		ai_usage_tests/bigquery/emulator/requirements.in --output-file requirements-emulator.lock

clean-demo:
	rm -rf .demo
