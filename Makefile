# PYTHON chooses the version: make test PYTHON=3.15
# ARGS goes to the command:   make test ARGS="-k lifecycle"
# JOBS tests run at once:
JOBS ?= 2
PYTHON ?= 3.14
VENV := $(if $(filter 3.14,$(PYTHON)),.venv,.venv-$(PYTHON))

# Where this is set, every new interpreter compiles each module it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo notebooks test test-browser screenshots storm check bench matrix lab clean

help:   ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 16

setup:  ## find Python and make its virtual environment; quick when there is one
	@python3 scripts/make_venv.py $(PYTHON)

demo: setup   ## run the demo notebook in a real kernel and print it
	@$(VENV)/bin/python scripts/demo.py $(ARGS)

notebooks: setup   ## run all notebooks and save them with what they show
	@$(VENV)/bin/python scripts/run_notebooks.py $(ARGS)

test: setup   ## run the tests, except the long ones
	$(VENV)/bin/python -m pytest -m "not slow" -n $(JOBS) --dist worksteal $(ARGS)

test-browser: setup  ## run the tests in a real browser
	@python3 scripts/make_venv.py $(PYTHON) browser
	@chromium="$$(python3 scripts/find_chromium.py)" && \
	    $(VENV)/bin/python -m pytest tests/browser --chromium "$$chromium" \
        -o faulthandler_timeout=300 $(ARGS)

screenshots:  ## take the screenshots of the README
	@$(MAKE) test-browser ARGS="-k 'timeline or interrupt_reaches' $(ARGS)"
	@mkdir -p docs/images
	cp tests/browser/screenshots/actors.png docs/images/actors.png
	cp tests/browser/screenshots/interrupt-awaiting-default.png docs/images/interrupt.png

storm: setup  ## run the long tests: floods, storms, hundreds of actors
	$(VENV)/bin/python -m pytest -m slow -o faulthandler_timeout=300 $(ARGS)

# pyright finds the packages through the first Python on PATH.
check: setup  ## lint, types and layering
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" pyright --verifytypes subint_magic --ignoreexternal
	$(VENV)/bin/python -m pytest tests/pure/test_layering.py

bench: setup  ## measure against every alternative, and print tables
	@python3 scripts/make_venv.py $(PYTHON) bench
	$(VENV)/bin/python scripts/bench $(ARGS)

matrix:       ## measure what stops what, and write the table in docs/stopping.md
	@rm -rf .matrix && mkdir .matrix
	@for python in 3.14 3.15; do \
	    $(MAKE) test PYTHON=$$python JOBS=0 ARGS="tests/contract/test_matrix.py --record-matrix .matrix" \
	        || exit; \
	done
	@.venv/bin/python scripts/stop_matrix.py .matrix && rm -r .matrix

lab:          ## open the notebooks in JupyterLab
	@python3 scripts/make_venv.py $(PYTHON) lab
	$(VENV)/bin/jupyter lab --notebook-dir notebooks $(ARGS)

clean:        ## remove the virtual environments and caches
	rm -rf .venv .venv-3.* .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
