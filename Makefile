# PYTHON chooses the version: make test PYTHON=3.15
# ARGS goes to the command:   make test ARGS="-k lifecycle"
# JOBS tests run at once:
JOBS ?= 2
PYTHON ?= 3.14
VENV := $(if $(filter 3.14,$(PYTHON)),.venv,.venv-$(PYTHON))

# Where this is set, every new interpreter compiles each module it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo notebooks test test-browser test-cluster screenshots storm check
.PHONY: bench matrix lab wheel-test binder binder-test clean

help:   ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

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

test-cluster: setup  ## run the tests on clusters of Dask
	@python3 scripts/make_venv.py $(PYTHON) cluster
	$(VENV)/bin/python -m pytest tests/cluster --spawn-backend dask -m "not slow" -n $(JOBS) \
        --dist worksteal $(ARGS)

screenshots:  ## take the screenshots of the README
	@$(MAKE) test-browser ARGS="-k 'timeline or interrupt_reaches' $(ARGS)"
	@mkdir -p docs/images
	cp tests/browser/screenshots/actors.png docs/images/actors.png
	cp tests/browser/screenshots/interrupt-awaiting-default.png docs/images/interrupt.png

storm: setup  ## run the long tests: floods, storms, hundreds of actors
	$(VENV)/bin/python -m pytest tests --ignore tests/browser -m slow -o faulthandler_timeout=300 \
        $(ARGS)

# pyright finds the packages through the first Python on PATH.
check: setup  ## lint, types and layering
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/mypy tests/typing
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" pyright --verifytypes subint_magic --ignoreexternal
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" pyright tests/typing
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
	@$(MAKE) test-cluster JOBS=0 ARGS="-k test_matrix --record-matrix .matrix"
	@.venv/bin/python scripts/stop_matrix.py .matrix && rm -r .matrix

lab:          ## open the notebooks in JupyterLab
	@python3 scripts/make_venv.py $(PYTHON) lab
	$(VENV)/bin/jupyter lab --notebook-dir notebooks $(ARGS)

wheel-test: setup  ## build, install on each Python, and run cells in a kernel of that
	@python3 scripts/make_venv.py $(PYTHON) release
	$(VENV)/bin/python scripts/try_wheel.py $(ARGS)

binder: setup   ## write what is pinned in binder/; with ARGS=--upgrade the newest
	@"$$(PYTHONPATH=scripts python3 -c 'from find_python import find_uv; print(find_uv())')" \
	    pip compile --quiet --no-header --no-annotate --python $(VENV)/bin/python --extra dask \
	    --group binder --output-file binder/requirements.txt pyproject.toml $(ARGS)

binder-test:  ## make the environment of binder/ and run the notebooks in it
	python3 scripts/try_binder.py $(ARGS)

clean:        ## remove the virtual environments and caches
	rm -rf .venv .venv-3.* .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
