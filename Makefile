# `make help` lists the targets. Everything is installed below the checkout, in .venv, .venv-jax and .venv-parity.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test lint parity wheel lock clean

PIP_INSTALL := -m pip install --disable-pip-version-check --no-input
UV ?= uv

# An environment whose interpreter is gone (Python was upgraded, the folder came from another machine) counts as not installed.
$(foreach folder,.venv .venv-jax .venv-parity,$(shell $(folder)/bin/python -c "" 2>/dev/null || rm -f $(folder)/.installed))

# $(call create_environment,FOLDER,NEWEST MINOR VERSION,CANDIDATES): a virtual environment in FOLDER, made by the first candidate that
# runs, is Python 3.11 to 3.NEWEST and can make one. An environment that already fits is kept, so that an interrupted or outdated
# installation goes on from what is there; one that does not run, or is of another version, is made anew.
define create_environment
fits='import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, $(2)))'; \
if ! $(1)/bin/python -c "$$fits" 2>/dev/null || ! $(1)/bin/python -m pip --version >/dev/null 2>&1; then \
	found=; \
	for candidate in $(3); do \
		if "$$candidate" -c "$$fits" 2>/dev/null; then found=$$candidate; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "error: $(1) needs Python 3.11 to 3.$(2) with its venv module (Debian, Ubuntu: apt install python3-venv);" >&2; \
		echo "       none of these is one: $(3). Install one, or name one: make ... PYTHON=/path/to/python3" >&2; \
		exit 1; \
	fi; \
	echo "Creating $(1) with $$("$$found" --version)"; \
	"$$found" -m venv --clear $(1); \
fi
endef

help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## /\1|/p' Makefile | while IFS='|' read -r target text; do printf '  make %-8s %s\n' "$$target" "$$text"; done

setup: .venv/.installed ## .venv with the pinned dependencies and this checkout, from nothing

# __init__.py holds the version, which the installed metadata repeat. TensorFlow 2.21 is built for Python 3.10 to 3.13.
.venv/.installed: requirements.lock pyproject.toml keras_reid/__init__.py
	@$(call create_environment,.venv,13,$(or $(PYTHON),python3 python3.13 python3.12 python3.11 python))
	@echo "Installing the pinned dependencies into .venv (about 1 GB to download the first time)"
	@.venv/bin/python $(PIP_INSTALL) --no-deps --require-hashes -r requirements.lock
	@.venv/bin/python $(PIP_INSTALL) --quiet --no-deps --no-build-isolation -e .
	@touch $@

# FAISS and Milvus beside it, for the tests. `make setup` made anew removes nothing, so this stays.
.venv/.gallery: requirements-gallery.lock .venv/.installed
	@echo "Installing FAISS and Milvus Lite into .venv, for the tests of galleries"
	@.venv/bin/python $(PIP_INSTALL) --quiet --no-deps --require-hashes -r requirements-gallery.lock
	@touch $@

# The package without TensorFlow, on JAX. --no-deps, because the package's own dependencies name TensorFlow.
.venv-jax/.installed: requirements-jax.lock pyproject.toml | .venv/.installed
	@$(call create_environment,.venv-jax,13,.venv/bin/python)
	@echo "Installing the JAX backend without TensorFlow into .venv-jax"
	@.venv-jax/bin/python $(PIP_INSTALL) --quiet --require-hashes -r requirements-jax.lock
	@.venv-jax/bin/python $(PIP_INSTALL) --quiet --no-deps --no-build-isolation -e .
	@touch $@

# The last TensorFlow that tensorflow-addons runs on is built for Python up to 3.11.
.venv-parity/.installed: requirements-parity.lock
	@$(call create_environment,.venv-parity,11,$(or $(PYTHON),python3.11 python3 python))
	@echo "Installing tensorflow-addons and its TensorFlow into .venv-parity"
	@.venv-parity/bin/python $(PIP_INSTALL) --quiet --require-hashes -r requirements-parity.lock
	@touch $@

demo: setup ## load, fine-tune, evaluate, export and draw han_small; writes demo/report.json
	@.venv/bin/python -m keras_reid.demo

test: setup .venv/.gallery .venv-jax/.installed ## the tests, as many at a time as there are cores, at most 4; ARGS=... goes to pytest
	@.venv/bin/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: setup ## ruff (lint and format) and mypy
	@.venv/bin/python -m ruff check .
	@.venv/bin/python -m ruff format --check .
	@.venv/bin/python -m mypy

parity: setup .venv-parity/.installed ## our triplet loss against tensorflow-addons (needs Python 3.11)
	@KERAS_REID_PYTHON="$(CURDIR)/.venv/bin/python" .venv-parity/bin/python -m pytest tests/parity $(ARGS)

wheel: setup ## dist/keras_reid-*.whl
	@.venv/bin/python -m hatchling build --clean --target wheel

# --universal: one lock for Linux and macOS and every supported Python. No index or URL is written, so that any mirror serves.
lock: ## the lock files, anew (needs uv)
	@command -v $(UV) >/dev/null || { echo "error: make lock needs uv: pip install uv, or make lock UV=/path/to/uv" >&2; exit 1; }
	@compile() { $(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 --custom-compile-command "make lock" "$$@"; }; \
	compile pyproject.toml --extra onnx --extra people --extra dev --output-file requirements.lock && \
	compile --group gallery --constraint requirements.lock --output-file requirements-gallery.lock && \
	compile --group jax --output-file requirements-jax.lock && \
	compile --group parity --output-file requirements-parity.lock

clean: ## remove what make and the tests made, the environments too
	@rm -rf .venv .venv-jax .venv-parity dist demo .pytest_cache .ruff_cache .mypy_cache .hypothesis
	@find benchmarks keras_reid tests tflite training zoo -name __pycache__ -type d -prune -exec rm -rf {} +
