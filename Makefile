# Everything starts from a clean clone with Python >= 3.11 and a package registry; nothing needs root.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
FUZZ_SECONDS ?= 60
PYTEST_ARGS ?=
REPORTS ?=
HOT_BLOCK := 0x20380# the inner loop of crc32_update in tests/guests/src/demo.c

.PHONY: help check test bless fuzz bench bench-docs demo guests clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[test]"
	@touch $@

demo: $(VENV)/installed  ## run the bundled guest program and show one hot block at every stage
	$(BIN)/dbt run tests/guests/demo.elf 2000
	$(BIN)/dbt dump tests/guests/demo.elf --at $(HOT_BLOCK) --stage disasm,ir-opt,asm --layout columns

test: $(VENV)/installed-test  ## the whole test suite, on up to four processors
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal $(PYTEST_ARGS)

check: $(VENV)/installed-test  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/mypy

bless: $(VENV)/installed-test  ## rewrite the expected texts of the file tests (read the diff before you commit)
	$(BIN)/python -m pytest -q --bless

fuzz: $(VENV)/installed-test  ## random instructions and random IR for FUZZ_SECONDS
	$(BIN)/python -m pytest -q -rP -m fuzz --fuzz-seconds $(FUZZ_SECONDS)

bench: $(VENV)/installed  ## the speed table, as ratios to qemu-arm taken in the same run
	$(BIN)/dbt bench run --against qemu

bench-docs: $(VENV)/installed-test  ## measure REPORTS (default: all) and renew the tables in docs/performance.md
	$(BIN)/dbt bench docs --measure $(REPORTS)

guests: $(VENV)/installed  ## rebuild the prebuilt guest programs from their sources
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[guests]"
	$(BIN)/python tests/guests/build.py
	$(BIN)/python bench/guests/build.py
	$(BIN)/python tests/litmus/build.py

clean:  ## remove the environment and all that is generated
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
