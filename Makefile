# Needs Python 3.11 or newer and make; everything else is set up in .venv.
#   make PYTHON=python3.12 test                   another interpreter; .venv is set up again for it
#   make PYTHON=python3.12 VENV=.venv-3.12 test   beside the first one
PYTHON ?= python3
UV ?= uv
# Tests wait a fifth of their time, so one worker more than there are processors has work.
WORKERS ?= 3
# Where `make crash` kills: wherever there is something new (held), or at every edge (killed).
CRASH ?= held

VENV ?= .venv
BIN := $(VENV)/bin
RUNTIME := build/runtime
# The tool that draws the mutants has an environment of its own, apart from that of the tests.
MUTATION := build/mutation
MUTANTS ?= 300
SEED ?= 1
# Stamp files have the interpreter's version in their names, so another version sets up again. They
# are written last, so an interrupted set-up starts again.
VERSION := $(shell $(PYTHON) -c 'import platform; print(platform.python_version())' 2>/dev/null)
CAN_RUN := $(VENV)/.can-run-$(VERSION)
CAN_TEST := $(VENV)/.can-test-$(VERSION)
CAN_RUN_ALONE := $(RUNTIME)/.can-run-$(VERSION)
CAN_MUTATE := $(MUTATION)/.can-mutate-$(VERSION)
# Tests of tests/records that open no SQLite database.
WITHOUT_SQLITE := test_csv_files.py test_csv_header.py test_file_formats.py test_file_signatures.py \
	test_json_lines.py test_mysql_columns.py test_parquet_files.py test_suggestions.py \
	test_text_files.py
# Tests of jobs that check query plans or run whole nights; the others use nothing more of SQLite.
BY_PLAN := test_collect_queries.py test_figures.py test_night.py test_reconcile.py
# If this is set, as in many containers, each process compiles the code again, and each process of
# the tests rewrites the assertions again.
unexport PYTHONDONTWRITEBYTECODE
# Extras are kept: older versions of pip take the newest version of a name with an extra if it has
# no pin.
LOCKED := --universal --generate-hashes --no-header --no-strip-extras
PIP_FLAGS := --disable-pip-version-check --no-input --quiet

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-thorough test-all test-sqlite test-sqlalchemy crash fuzz model mutants lint types format docs dockerfile wheel check lock clean

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(CAN_TEST) ## Set up what the tests need

demo: $(CAN_RUN) ## Watch a whole night against a simulated Octopods
	$(BIN)/python -m recon demo --output demo

test: $(CAN_TEST) ## Run the tests, except those that search for long
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m 'not thorough'

test-thorough: $(CAN_TEST) ## Run the tests that search for long
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m thorough

test-all: $(CAN_TEST) ## Run both kinds of tests in one session
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

test-sqlite: $(CAN_TEST) ## Run the tests that use SQLite, with a newer SQLite than Python's
	RECON_TESTS_SQLITE=newer $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal \
		-k 'not postgres and not mariadb' $(addprefix --ignore=tests/records/,$(WITHOUT_SQLITE)) \
		tests/sqlread tests/store tests/records \
		$(addprefix tests/jobs/,$(BY_PLAN)) tests/cli/test_closing.py

test-sqlalchemy: $(CAN_TEST) ## Run the tests of reading rows on the oldest SQLAlchemy that is allowed
	rm -rf build/sqlalchemy
	$(BIN)/python -m pip install $(PIP_FLAGS) --no-deps --target build/sqlalchemy \
		"$$(sed -n 's/^ *"sqlalchemy>=\([^,]*\),.*/sqlalchemy==\1/p' pyproject.toml)"
	PYTHONPATH=build/sqlalchemy $(BIN)/python -m pytest tests/sqlread

crash: $(CAN_TEST) ## Kill each command wherever its work has left something new (CRASH=killed: anywhere)
	RECON_TESTS_CRASH=$(CRASH) $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --timeout 0 \
		tests/crash tests/resources/test_clock_jumps.py tests/resources/test_few_descriptors.py

fuzz: $(CAN_TEST) ## Try much bad input: answers, files, SQL, settings, arguments, mails
	RECON_FUZZ_INPUTS=$${RECON_FUZZ_INPUTS:-100000} RECON_FUZZ_SEED=$${RECON_FUZZ_SEED:-$$(date +%s)} \
		HYPOTHESIS_PROFILE=fuzz $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal \
		--timeout 0 tests/fuzz
	RECON_TESTS_DAYS=300 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --timeout 0 \
		-k many_odd_days tests/jobs/test_partitions.py tests/jobs/test_stored_partitions.py

model: $(CAN_TEST) ## Play commands, lists and clocks in any order, and compare with the truth
	RECON_MODEL_EXAMPLES=$${RECON_MODEL_EXAMPLES:-500} RECON_MACHINE_EXAMPLES=500 \
		HYPOTHESIS_PROFILE=explore $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal \
		--timeout 0 tests/machine tests/jobs/test_misbehaving_list.py

mutants: $(CAN_TEST) $(CAN_MUTATE) ## Change the code at random, and print what no test notices
	$(MUTATION)/bin/python tests/mutation/sample.py --count $(MUTANTS) --seed $(SEED) \
		recon/core recon/octopods recon/store >build/mutants.jsonl
	$(BIN)/python -m tests.mutation.run build/mutants.jsonl

lint: $(CAN_TEST) ## Lint, and check the formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(CAN_TEST) ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(CAN_TEST) ## Check the types
	$(BIN)/mypy

docs: $(CAN_TEST) ## Check that the help texts in docs/commands.md are the program's
	$(BIN)/python -m tests.help_texts --check

dockerfile: $(CAN_TEST) ## Lint the Dockerfile
	$(BIN)/hadolint Dockerfile

wheel: $(CAN_TEST) $(CAN_RUN_ALONE) ## Build the wheel, install it as the Dockerfile does, and use it
	.ci/wheel $(BIN)/python $(RUNTIME)/bin/python

check: ## Everything that must hold before a merge
	.ci/run

lock: ## Pin the dependencies again (needs uv)
	$(UV) pip compile --quiet $(LOCKED) --upgrade \
		--extra dev pyproject.toml --output-file requirements.lock
	$(UV) pip compile --quiet $(LOCKED) \
		--constraint requirements.lock pyproject.toml --output-file deploy/requirements.lock
	$(UV) pip compile --quiet $(LOCKED) \
		--constraint requirements.lock --extra dask pyproject.toml --output-file deploy/dask.lock
	echo hatchling | $(UV) pip compile --quiet $(LOCKED) \
		--constraint requirements.lock - --output-file deploy/build.lock
	echo cosmic-ray | $(UV) pip compile --quiet $(LOCKED) \
		--constraint requirements.lock - --output-file tests/mutation/requirements.lock
	echo kubernetes-validate | $(UV) pip compile --quiet $(LOCKED) --upgrade --no-deps \
		- --output-file tests/deploy/schemas.lock

clean: ## Remove what was made here
	rm -rf $(VENV) .venv-* build dist demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*
	find recon tests migrations -name __pycache__ -type d -prune -exec rm -rf {} +

# The demo imports only some of the packages, and Python compiles those on import. The tests start
# many processes, so everything is compiled before, by as many processes as there are processors.
$(CAN_RUN): deploy/requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=python3.12 …" >&2; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install $(PIP_FLAGS) --no-compile --require-hashes --requirement $<
	@touch $@

$(CAN_TEST): $(CAN_RUN) requirements.lock tests/deploy/schemas.lock pyproject.toml
	$(BIN)/python -m pip install $(PIP_FLAGS) --no-compile --require-hashes --requirement requirements.lock
	rm -rf $(VENV)/schemas
	$(BIN)/python -m pip download $(PIP_FLAGS) --no-deps --only-binary :all: --require-hashes \
		--requirement tests/deploy/schemas.lock --dest $(VENV)/schemas
	$(BIN)/python -m pip install $(PIP_FLAGS) --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -qq -j 0 -x '/tests/' $(VENV)/lib || true
	@touch $@

$(CAN_RUN_ALONE): deploy/requirements.lock
	$(PYTHON) -m venv --clear $(RUNTIME)
	$(RUNTIME)/bin/python -m pip install $(PIP_FLAGS) --no-compile --require-hashes --requirement $<
	@touch $@

$(CAN_MUTATE): tests/mutation/requirements.lock
	$(PYTHON) -m venv --clear $(MUTATION)
	$(MUTATION)/bin/python -m pip install $(PIP_FLAGS) --require-hashes --requirement $<
	@touch $@
