# `make` says what there is. CI runs only `check`, `test` and `proofs`.
SHELL := /bin/bash
PY := .venv/bin/python
export AFFECT_DATA ?= $(wildcard ../shared/data)
ifeq ($(strip $(AFFECT_DATA)),)
unexport AFFECT_DATA
endif
# the processes that the tests start read what the first has compiled; empty as unset
export PYTHONDONTWRITEBYTECODE :=

# side by side, on two cores: the unit tests are busy all the time, the integration tests mostly wait for their servers
PARTS := $(addprefix tests/integration/,workers proofs producers commands)
TESTS := tests/unit $(firstword $(PARTS)) "$(wordlist 2,4,$(PARTS))" "tests/integration $(PARTS:%=--ignore=%)"
FAULTS := tests/integration/proofs/faults
INSTALLED := tests/integration/proofs/test_installed.py
PROOFS := "-m proof tests --ignore=$(FAULTS) --ignore=$(INSTALLED)" "-m proof $(FAULTS) $(INSTALLED)"

.DEFAULT_GOAL := help
.PHONY: help setup system kafka check test test-unit proofs soak soak-input soak-sessions demo bench lock clean

help: ## say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: ## Python packages into .venv, from requirements.lock
	@scripts/setup-python

system: ## Debian packages that the tests need (redis-server, java, maven), where they are missing
	@scripts/setup-system

kafka: system ## Apache Kafka's jars into .cache/kafka, for the tests
	@scripts/fetch-kafka
	@scripts/archive-kafka-classes

check: setup ## ruff, mypy strict, import contracts, declared dependencies, known vulnerabilities
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@.venv/bin/lint-imports
	@.venv/bin/deptry .
	@$(PY) scripts/audit.py

test: setup system kafka ## unit and integration tests, the proofs in a short form; on a real Kafka and a real Redis
	@$(if $(ARGS),$(PY) -m pytest $(ARGS),scripts/side-by-side $(TESTS))

test-unit: setup ## the tests that need no server
	@$(PY) -m pytest tests/unit $(ARGS)

proofs: setup system kafka ## the proofs in their long form, and the built package installed extra by extra
	@$(if $(ARGS),$(PY) -m pytest -m proof $(ARGS),scripts/side-by-side $(PROOFS))

soak-input: setup ## feed more than a million hostile inputs to every entrance; writes docs/experiments/soak-input.md
	@cd tests && PYTHONPATH=. ../$(PY) -m soak --report ../docs/experiments/soak-input.md $(ARGS)

soak-sessions: setup system kafka ## thousands of calls that come and go for an hour of event time: memory; writes a report
	@$(PY) -m benchmarks.soak $(ARGS)

soak: soak-input soak-sessions

demo: setup ## replay the demo call on the embedded stack and watch it being read
	@.venv/bin/affectstream demo $(ARGS)

bench: setup system kafka ## measure speed, latency and memory; a table and out/bench.json
	@$(PY) -m benchmarks $(ARGS)

lock: ## resolve requirements.lock from pyproject.toml
	@$(PY) -m uv pip compile --quiet --no-emit-index-url --no-header --generate-hashes --python-version 3.11 \
		--extra dev pyproject.toml -o requirements.lock

clean: ## remove what setup and the tests made
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis build out
