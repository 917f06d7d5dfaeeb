# `make` alone prints help. Everything needed is set up by the target that needs it.
PY      ?= python3
HOST    ?= $(or $(PORTUNUS_HOST),127.0.0.1)
PORT    ?= $(or $(PORTUNUS_PORT),8000)
JOBS    ?= 3
PGBOUNCER ?= /usr/sbin/pgbouncer
UV_VERSION := 0.13.9
UV      := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
BIN     := .venv/bin
COMPILE := pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet
export UV_PYTHON_DOWNLOADS := never
export PY HOST PORT

.DEFAULT_GOAL := help
.PHONY: help setup run test timing properties fuzz faults bench purging check bar openapi lock clean browser pooler capacity

help:  ## print this
	@echo "Portunus. Needs python3 >= 3.11 with venv, make and git."
	@echo
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1 \t\2/p' $(MAKEFILE_LIST) | expand -t 16
	@echo
	@echo "HOST, PORT and every PORTUNUS_* variable are honoured by 'make run'; PY chooses the interpreter."

setup: .venv/.ready  ## make .venv with everything the locks name

run: .venv/.ready  ## migrate and serve on http://127.0.0.1:8000, in development mode
	@PORTUNUS_ENV=$${PORTUNUS_ENV:-development} $(BIN)/portunus migrate --quiet
	@PORTUNUS_ENV=$${PORTUNUS_ENV:-development} exec $(BIN)/portunus serve --host "$(HOST)" --port "$(PORT)"

test: .venv/.ready  ## run the whole suite: memory, SQLite and a real PostgreSQL; JOBS=3 files of it at a time
	@$(BIN)/pytest -n $(JOBS)

timing: .venv/.ready  ## measure that failed log-ins take as long, with 200 samples of each
	@PORTUNUS_TIMING_SAMPLES=200 $(BIN)/pytest -s tests/timing

faults: .venv/.ready  ## kill, stop, freeze and fail over, in full, and write docs/faults.md; ONLY=F-03 for one of it
	@PORTUNUS_FAULTS=full $(BIN)/pytest tests/faults -v $(if $(ONLY),-k test_$(shell echo $(ONLY) | tr -d '-' | tr A-Z a-z))

bench: .venv/.ready  ## measure what a request costs, in ratios to what the machine can do; QUICK=1 for three minutes of it
	@$(BIN)/python -m benchmarks $(if $(QUICK),--quick) $(if $(ONLY),--only "$(ONLY)")

fuzz: .venv/.ready  ## ask every route a thousand things made from its description, what follows from answers, and what is no HTTP
	@PORTUNUS_FUZZ_CASES=1000 PORTUNUS_FUZZ_SEQUENCES=300 PORTUNUS_FUZZ_CONVERSATIONS=10000 $(BIN)/pytest tests/fuzz

properties: .venv/.ready  ## do to sessions whatever can be done, in 200 random orders on each storage
	@PORTUNUS_PROPERTY_EXAMPLES=200 $(BIN)/pytest tests/properties

purging: .venv/.ready  ## measure how long a refresh takes while a million old sessions are removed, and while they are not
	@$(BIN)/python -m benchmarks.purge

check: .venv/.ready  ## format, lint, types, import contracts, locks up to date
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(MAKE) --no-print-directory .check-locks

bar: .venv/.ready  ## run the tests of the security bar, and write docs/security-bar.md
	@$(BIN)/python -m tests.security_bar list | xargs $(BIN)/pytest --junitxml=.venv/bar.xml; \
	$(BIN)/python -m tests.security_bar .venv/bar.xml

capacity: .venv/.ready  ## measure 1, 2 and 4 processes, and through PgBouncer; see if a model predicts what it was not fitted on
	@$(BIN)/python -m benchmarks.capacity

pooler: .venv/.ready  ## what every store promises, and two processes, through PgBouncer; not part of make test
	@test -x "$(PGBOUNCER)" || { echo "make pooler needs PgBouncer 1.18 or newer: install Debian's package pgbouncer, or set PGBOUNCER=/path/to/it."; exit 1; }
	@PORTUNUS_TEST_POOLER="$(PGBOUNCER)" $(BIN)/pytest -n $(JOBS) --dist loadfile tests/contracts tests/journeys/test_two_processes.py

browser: .venv/.ready  ## open /docs in Chromium, log in there, and call the API
	@test -x /usr/bin/chromium || { echo "make browser needs /usr/bin/chromium: install Debian's package chromium."; exit 1; }
	@$(BIN)/pytest tests/browser

openapi: .venv/.ready  ## write openapi.json anew; a test holds it to the routes
	@$(BIN)/portunus openapi --output openapi.json

lock: $(UV)  ## resolve the dependencies anew into requirements.lock and requirements-dev.lock
	$(UV) $(COMPILE) pyproject.toml -o requirements.lock
	$(UV) $(COMPILE) pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock

clean:  ## remove .venv, the private uv and caches (never var/, which holds data)
	rm -rf .venv .uv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.PHONY: .check-locks
.check-locks: $(UV)
	@rm -rf .venv/locks && mkdir -p .venv/locks && cp requirements.lock requirements-dev.lock .venv/locks/
	@$(UV) $(COMPILE) pyproject.toml -o .venv/locks/requirements.lock
	@$(UV) $(COMPILE) pyproject.toml --group dev -c requirements.lock -o .venv/locks/requirements-dev.lock
	@for lock in requirements.lock requirements-dev.lock; do \
	  sed 's/^ *#.*//' $$lock > .venv/locks/had; sed 's/^ *#.*//' .venv/locks/$$lock > .venv/locks/want; \
	  cmp -s .venv/locks/had .venv/locks/want || { echo "$$lock does not match pyproject.toml: run 'make lock' and commit it."; exit 1; }; \
	done; echo "Locks are up to date."

.uv/bin/uv:
	@echo "No uv on the PATH: installing $(UV_VERSION) privately into .uv"
	@$(PY) -m venv .uv && .uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/.ready: requirements-dev.lock pyproject.toml | $(UV)
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Portunus needs Python 3.11 or newer: make PY=/path/to/python3.13 ..."; exit 1; }
	@echo "Setting up .venv"
	@$(UV) venv --quiet --clear --python "$$(command -v $(PY))" .venv
	@VIRTUAL_ENV=.venv $(UV) pip sync --quiet --compile-bytecode --require-hashes requirements-dev.lock
	@VIRTUAL_ENV=.venv $(UV) pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@
