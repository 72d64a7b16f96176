# Needs python3 (3.11 or newer) with pip, and make. Everything else goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(PYTHON) -m pip --python $(BIN)/python install -qq --constraint tests/constraints.txt
NEEDS := pyproject.toml tests/constraints.txt
# Two for each core: many tests wait for seconds to pass on a server.
WORKERS := $(shell expr 2 \* $$(nproc))

# The tests start hundreds of processes, which take half as long where Python may keep what it has compiled.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-full lint bench docs screenshots notebooks clean
.DEFAULT_GOAL := help

help:
	@echo "make demo         try beanops on a private server with a lively workload"
	@echo "make test         run all tests"
	@echo "make test-full    try the slowest properties for all of their rounds"
	@echo "make lint         check style, types and the direction of imports"
	@echo "make bench        print the figures, each beside its limit"
	@echo "make docs         build the manual: dist/docs/html with search, dist/docs/man"
	@echo "make screenshots  take the pictures of the manual"
	@echo "make notebooks    run the notebooks, and keep their outputs"
	@echo "make clean        remove .venv and caches"

demo: .venv/demo
	@.ci/install beanstalkd
	@$(BIN)/beanops demo

test: .venv/dev
	@# An SSH server is for CI alone: on other machines it would start.
	@.ci/install beanstalkd chromium fish openssh-client $(if $(CI),openssh-server) openssl postgresql prometheus prometheus-alertmanager stunnel4 tmux zsh
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --reruns 1 -r aR

test-full: .venv/dev
	@.ci/install beanstalkd
	@$(BIN)/python -m pytest --numprocesses auto -m full

lint: .venv/dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: .venv/bench
	@.ci/install beanstalkd chromium
	@$(BIN)/python -m tests.bench

docs: .venv/dev
	@$(BIN)/python -m tests.manual.command_line
	@$(BIN)/sphinx-build -q -W -c tests/manual -d dist/docs/cache/html beanops/manual dist/docs/html
	@$(BIN)/sphinx-build -q -W -b man -c tests/manual -d dist/docs/cache/man beanops/manual dist/docs/man
	@echo "dist/docs/html/index.html, dist/docs/man/beanops.1"

screenshots: .venv/dev
	@.ci/install beanstalkd
	@$(BIN)/python -m tests.screenshots

notebooks: .venv/dev
	@.ci/install chromium
	@$(BIN)/python -m tests.notebook.outputs

$(BIN)/python:
	@$(PYTHON) -m venv --without-pip .venv

# Files that say what has been installed, newer than what it was made from.
.venv/demo: $(NEEDS) | $(BIN)/python
	@echo "installing beanops[tui] into .venv ..."
	@$(INSTALL) --editable '.[tui]'
	@touch $@

.venv/dev: $(NEEDS) | $(BIN)/python
	@echo "installing beanops[dev] into .venv ..."
	@$(INSTALL) --editable '.[dev]'
	@touch $@ .venv/demo

.venv/bench: $(NEEDS) | $(BIN)/python
	@echo "installing beanops[bench] into .venv ..."
	@$(INSTALL) --editable '.[bench]'
	@touch $@ .venv/dev .venv/demo

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist
