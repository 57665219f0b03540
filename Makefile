# make demo and make test are the two commands of the README; both set up .venv first.
#
#   PYTHON=...      the interpreter to start from (default python3); a torch that it can
#                   import is kept
#   TORCH_INDEX=... where torch comes from, e.g. https://download.pytorch.org/whl/cpu
#   CXX=... MAX_JOBS=...  the compiler of mmcv, and how many files it compiles at a time
#   JOBS=...        processes that run the tests

SHELL := /bin/bash -euo pipefail
.DELETE_ON_ERROR:

PYTHON ?= python3
LINE ?= onedl
VENV ?= .venv
TORCH_INDEX ?=
JOBS ?= 2

BIN := $(VENV)/bin
INSTALL := $(BIN)/python tools/environment/install.py
STAMPS := $(VENV)/.mmvis
MMINSTALL := requirements/mminstall-$(LINE).txt
MMCV := $(shell grep -oE '^(onedl-)?mmcv==.*' $(MMINSTALL))
# One thread a process: torch's own threads get in each other's way. Each process begins
# with a half of its own, so that what a file's tests share is made once.
PYTEST := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m pytest \
    -n $(JOBS) --dist worksteal

.PHONY: help env env-openmmlab test test-full lint docs demo clean distclean

help:
	@echo 'make demo        train, test and draw a small model on generated videos'
	@echo 'make test        lint and test (what CI runs)'
	@echo 'make test-full   also the slow tests, with both lines of releases'
	@echo 'make docs        the documents as a site, in site/'
	@echo 'make env         only set up .venv;  make clean / distclean: remove results / also .venv'

env: $(STAMPS)/mmvis

# The other line of releases, in an environment of its own.
env-openmmlab:
	$(MAKE) env LINE=openmmlab VENV=.venv-openmmlab

CREATE_VENV := bash tools/environment/create_venv.sh '$(PYTHON)' '$(VENV)' '$(MMCV)'
$(STAMPS)/venv:
	@$(CREATE_VENV)
	@mkdir -p $(STAMPS) && touch $@

# A PYTHON that is named must be the environment's, also when that is there already.
ifneq ($(origin PYTHON),file)
.PHONY: same-python
same-python:
	@$(CREATE_VENV)
$(STAMPS)/venv: | same-python
endif

$(STAMPS)/torch: requirements/build.txt requirements/torch.txt $(STAMPS)/venv
	@$(INSTALL) -q -r requirements/build.txt
	@$(BIN)/python -c 'import torch' 2>/dev/null || \
	    $(INSTALL) -r requirements/torch.txt $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
	@touch $@

$(STAMPS)/mmcv: $(MMINSTALL) $(STAMPS)/torch
	@echo 'Installing numpy, mmengine, mmdet, mim and what the tests need beside it.'
	@grep -vE '^(onedl-)?mmcv==' $(MMINSTALL) > $(STAMPS)/beside_mmcv.txt
	@$(BIN)/python tools/environment/compile_mmcv.py --meanwhile $(STAMPS)/beside_mmcv.txt \
	    --meanwhile requirements/runtime.txt --meanwhile requirements/tests.txt '$(MMCV)'
	@touch $@

$(STAMPS)/packages: requirements/runtime.txt requirements/tests.txt \
    requirements/trackeval.txt $(STAMPS)/mmcv
	@$(INSTALL) -q -r $(MMINSTALL) -r requirements/runtime.txt -r requirements/tests.txt
	@$(INSTALL) -q --no-deps -r requirements/trackeval.txt
	@$(BIN)/python tools/environment/check_opencv.py
	@touch $@

$(STAMPS)/mmvis: setup.py pyproject.toml mmvis/version.py $(STAMPS)/packages
	@$(INSTALL) -q --no-build-isolation --no-deps -e .
	@$(BIN)/python -c 'import mmvis.registry'
	@touch $@

lint: env
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

test: lint
	$(PYTEST) -m 'not full'

# Some of these train for minutes.
test-full: lint env-openmmlab
	$(PYTEST) -o faulthandler_timeout=3500 --timeout=3600

# The documents need neither torch nor mmcv: an environment of their own.
DOCS := .venv-docs

$(DOCS)/.mmvis: requirements/docs.txt requirements/tests.txt
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python -m pip --disable-pip-version-check install -q -r requirements/docs.txt
	@touch $@

# --strict: a link that leads nowhere, or a docstring about what is not there, is an error.
docs: $(DOCS)/.mmvis
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build --strict --quiet
	@echo 'Open site/index.html; to search it too: python3 -m http.server -d site'

demo: env
	$(BIN)/python tools/demo.py

clean:
	rm -rf build dist demo site work_dirs *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis

distclean: clean
	rm -rf .venv .venv-openmmlab .venv-docs
