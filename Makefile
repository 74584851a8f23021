# Needs Python 3.11 or newer and make; everything else is set up in .venv.
#   make PYTHON=python3.12 test     another interpreter
PYTHON ?= python3
UV ?= uv
WORKERS ?= 2

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
RUNTIME := build/runtime
# With their extras: older pips look for the newest version of a name with an extra that has no pin.
LOCKED := --universal --generate-hashes --no-header --no-strip-extras
PIP_FLAGS := --disable-pip-version-check --no-input --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test lint types format docs dockerfile wheel check lock clean

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## Watch a whole night against a simulated Octopods
	$(BIN)/recon demo --output demo

test: $(READY) ## Run the tests
	$(BIN)/python -m pytest -n $(WORKERS)

lint: $(READY) ## Lint, and check the formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY) ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(READY) ## Check the types
	$(BIN)/mypy

docs: $(READY) ## Check that the help texts in README.md are the program's
	$(BIN)/python -m tests.readme --check

dockerfile: $(READY) ## Lint the Dockerfile
	$(BIN)/hadolint Dockerfile

wheel: $(READY) $(RUNTIME)/.ready ## Build the wheel, install it as the Dockerfile does, and use it
	.ci/wheel $(BIN)/python $(RUNTIME)/bin/python

check: ## Everything that must hold before a merge
	.ci/run

lock: ## Pin the dependencies anew (needs uv)
	$(UV) pip compile --quiet $(LOCKED) --upgrade \
		--extra dev pyproject.toml --output-file requirements.lock
	$(UV) pip compile --quiet $(LOCKED) \
		--constraint requirements.lock pyproject.toml --output-file deploy/requirements.lock
	echo hatchling | $(UV) pip compile --quiet $(LOCKED) \
		--constraint requirements.lock - --output-file deploy/build.lock

clean: ## Remove what was made here
	rm -rf $(VENV) build dist demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*
	find recon tests migrations -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps are written last, so that an interrupted set-up is begun again.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make PYTHON=python3.12 …" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install $(PIP_FLAGS) --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install $(PIP_FLAGS) --no-deps --no-build-isolation --editable .
	@touch $@

$(RUNTIME)/.ready: deploy/requirements.lock
	rm -rf $(RUNTIME)
	$(PYTHON) -m venv $(RUNTIME)
	$(RUNTIME)/bin/python -m pip install $(PIP_FLAGS) --require-hashes --requirement $<
	@touch $@
