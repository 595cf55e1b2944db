# LungRater: `make run` for the site, which needs only Python >= 3.11 and make; `make test` for every check, which also needs
# Node.js, Chromium and R (CONTRIBUTING.md).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DOCS := build/docs/index.html
# OpenMP's threads fight with the workers' on small machines.
export OMP_NUM_THREADS ?= 1
# Hundreds of children of the tests import the project; where containers forbid bytecode, each would compile it anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup run test test-all external coverage check lint types unit every js lock sbom docs pictures wheel clean

help:
	@echo "make run      the site on this machine (ARGS=\"--port 9000\" for more)"
	@echo "make test     every check, and every test but the slow ones (E2E=1: also in real browsers, on real sites)"
	@echo "make test-all all: servers and disks that fail, other servers, an installed wheel, the commands of the docs"
	@echo "make external a part of them on PostgreSQL, Redis and PgBouncer of Debian's or Ubuntu's, which must be installed"
	@echo "make coverage what make test E2E=1 runs, and which lines and branches it never reached (ARGS=tests/pool for a part)"
	@echo "make check    the checks without the tests"
	@echo "make setup    only create $(VENV)"
	@echo "make docs     build the documentation, which the site then serves at /docs/"
	@echo "make pictures take the screenshots of README and docs again, of a fresh demo"
	@echo "make wheel    write dist/lungrater-VERSION-py3-none-any.whl"
	@echo "make sbom     write sbom.json, the bill of materials of what $(VENV) holds (CycloneDX)"
	@echo "make lock     write constraints.txt from what $(VENV) holds"

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "LungRater needs Python 3.11 or newer: make PYTHON=python3.12 ..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ echo "Python's venv module is missing: on Debian and Ubuntu, apt install python3-venv." >&2; rm -rf $(VENV); exit 1; }
	@echo "Installing what LungRater needs into $(VENV), PyTorch among it: this takes some minutes, the first time only."
	@$(BIN)/python -m pip install --disable-pip-version-check \
		--constraint constraints.txt --editable '.[embedded,worker,export,release,observe,dev]'
	@touch $@

run: $(STAMP) $(DOCS)
	@exec $(BIN)/lungrater up $(ARGS)

# Side by side: mypy keeps one core busy, and no test waits for it.
test: $(STAMP)
	+@$(MAKE) --no-print-directory --jobs 2 check unit

test-all: check every external

check: lint types js docs

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	git ls-files -z --cached --others --exclude-standard '*.html' | xargs -0 -r $(BIN)/djade --target-version 5.2 --check
	$(BIN)/lint-imports
	$(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	LUNGRATER_PRODUCTION=1 SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))') \
		ALLOWED_HOSTS=lungrater.example $(BIN)/lungrater check --deploy --fail-level WARNING

types: $(STAMP)
	$(BIN)/mypy .

js:
	@tests=$$(find tests static -name '*.test.js' -o -name '*.test.mjs'); test -z "$$tests" || node --test $$tests

# Without the folder of real images beside the repository, the tests that need it are left out, and counted.
# One process more than cores, up to four: a sixth of the time, tests wait for sites and browsers.
PROCESSES ?= $(shell $(BIN)/python -c 'import os; print(min(4, os.cpu_count() or 1) + 1)')
PYTEST = $(BIN)/python $(MEASURED) -m pytest --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder \
	$(if $(wildcard ../shared/data),,--without-shared)

# What only `make test-all` runs: real faults, servers of others, a wheel's own venv, a tutorial from end to end. Real sites,
# browsers and processes that train also run in `make test E2E=1`, as in .ci/run.
LEFT_OUT = $(if $(E2E),,e2e or )faults or recovery or external or install or walk

unit: $(STAMP)
	$(PYTEST) -m "not ($(LEFT_OUT))" $(ARGS)

every: $(STAMP)
	$(PYTEST) $(ARGS)

# A part of the suite on servers that are not the site's own; where one is not installed, or a test skips itself, it fails.
external: $(STAMP)
	$(BIN)/python -m tests.servers.external_suite $(ARGS)

# Lines and branches, of child processes too; slower, and so no part of `make test`.
coverage: MEASURED = -m coverage run
coverage: E2E = 1
coverage: $(STAMP)
	mkdir -p build/coverage
	$(BIN)/python -m coverage erase
	$(PYTEST) -m "not ($(LEFT_OUT))" $(ARGS)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

# Into build/docs, where the site finds it. Material's notice about its own future is not about us.
docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

$(DOCS): $(STAMP) mkdocs.yml $(shell find docs -type f)
	@$(MAKE) --no-print-directory docs

# A fresh demo builds itself first, which takes about a minute.
pictures: $(STAMP)
	$(BIN)/python bench/pictures.py

# Into dist/, with what hatch_build.py maps into the package.
wheel: $(STAMP) $(DOCS)
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-build-isolation --no-deps --wheel-dir dist .

# What this program is made of, with versions, licences and origins, for whoever answers for the site's security.
sbom: $(STAMP)
	$(BIN)/python -m cyclonedx_py environment --pyproject pyproject.toml --output-format JSON --output-file sbom.json $(BIN)/python

# The exact versions both commands install. Torch's "+cpu" and the like name a download, not a version.
lock: $(BIN)/python
	{ echo "# Exact versions, written by \`make lock\` from a tested .venv; used as pip's constraints."; \
	  $(BIN)/python -m pip freeze --exclude-editable --exclude lungrater | sed -E '/ @ |^-e/d; s/\+[a-z0-9.]+$$//'; } > constraints.new
	mv constraints.new constraints.txt

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
