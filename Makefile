# make demo: a newcomer's tour.  make test: everything.  make interop: the real libraries beside ours.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# SwiftPM takes one build at a time and uses every core for it.
.NOTPARALLEL:
.PHONY: help demo test quick realbase clients base build setup interop kills fuzz sanitize bench format lint clean

SWIFT := swift
SOURCES := Package.swift Sources Tests

help: ## what there is to make
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

demo: build ## train two adapters, compare, promote, roll back and serve, every step a plain command
	@Tests/Demo/demo.sh

test: quick realbase clients ## the whole suite: quick tests first, those on the real base after, then a real client

# Tests that force a variant of the kernels change it under every other test, so they have a process of their own.
quick: setup
	$(SWIFT) build -c release --build-tests
	$(SWIFT) test -c release --skip-build --skip RealBase --skip KernelVariantTests
	$(SWIFT) test -c release --skip-build --filter KernelVariantTests

realbase: base
	$(SWIFT) build -c release --build-tests
	$(SWIFT) test -c release --skip-build --filter RealBase

# The openai package, from PyPI, against a server of its own.
clients: base
	@Tests/Clients/run.sh

# The tests need the file in the home's cache; the registry of this command is a throwaway.
base: build
	@$$($(SWIFT) build -c release --show-bin-path)/lorikeet base pull smollm2-135m-instruct \
	  --registry .build/test-registry.sqlite

build: setup ## the commands, optimised, in .build/release
	$(SWIFT) build -c release --product lorikeet

setup: ## install what is missing
	@.ci/setup

interop: base ## the server behind nginx and under load, goldens made again, the peers' benchmark (fetches PyTorch)
	@.ci/setup wrk nginx curl openssl
	Tests/Clients/run.sh interop.py
	$(SWIFT) build -c release --product lorikeet-bench
	$(SWIFT) build -c release --product adapter-logits
	Tests/Peers/interop.sh

kills: setup ## 2,000 real kills of a process at work on registries and their files, and 200 of a training
	$(SWIFT) build -c release --build-tests
	LORIKEET_KILLS=2000 $(SWIFT) test -c release --skip-build --filter KillTests --skip RealBase

fuzz: setup ## 200,000 random damages a parser, of a new seed
	$(SWIFT) build -c release --build-tests
	LORIKEET_FUZZ_CASES=$${LORIKEET_FUZZ_CASES:-200000} LORIKEET_FUZZ_SEED=$${LORIKEET_FUZZ_SEED:-$$RANDOM} \
	  $(SWIFT) test -c release --skip-build --filter FuzzTests

sanitize: setup ## the engine's and the server's tests under AddressSanitizer and ThreadSanitizer
	@Tests/Sanitizers/run.sh

bench: setup ## speed and memory: JSON lines and a table
	$(SWIFT) build -c release --product lorikeet-bench
	@$$($(SWIFT) build -c release --show-bin-path)/lorikeet-bench

format: ## lay out all Swift files
	$(SWIFT) format --in-place --recursive $(SOURCES)

lint: ## complain about layout and style
	$(SWIFT) format lint --strict --recursive $(SOURCES)

clean: ## remove what was built
	$(SWIFT) package clean
	rm -rf .build/test-registry.sqlite*
