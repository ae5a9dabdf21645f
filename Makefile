# Everything a person or a machine does with this checkout. `make demo` and `make test` need Python 3.11 or newer with
# venv and pip, git, make, and a package index; the rest is set up in .venv by .ci/set-up.
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test coverage test-extras test-local-model test-contract container-test lint types workflows attacks attacks-numpy check-syscalls supply-chain kills lock clean set-up

PYTHON ?= python3
export PYTHON
# arguments of pytest, such as TESTS="tests/model -k stream"
TESTS ?= -n auto --maxprocesses 4

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1~\2/p' Makefile | tr '~' '\t' | expand -t 22

demo: ## plays the main job offline, on a real repository, with a recorded model
	@sh .ci/set-up run
	.venv/bin/greenloop demo

test: set-up ## runs all tests
	.venv/bin/python -m pytest $(TESTS)

coverage: set-up ## runs all tests and measures what they reach; at least 90 % of the branches
	.venv/bin/python -m pytest $(TESTS) --cov --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=90

test-contract: set-up ## holds what we ask of GitHub against what GitHub publishes; fetches that from npm, once
	.venv/bin/python tests/contract/fetch.py
	.venv/bin/python -m pytest tests/contract/check_requests.py tests/contract/check_events.py

test-extras: set-up ## runs the tests of the extras `languages` and `qdrant`, also against GREENLOOP_QDRANT_URL; 120 MB
	test -x .venv-extras/bin/python || $(PYTHON) -m venv .venv-extras
	.venv-extras/bin/python -m pip install -q --disable-pip-version-check -r requirements-dev.lock
	.venv-extras/bin/python -m pip install -q --disable-pip-version-check -e '.[languages,qdrant]'
	.venv-extras/bin/python -m pytest -q -rs tests/retrieval/test_dense.py tests/retrieval/test_languages.py

test-local-model: set-up ## makes a tiny real model, serves it in two ways, runs a request on each; torch, a GB, minutes
	test -x .venv-local-model/bin/transformers || $(PYTHON) -m venv .venv-local-model
	.venv-local-model/bin/python -m pip install -q --disable-pip-version-check -r tests/local_model/requirements.txt
	.venv/bin/python tests/local_model/run.py .venv-local-model/bin/python $(SERVERS)
	.venv/bin/python tests/local_model/own.py .venv-local-model/bin/python $(SERVERS)

container-test: set-up ## builds the image without a Docker daemon and runs the action in it; Linux, root, minutes (CONTAINER=--docker: with one)
	.venv/bin/python tests/container/run.py $(CONTAINER)

lint: set-up ## looks for mistakes and checks the format
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types: set-up ## checks the types
	.venv/bin/mypy

workflows: set-up ## checks our own workflows, and those that users copy: their form, and their safety
	.venv/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml docs/workflows/*.yml
	$(if $(wildcard action.yml),.venv/bin/check-jsonschema --builtin-schema vendor.github-actions action.yml)
	.venv/bin/zizmor --offline --no-progress .github/workflows docs/workflows/*.yml $(wildcard action.yml)

attacks: set-up ## attacks the sandbox from inside, in every way of being confined here, and shows the table
	.venv/bin/python tests/sandbox/table.py

attacks-numpy: set-up ## the same, with numpy from the package index among the ordinary programs
	.venv/bin/python tests/sandbox/table.py --numpy

check-syscalls: set-up ## holds our numbers of system calls against the kernel's headers; fetches those from Debian
	.venv/bin/python tests/sandbox/syscalls.py

supply-chain: set-up ## lists what greenloop brings along: licences, and known vulnerabilities where they can be asked for
	.venv/bin/python .ci/supply.py

kills: set-up ## switches off each rule, one by one, and sees that a test turns red
	.venv/bin/python tests/kills/run.py $(KILLS)

lock: set-up ## writes the lock files anew; LOCK=--upgrade takes the newest versions
	sh .ci/lock $(LOCK)

clean: ## removes .venv and everything else that was made here
	rm -rf .venv .venv-local-model .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache dist htmlcov

set-up:
	@sh .ci/set-up dev
