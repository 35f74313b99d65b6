# Two commands are enough: `make demo` and `make test`. Python 3.11 or newer and make are all they need;
# PYTHON=python3.12 takes another interpreter.

PYTHON ?= python3
HIL_CACHE ?= $(CURDIR)/build/hil
# Only from the command line (make run HOST=0.0.0.0): shells have variables of these names of their own.
JOBS = 2
DATA = demo
HOST =
PORT =

BIN := .venv/bin
READY := .venv/.ready
FIELDSTACK := $(BIN)/fieldstack
# picamera2 and libcamera come from apt on a Raspberry Pi: there the environment sees them.
SIGHT = $(shell $(PYTHON) -c 'import importlib.util as u; print("--system-site-packages" if u.find_spec("picamera2") else "")')
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# No settings of this computer: a demo and a bench are the same everywhere.
DEFAULTS := --config /dev/null
# What was just written lies in the page cache in large pieces, of which every process counts 25 MB as its own memory.
# Read again, it lies there as on a computer that was switched on.
define FORGET_LIBRARIES
import os, pathlib, sysconfig
for path in pathlib.Path(sysconfig.get_path("platlib")).rglob("*.so*"):
    if hasattr(os, "posix_fadvise"):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
endef
export FORGET_LIBRARIES
SERVE = run $(if $(HOST),--host $(HOST)) $(if $(PORT),--port $(PORT))

.PHONY: help setup demo run test lint test-hil bench clean

help:
	@echo 'make demo      shoot a bracket on the simulated rig, stack it, serve the phone page (ONCE=1: end there)'
	@echo 'make run       the rig and its phone page, until Ctrl-C (HOST=0.0.0.0 lets phones in)'
	@echo 'make test      style, types, import rules and every test'
	@echo 'make setup     only prepare .venv'
	@echo 'make lint      style, types and import rules;  make test-hil  also the real picamera2, as root'
	@echo 'make bench     time and memory beside other stackers, into docs/benchmarks.md'

setup: $(READY)

# compileall: Python may be told not to keep what it compiles, and would do it anew at every start.
$(READY): pyproject.toml setup.py constraints.txt $(wildcard stacker/kernel/*.[ch] rig/devices/scenes/*.c)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'Python 3.11 or newer is needed; name one with: make setup PYTHON=python3.12' >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo 'python3-venv is missing: sudo apt install python3-venv' >&2; exit 1; }
	@echo 'preparing .venv; the first time this takes some minutes'
	@$(BIN)/python -c 'import pip' 2>/dev/null || $(PYTHON) -m venv --clear $(SIGHT) .venv
	@$(PIP) pip setuptools
	@PYTHONWARNINGS=ignore $(PIP) --no-build-isolation --editable '.[dev,raw]'
	@$(BIN)/python -m compileall -q rig stacker webui
	@$(BIN)/python -c "$$FORGET_LIBRARIES"
	@touch $@

demo: setup
	$(FIELDSTACK) shoot --sim bristles --data $(DATA) $(DEFAULTS)
ifneq ($(ONCE),1)
	$(FIELDSTACK) $(SERVE) --sim bristles --data $(DATA) $(DEFAULTS)
endif

run: setup
	$(FIELDSTACK) $(SERVE)

# A file's tests stay together: some share a rig or a browser. In the order of their names, the browser's come first:
# they take longest, and at the end one worker would wait for the other.
test: lint
	$(BIN)/pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

test-hil: setup
	HIL_CACHE=$(HIL_CACHE) $(BIN)/pytest --timeout 3600 tests/hil

bench: setup
	$(BIN)/python bench/compare.py $(BENCH)

clean:
	rm -rf .venv build dist stacker/kernel/*.so rig/devices/scenes/*.so .hypothesis .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
