# One command for each thing a developer does. Everything is set up on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO_STAMP := $(VENV)/.runs
ARGS ?=
# One more than a small machine has cores: many tests wait for a clock, and leave theirs to others.
WORKERS ?= 4

.PHONY: help demo test test-all bench profile campaign fuzz audit check format lock snapshots screenshots diagram clean
.DEFAULT_GOAL := help

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/make \1\t\2/' | expand -t 18

PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
NEEDS := import sys; sys.exit("creditbot needs Python 3.11 or newer; set PYTHON=python3.11") if sys.version_info < (3, 11) else None

$(STAMP): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c '$(NEEDS)'
	@echo "Installing creditbot and the tools to work on it into $(VENV) (about a minute) …"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --require-hashes -r requirements-dev.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@ $(DEMO_STAMP)

# The demo needs less, and runs from this folder as it is.
$(DEMO_STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c '$(NEEDS)'
	@echo "Installing what creditbot needs into $(VENV) (about half a minute, once) …"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --require-hashes -r requirements.lock
	@touch $@

demo: $(DEMO_STAMP) ## Try the bot in a browser, in a sandbox on this machine (ARGS=--help for more)
	@PYTHONPATH="$(CURDIR)" $(BIN)/python -m creditbot demo $(ARGS)

test: $(STAMP) ## Run all tests in their short form, in a few minutes (ARGS="-k approve" to choose)
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

test-all: $(STAMP) ## Run all tests in their long form: whole tables, many rounds, a longer campaign
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --long $(ARGS)

bench: $(STAMP) ## Measure the bot beside a bare Bolt app, and write docs/benchmarks.md (ARGS=--quick for less)
	$(BIN)/python -m tests.bench $(ARGS)

profile: $(STAMP) ## Show which functions take the processor's time in a row of the benchmark (ARGS=adds to choose)
	$(BIN)/python -m tests.bench.profile $(ARGS)

campaign: $(STAMP) ## 1,000 changes under 200 kills and many faults (ARGS="--requests 100 --kills 20" for less)
	$(BIN)/python -m tests.campaign $(ARGS)

fuzz: $(STAMP) ## 20,000 broken payloads against the bot by each way in: in process, over HTTP, over Socket Mode
	$(BIN)/python -m pytest -q --long --payloads 20000 $(ARGS) \
		tests/integration/test_fuzz.py tests/acceptance/test_fuzz_http.py tests/acceptance/test_fuzz_socket.py

audit: ## Look for known holes in the locked dependencies (asks pip-audit's service)
	$(PYTHON) -m venv $(VENV)-audit
	$(VENV)-audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit
	$(VENV)-audit/bin/pip-audit --strict --require-hashes --disable-pip -r requirements-postgres.lock

check: $(STAMP) ## Lint, check types, check the layering
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP) ## Format the code and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

snapshots: $(STAMP) ## Write the cards' snapshots anew, to be read in the diff
	$(BIN)/python -m pytest -q --snapshot-update tests/unit

diagram: $(STAMP) ## Redraw the diagram of states in docs/safety.md from the code
	$(BIN)/python -m tests.readme

screenshots: $(STAMP) ## Take the README's pictures anew (needs chromium)
	CREDITBOT_SCREENSHOTS=docs CREDITBOT_REQUIRE_BROWSER=1 $(BIN)/python -m pytest -q tests/browser/test_first_minute.py

lock: ## Resolve the dependencies anew (needs uv)
	uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --upgrade --python-version 3.11 pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11 --extra postgres -c requirements.lock pyproject.toml -o requirements-postgres.lock
	uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11 --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock

clean: ## Remove what was set up or built
	rm -rf $(VENV) $(VENV)-audit dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
