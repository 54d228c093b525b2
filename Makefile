# The commands of this repository. Everything is set up on first use: Python >= 3.11, make and a package index suffice.

.DEFAULT_GOAL := help
SHELL := /bin/sh
.PHONY: help run test soak coverage profile demo check check-format check-lint check-types check-imports check-lock \
        check-docs check-paths format lock build clean

PACKAGES := $(notdir $(wildcard packages/*))
BIN := .venv/bin
UV := .tools/bin/uv
READY := .venv/.synced
EXPORT := $(UV) export --quiet --all-packages --no-emit-workspace --no-header --format requirements.txt

# Which folders of tests/ concern a package: what `make test PKG=` runs. Without PKG it is all of them.
TESTS_memoryos_ports := unit/ports contract property
TESTS_memoryos_core := unit/core property service
TESTS_memoryos_adapters := unit/adapters contract deploy
TESTS_memoryos_gateway := unit/gateway service e2e deploy
TESTS_memoryos_worker := unit/worker service e2e deploy
TESTS = $(if $(PKG),$(wildcard $(addprefix tests/,$(TESTS_$(PKG)))))
# Tests mostly wait, for processes and time-outs: three at once suit two cores.
WORKERS ?= 3
PYTEST_ARGS = $(TESTS) $(if $(K),-k "$(K)")

ifneq ($(PKG),)
ifeq ($(filter $(PKG),$(PACKAGES)),)
$(error PKG=$(PKG) is no package; there are: $(PACKAGES))
endif
endif

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  PKG  one of: $(PACKAGES)"
	@echo "       test: only the folders of tests/ that concern it (first lines of the Makefile); build: only its wheel"
	@echo "  K    test: only tests whose name holds it, as pytest -k"
	@echo "  ARGS run: more arguments, as in  make run ARGS=\"--provider openai\""

run: $(READY) ## serve on http://127.0.0.1:8080, data in ./.memoryos, no key and no server needed
	@exec $(BIN)/memoryos-gateway serve $(ARGS)

test: $(READY) ## every test that needs no Docker (PKG=, K= narrow it)
	@$(BIN)/pytest --numprocesses $(WORKERS) --dist loadscope $(PYTEST_ARGS)

soak: $(READY) ## the long rounds: tests marked soak
	@$(BIN)/pytest -m soak $(PYTEST_ARGS)

coverage: $(READY) ## branch coverage per package against tools/coverage_floor.toml, pages in htmlcov/
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage html --quiet
	@$(BIN)/python -m tools.coverage_table

profile: $(READY) ## a flame graph of the gateway under a short load: profile.svg
	@$(BIN)/python -m tools.profile

demo: $(READY) ## Redis, Qdrant, a gateway and a worker, and one turn on its way through them (Docker, else local processes)
	@deploy/scripts/demo_async_pipeline.sh

check: check-format check-lint check-types check-imports check-lock check-docs check-paths ## all checks (make -k check: go on after a red one)

check-format: $(READY)
	@$(BIN)/ruff format --check .

check-lint: $(READY)
	@$(BIN)/ruff check .

check-types: $(READY)
	@$(BIN)/mypy

check-imports: $(READY)
	@$(BIN)/lint-imports

check-lock: $(READY)
	@$(UV) lock --quiet --upgrade
	@$(EXPORT) | diff -u requirements.lock - || { echo "requirements.lock is stale: run 'make lock'" >&2; exit 1; }

check-docs: $(READY)
	@$(BIN)/python -m tools.check_links

check-paths: $(READY)
	@$(BIN)/python -m tools.check_paths

format: $(READY) ## format the code and mend what ruff can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: $(READY) ## resolve again, write requirements.lock and install it
	@$(UV) lock --upgrade
	@$(EXPORT) --output-file requirements.lock
	@sh tools/setup.sh

build: $(READY) ## wheels of all packages (PKG= one of them) into dist/
	@$(UV) build --wheel $(if $(PKG),--package $(PKG),--all-packages) --out-dir dist

clean: ## remove what was built and cached; .venv, .tools and data stay
	rm -rf dist htmlcov profile.svg .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find packages tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml $(wildcard packages/*/pyproject.toml packages/*/*.py) tools/setup.sh
	@sh tools/setup.sh
