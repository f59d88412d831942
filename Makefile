# The verbs of the project: `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3

VENV := .venv/bin
# The pinned Python, Node and npm come first, then the pinned CDK CLI.
export PATH := $(CURDIR)/$(VENV):$(CURDIR)/node_modules/.bin:$(PATH)
# The CDK CLI checks for no new version and sends no telemetry.
export CDK_DISABLE_CLI_TELEMETRY := 1
export CDK_DISABLE_VERSION_CHECK := 1
# Containers often set it: each process would then compile all that it imports, which is seconds for the CDK.
unexport PYTHONDONTWRITEBYTECODE
# Where the home cannot be written, what is installed is cached here.
ifneq ($(shell test -d "$$HOME" -a -w "$$HOME" && echo yes),yes)
export UV_CACHE_DIR := $(CURDIR)/build/cache/uv
export npm_config_cache := $(CURDIR)/build/cache/npm
endif

.PHONY: help
help: ## list the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

## --- on this machine

.PHONY: up down status logs proxy gguf rehearse-scaling
up: setup ## set up, deploy into the embedded AWS, answer a prompt with a real model (MODEL=your.gguf, ENTRY=mistral-7b-instruct)
	@python -m operate up $${GIVEN_MODEL:+"--model=$$GIVEN_MODEL"} $${GIVEN_ENTRY:+"--entry=$$GIVEN_ENTRY"}

down: ## stop the embedded AWS; its data stays
	@python -m operate down

status: ## show what runs and what is deployed
	@python -m operate status

logs: ## print the logs of the functions, the endpoint and the embedded AWS
	@python -m operate logs

proxy: ## run the proxy from its sources, with reload, against the deployed endpoint (LOCAL_PROXY_PORT=8000)
	@python -m operate proxy

gguf: ## write a tuned model's checkpoint as one GGUF file (FROM=folder TO=file.gguf KIND=Q8_0, F16 or Q4_0)
	@python -m operate gguf --from="$$GIVEN_FROM" --to="$$GIVEN_TO" $${GIVEN_KIND:+"--kind=$$GIVEN_KIND"}

rehearse-scaling: build ## rehearse a deployed plan: a ramp of load through the API, in accelerated time (SCALE=20)
	@python -m operate rehearse-scaling $${GIVEN_SCALE:+"--time-scale=$$GIVEN_SCALE"}

## --- on any environment: ENV=local, dev, cpu, staging or prod

ENV ?= local
CLIENT ?= Demo
MODE ?= instruction
DAYS ?= 365
MINUTES ?= 15
# Values from the command line reach the programs unchanged: neither make nor a shell expands them.
unexport ENV CLIENT MODEL ENTRY KIND MODE DATA SET FAIL DAYS FROM TO WATCH ROLE WRITE T ASSEMBLY DIGEST COMMIT CONFIRM BEFORE AFTER LABELS NUMBER FILE MINUTES URL KEY VERSION DRY SCALE UNGUARDED
export GIVEN_SCALE := $(value SCALE)
export GIVEN_ENV := $(value ENV)
export GIVEN_CLIENT := $(value CLIENT)
export GIVEN_MODEL := $(value MODEL)
export GIVEN_ENTRY := $(value ENTRY)
export GIVEN_KIND := $(value KIND)
export GIVEN_MODE := $(value MODE)
export GIVEN_DATA := $(value DATA)
export GIVEN_SET := $(value SET)
export GIVEN_FAIL := $(value FAIL)
export GIVEN_DAYS := $(value DAYS)
export GIVEN_FROM := $(value FROM)
export GIVEN_WATCH := $(value WATCH)
export GIVEN_TO := $(value TO)
export GIVEN_ROLE := $(value ROLE)
export GIVEN_WRITE := $(value WRITE)
export GIVEN_T := $(value T)
export GIVEN_BENCH := $(value BENCH)
export GIVEN_ASSEMBLY := $(value ASSEMBLY)
export GIVEN_DIGEST := $(value DIGEST)
export GIVEN_COMMIT := $(value COMMIT)
export GIVEN_CONFIRM := $(value CONFIRM)
export GIVEN_BEFORE := $(value BEFORE)
export GIVEN_AFTER := $(value AFTER)
export GIVEN_LABELS := $(value LABELS)
export GIVEN_NUMBER := $(value NUMBER)
export GIVEN_FILE := $(value FILE)
export GIVEN_VERSION := $(value VERSION)
export GIVEN_DRY := $(value DRY)
export GIVEN_UNGUARDED := $(value UNGUARDED)
export GIVEN_URL := $(value URL)
export GIVEN_KEY := $(value KEY)
export GIVEN_MINUTES := $(value MINUTES)
# Whoever writes UNGUARDED=0 does not mean 1.
only_1 = case "$$GIVEN_$(1)" in ""|1) ;; *) echo "$(1) must be 1, or not given: got $$GIVEN_$(1)" >&2; exit 2;; esac
# `ps` shows everybody on the machine the words of a command, and nobody else its environment.
warn_of_key = case "$(origin KEY)" in "command line") \
  echo "KEY can be read in \`ps\`: give it before the command, KEY=... make $@" >&2;; esac
# In any case, as the verbs accept it.
is_local = $(filter local,$(subst L,l,$(subst O,o,$(subst C,c,$(subst A,a,$(value ENV))))))

.PHONY: chat info key plan preflight cleanup bootstrap deploy diff delivery destroy finetune rollback instance-type repair drift image job-logs stage-weights
chat: ## talk to the deployed model in the terminal
	@python -m operate chat --client="$$GIVEN_CLIENT" -- "$$GIVEN_ENV"

info: ## print one JSON object for scripts: base_url, api_key, model, ... (make -s info)
	@python -m operate info --client="$$GIVEN_CLIENT" -- "$$GIVEN_ENV"

key: ## print a client's API key (make -s key ENV=dev CLIENT=Demo)
	@python -m operate key --client="$$GIVEN_CLIENT" -- "$$GIVEN_ENV"

plan: ## show what follows from the declared load: fleet, limits, cost, a simulated day
	@python -m operate plan -- "$$GIVEN_ENV"

preflight: ## check an account before the first deployment, read-only (ENV=dev)
	@python -m operate preflight -- "$$GIVEN_ENV"

bootstrap: installed ## bootstrap the CDK, with only the permissions that deployments need (ENV=dev)
	@python -m operate bootstrap -- "$$GIVEN_ENV"

given_assembly = $${GIVEN_ASSEMBLY:+"--assembly=$$GIVEN_ASSEMBLY"} --digest="$$GIVEN_DIGEST"
deploy: installed ## deploy all stacks, of this checkout or of an assembly (ENV=, ASSEMBLY=file with DIGEST=, COMMIT=, UNGUARDED=1)
	@$(call only_1,UNGUARDED)
	@python -m operate deploy $(given_assembly) --commit="$$GIVEN_COMMIT" $${GIVEN_UNGUARDED:+--unguarded} -- "$$GIVEN_ENV"

diff: installed ## show what a deployment would change (ENV=, ASSEMBLY= with DIGEST=)
	@python -m operate diff $(given_assembly) -- "$$GIVEN_ENV"

destroy: installed ## delete all stacks, after saying what stays and what it costs (ENV=, CONFIRM=name)
	@python -m operate destroy --confirm="$$GIVEN_CONFIRM" -- "$$GIVEN_ENV"

delivery: installed ## deploy the role that CI deploys with, as an administrator (ENV=dev)
	@python -m operate delivery -- "$$GIVEN_ENV"

# The embedded AWS runs jobs on this machine, with the packages of their image.
finetune: .venv/installed $(if $(is_local),.venv-jobs/installed) ## fine-tune, release and ask (ENV=, MODE=domain, DATA=folder, SET="epoch=3 seed=7", FAIL=gate, WATCH=execution)
	@python -m operate finetune --mode="$$GIVEN_MODE" --set="$$GIVEN_SET" \
	  $${GIVEN_DATA:+"--data=$$GIVEN_DATA"} $${GIVEN_FAIL:+"--fail=$$GIVEN_FAIL"} \
	  $${GIVEN_WATCH:+"--watch=$$GIVEN_WATCH"} -- "$$GIVEN_ENV"

rollback: ## release the model that was served before (ENV=, TO=version or base)
	@python -m operate rollback $${GIVEN_TO:+"--to=$$GIVEN_TO"} -- "$$GIVEN_ENV"

instance-type: ## deploy another instance type, with the endpoint serving all the while (ENV=dev, COMMIT=)
	@python -m operate instance-type --commit="$$GIVEN_COMMIT" -- "$$GIVEN_ENV"

repair: ## continue a rollback of the serving stack that failed
	@python -m operate repair -- "$$GIVEN_ENV"

drift: ## check that the endpoint serves what its stack says
	@python -m operate drift -- "$$GIVEN_ENV"

cleanup: ## list what a destroyed environment left behind, and delete it when confirmed (ENV=dev)
	@python -m operate cleanup -- "$$GIVEN_ENV"

image: ## show the digests of the container images, in the registry and as deployed (ENV=dev)
	@python -m operate image -- "$$GIVEN_ENV"

job-logs: ## set how many days the account keeps the logs that belong to no stack (DAYS=365)
	@python -m operate job-logs --days="$$GIVEN_DAYS" -- "$$GIVEN_ENV"

stage-weights: ## bring a model's weights from the hub into the account (ENV=, FROM=folder or file.gguf)
	@python -m operate stage-weights $${GIVEN_FROM:+"--from=$$GIVEN_FROM"} -- "$$GIVEN_ENV"

## --- for CI: what the workflows in .github call

.PHONY: assembly diff-report comment base-commit deployed-commit no-return watch stack-drift cost release place
assembly: installed ## synthesize all environments on AWS into one file, and print its digest (COMMIT=)
	@python -m operate assembly --commit="$$GIVEN_COMMIT"

diff-report: installed ## print the comment for a pull request, and fail if it deletes what holds data (BEFORE=, AFTER=, LABELS=)
	@python -m operate diff-report --labels="$$GIVEN_LABELS" \
	  $${GIVEN_BEFORE:+"--before=$$GIVEN_BEFORE"} $${GIVEN_AFTER:+"--after=$$GIVEN_AFTER"}

comment: installed ## write the comment of a pull request, or replace it (NUMBER=, FILE=)
	@python -m operate comment --number="$$GIVEN_NUMBER" $${GIVEN_FILE:+"--file=$$GIVEN_FILE"}

base-commit: installed ## print the commit that a pull request's merge was made on
	@python -m operate base-commit

deployed-commit: installed ## print the commit that was deployed last, and whether anything is (ENV=)
	@python -m operate deployed-commit -- "$$GIVEN_ENV"

no-return: installed ## print the warning that a failed job cannot return by itself (ENV=, COMMIT=)
	@python -m operate no-return --commit="$$GIVEN_COMMIT" -- "$$GIVEN_ENV"

watch: installed ## watch the alarms for a while, and fail if one rings (ENV=, MINUTES=15)
	@python -m operate watch --minutes="$$GIVEN_MINUTES" -- "$$GIVEN_ENV"

stack-drift: installed ## let CloudFormation compare its stacks with their resources (ENV=)
	@python -m operate stack-drift -- "$$GIVEN_ENV"

cost: installed ## print what the deployed stacks cost a month (ENV=)
	@python -m operate cost -- "$$GIVEN_ENV"

release: installed ## write the changelog's section, build the wheels, commit and tag a version (VERSION=, DRY=1)
	@$(call only_1,DRY)
	@python -m operate release --version="$$GIVEN_VERSION" $${GIVEN_DRY:+--dry-run}

place: installed ## print the region and the roles that a job signs in with (ENV=)
	@python -m operate place -- "$$GIVEN_ENV"

## --- the documents

.PHONY: reference docs docs-commands
reference: setup ## write docs/reference and docs/diagrams, from the code and the templates
	@python -m documentation

docs: .venv-docs/installed ## build the site of docs/ into build/site, without a dead link (SERVE=1 shows it)
	@.venv-docs/bin/python -m sphinx -q -W --keep-going -n -d build/site-cache docs build/site
	@echo "build/site/index.html"
	@$(if $(SERVE),python -m http.server --bind 127.0.0.1 --directory build/site $${SITE_PORT:-8010})

docs-commands: installed ## follow README and guides in a clean clone, command by command (minutes)
	@python -m documentation.commands

## --- back to the sources

.PHONY: clean
clean: ## stop everything, and delete all that was made here but the sources
	@if [ -x $(VENV)/python ]; then python -m operate down; fi
	rm -rf .venv .venv-tgi .venv-jobs .venv-bench .venv-scan .venv-docs .venv-clients node_modules build cdk.out .local
	rm -rf tests/clients/node/node_modules
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

## --- installation, from exact pins

down status logs chat proxy gguf info key plan preflight cleanup rollback instance-type repair drift image job-logs stage-weights smoke browser examples bench-streaming: installed

.PHONY: installed
installed:
	@test -e .venv/installed -a -e node_modules/installed || { \
	  echo "nothing is installed here yet: run \`make setup\` (or \`make up\`) first" >&2; exit 1; }

# Python compiles a module when it is first imported; most installed modules never are.
unexport PYTHONDONTWRITEBYTECODE

# Name the registry that could not be reached; what is installed already is not fetched again.
ask_for = { echo "$(1) must be reachable: run the same command again when it is" >&2; exit 1; }

.PHONY: setup hooks lock
setup: .venv/installed node_modules/installed ## install everything that the project pins

hooks: setup ## check each commit before it is made: style, types, goldens
	@pre-commit install

# A package's entry in a lock, with its hashes.
entry = sed -n '/^$(1)==/,/[^\\]$$/p' $(2)

.venv/installed: requirements.lock
	@command -v $(PYTHON) >/dev/null || { \
	  echo "Python 3.11 or newer is needed, there is no $(PYTHON): make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed, $$($(PYTHON) --version) was found: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "installing the Python packages (the first time takes minutes)"
	@test -x $(VENV)/uv || { $(PYTHON) -m venv .venv && \
	  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r <($(call entry,uv,$<)); } || { \
	  echo "the first installation needs Python's venv module and the package index PyPI" >&2; rm -rf .venv; exit 1; }
	@.venv/bin/uv pip sync --require-hashes --python .venv/bin/python $< || \
	  $(call ask_for,the package index PyPI)
	@touch $@

node_modules/installed: package-lock.json .venv/installed
	@echo "installing the CDK CLI and what compiles the functions for AWS"
	@npm ci --no-audit --no-fund --loglevel=error || $(call ask_for,npm's registry)
	@touch $@

.venv-tgi/installed: requirements/text-generation.lock
.venv-bench/installed: requirements/bench.lock
.venv-scan/installed: requirements/scan.lock
.venv-docs/installed: requirements/docs.lock
# Those of `make clients`, one each.
client_locks := $(wildcard requirements/clients/*.lock)
client_environments := $(client_locks:requirements/clients/%.lock=.venv-clients/%/installed)
$(client_environments): .venv-clients/%/installed: requirements/clients/%.lock
.venv-tgi/installed .venv-bench/installed .venv-scan/installed .venv-docs/installed $(client_environments): .venv/installed
	@uv venv --quiet --clear --python .venv/bin/python $(@D)
	@uv pip sync --quiet --require-hashes --python $(@D)/bin/python $(filter %.lock,$^)
	@touch $@

tests/clients/node/node_modules/installed: tests/clients/node/package-lock.json .venv/installed
	@npm ci --prefix $(dir $<) --no-audit --no-fund --loglevel=error || $(call ask_for,npm's registry)
	@touch $@

# PyPI has torch for Linux only with gigabytes of CUDA. Where pip's own settings offer its CPU build, that
# is installed instead, with pip because uv does not read them; then what the installed torch depends on.
.venv-jobs/installed: requirements/jobs.lock requirements/torch-cpu.lock .venv/installed
	@echo "installing what runs inside SageMaker jobs (torch: minutes the first time)"
	@rm -rf .venv-jobs && python -m venv .venv-jobs
	@install="$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes"; \
	  said=$$($$install -r requirements/torch-cpu.lock 2>&1) || case "$$said" in \
	    *"No matching distribution"*) $$install -r <($(call entry,torch,$<)) ;; \
	    *) echo "$$said" >&2; exit 1 ;; esac
	@torch=$$(.venv-jobs/bin/python -c 'from importlib.metadata import version; print(version("torch"))') && \
	  uv pip install --quiet --require-hashes --python .venv-jobs/bin/python --group jobs \
	  --constraints <(sed "s/^torch==[^ ]*/torch==$$torch/" $<)
	@touch $@

compile_lock = uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
  --generate-hashes
lock: ## write the locks anew, after a change of the pins
	$(compile_lock) -o requirements.lock requirements.txt embedded_aws/pyproject.toml --group development
	@# tokenizers needs huggingface-hub only to download, and it brings a dozen packages
	$(compile_lock) -o lambda/invoke_proxy/requirements.lock --group invoke-proxy -c requirements.lock \
	  --excludes <(echo huggingface-hub)
	$(compile_lock) -o lambda/invoke_proxy/vocabularies.lock --group vocabularies -c requirements.lock --no-deps
	for group in bench docs jobs scan text-generation; do \
	  $(compile_lock) -o requirements/$$group.lock --group $$group || exit 1; done
	@# without what the project leaves out of its own environments
	for client in $(client_locks:requirements/clients/%.lock=%); do \
	  $(compile_lock) --no-config -o requirements/clients/$$client.lock --group client-$$client || exit 1; done

## --- checks

.PHONY: build synth test unit infrastructure end-to-end jobs clients lifecycle upgrades pipeline rehearse kill-loop scan least-privilege smoke browser examples fuzz bench simulate recall bench-proxy bench-synth bench-streaming lint format definition golden
build: setup ## build the functions' assets
	@python lambda/build_functions.py

synth: setup ## synthesize every environment
	@cdk synth --quiet

# Each suite is a process, which imports what its own tests need. Those of the embedded AWS wait a lot.
test: setup .venv-tgi/installed style ## every check: style, types, unit, infrastructure, end to end
	@python lambda/build_functions.py
	@$(MAKE) --no-print-directory -j4 MARKED="not slow" AT_A_TIME=3 types unit infrastructure end-to-end

.PHONY: slow style types

slow: build .venv-tgi/installed ## wheels and assets built anew, an embedded AWS stopped, killed and filled up, requests at random
	@$(MAKE) --no-print-directory -j2 MARKED=slow end-to-end infrastructure unit

# What the two above say to the three below.
marked = $(if $(MARKED),-m "$(MARKED)")
at_a_time = $(if $(AT_A_TIME),-n $(AT_A_TIME) --dist loadgroup)

# T: only the tests whose names match, as pytest's -k reads it
selected = $${GIVEN_T:+"-k$$GIVEN_T"}
unit: setup ## unit tests only (T="name or another")
	@python -m pytest -q tests/unit $(marked) $(selected)

infrastructure: build ## stack tests only (T=)
	@python -m pytest -q tests/infrastructure $(marked) $(selected)

end-to-end: build .venv-tgi/installed ## tests against the embedded AWS only (T=)
	@python -m pytest -q tests/embedded embedded_aws/tests $(marked) $(at_a_time) $(selected)

jobs: .venv-jobs/installed ## tests of the job scripts, with torch and a tiny model (T=)
	@OMP_NUM_THREADS=1 .venv-jobs/bin/python -m pytest -q tests/jobs $(selected)

clients: build $(client_environments) tests/clients/node/node_modules/installed ## the clients that users bring, against a deployed stage (T=)
	@python -m pytest -q tests/clients $(selected)

lifecycle: build ## a stage from its first deploy to its destruction, interrupted and broken on the way; releases that alarms undo
	@python -m pytest -q tests/lifecycle

upgrades: build ## the last release, today's over it, then changes of it, under 32 streams and a call a second
	@python -m pytest -q -s -p no:randomly tests/upgrades

pipeline: build .venv-jobs/installed ## fine-tuning to release, end to end (minutes)
	@python -m pytest -q tests/pipeline

rehearse: build ## from a commit to production in three accounts, and what stops a bad change (WRITE=1 writes the docs' picture)
	@$(call only_1,WRITE)
	@python -m rehearsal $${GIVEN_WRITE:+--write}

kill-loop: build .venv-jobs/installed ## kill -9 at random moments, and repair (MOMENTS=50, SEED= for the same again; an hour)
	@python -m pytest -q -s -p no:randomly tests/kill

scan: build .venv-scan/installed ## checkov and cloudsplaining over every environment's templates
	@python -m pytest -q -s -p no:randomly tests/scan

# ROLE: one group of docs/permissions.md; WRITE=1 writes its table anew
least-privilege: build ## take each permission away in turn, and see what fails (minutes; ROLE=release, WRITE=1)
	@$(call only_1,WRITE)
	@python -m least_privilege $${GIVEN_ROLE:+"--role=$$GIVEN_ROLE"} $${GIVEN_WRITE:+--write}

smoke: ## a deployed stage: routes, refusals, limits, logs and metrics, example prompts (ENV=, or KEY=... before make, and URL=)
	@$(warn_of_key)
	@python -m pytest -q tests/smoke

browser: ## a deployed stage's playground, and foreign pages, in a browser (chromium; ENV=, or KEY=... before make, and URL=)
	@$(warn_of_key)
	@python -m pytest -q tests/browser

examples: ## the example prompts, asked of the deployed model
	@stage="$$(python -m operate openai -- "$$GIVEN_ENV")" && eval "$$stage" && for example in examples/prompts/[a-z]*.py; do \
	  echo "== $$example"; python $$example || exit 1; done

fuzz: build ## look for answers outside the contract, with new random requests (minutes)
	@FUZZ_EXAMPLES=500 python -m pytest -q tests/embedded/test_fuzz.py

# What a laptop's model answers in three minutes; an option that BENCH= repeats counts.
bench_of_laptop = --words 32,64,128 --tokens 32 --users 1,2,4 --seconds 10 --requests 4
bench: installed ## throughput and latency of a stage by prompt length and users (ENV=, BENCH="--users 1,2")
	@python -m bench run --env "$$GIVEN_ENV" $(if $(is_local),$(bench_of_laptop)) $$GIVEN_BENCH

simulate: installed ## simulate scaling policies, fixed fleets and an oracle on seven kinds of day, from 1 to 1,000 instances
	@python -m simulation

recall_of_laptop = --lengths 512,1024 --trials 3
recall: installed ## what a stage finds in long prompts, by the evaluations of MistralLite's card (ENV=, BENCH="--users 8")
	@python -m bench recall --env "$$GIVEN_ENV" $(if $(is_local),$(recall_of_laptop)) $$GIVEN_BENCH

bench-proxy: build .venv-bench/installed ## what the proxy adds, compared with LiteLLM's (2 minutes)
	@python -m bench.proxy

bench-synth: build ## synth of one environment and of all beside an empty app
	@python bench/synth.py

bench-streaming: ## compare each server through the API with direct calls, after `make up`
	@python bench/streaming.py

lint: style types ## style and types

style: setup
	@ruff format --check --quiet .
	@ruff check --quiet .

types: setup
	@mypy --no-error-summary .

format: setup ## format the code
	@ruff format .
	@ruff check --fix .

definition: setup ## compile the pipeline's steps with the SageMaker SDK, after a change of them
	@PYTHONPATH=constructs:lambda python -m sagemaker_llm.tuning.pipeline.steps --write

golden: build definition ## accept the templates as they are now
	@python -m pytest -q tests/infrastructure --update-golden
	@python -m documentation
