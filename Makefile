# riskstrat: two commands set up everything, `make train` and `make test`.
# Everything lives in .venv beside this file. `make help` lists the rest.

PYTHON  ?= python3.11
PYTHON  := $(shell command -v $(PYTHON) 2>/dev/null || command -v python3)
VENV    := .venv
BIN     := $(VENV)/bin
READY   := $(VENV)/.ready
SPARK   := $(VENV)/.spark
PEOPLE  ?= 50000
SEED    ?= 20260401
DATA    ?= data/demo
CUSTODY ?= $(DATA)-custody
STORE   ?= store
STUDY   ?=
AS_OF   ?=
RUN     ?=
STUDIES := $(if $(STUDY),$(STUDY),emergency_admission school_readiness)
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := true

.PHONY: help setup setup-spark data train score report export test test-all lint format bench intruder notebooks docs lock clean distclean
.DEFAULT_GOAL := help

help:  ## list what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'
	@echo "  variables: STUDY=name PEOPLE=$(PEOPLE) SEED=$(SEED) DATA=$(DATA) STORE=$(STORE) AS_OF=2025-04-01 RUN=folder"

setup: $(READY)  ## build .venv from the hash-pinned lock

$(READY): requirements.lock requirements-build.lock pyproject.toml
	@echo "setting up $(VENV) (once, one to two minutes)" >&2
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] < (3, 13) else "riskstrat needs Python 3.11 or 3.12; set PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r requirements-build.lock -r requirements.lock 2>$(VENV)/pip.log || { cat $(VENV)/pip.log >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e . 2>$(VENV)/pip.log || { cat $(VENV)/pip.log >&2; exit 1; }
	@$(BIN)/python -c 'from riskstrat.features import kernel; from riskstrat.statistics import group_counts; kernel.load(); group_counts.load()'
	@touch $@

setup-spark: setup $(SPARK)  ## add Spark to .venv, for --engine spark (needs Java 17 or 21)

$(SPARK): requirements-spark.lock requirements-spark-build.lock $(READY)
	@echo "adding Spark to $(VENV) (half a gigabyte, built from source)" >&2
	@for lock in requirements-spark-build.lock requirements-spark.lock; do \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --no-deps --no-build-isolation --require-hashes -r $$lock 2>$(VENV)/pip.log || { cat $(VENV)/pip.log >&2; exit 1; }; \
	done
	@touch $@

data: $(DATA)/linkage.json  ## make the demo county if it is missing, and have its records linked

$(DATA)/raw/icb/people.parquet: | $(READY)
	$(BIN)/riskstrat synth $(DATA) --people $(PEOPLE) --seed $(SEED)

$(DATA)/linkage.json: $(DATA)/raw/icb/people.parquet
	$(BIN)/riskstrat pseudonymise all configs/custody/mid_county.yaml --data $(DATA) --custody $(CUSTODY) --truth $(DATA)-truth

train: setup data  ## the main job: both demo studies, or STUDY=name
	@for study in $(STUDIES); do \
	  $(BIN)/riskstrat run configs/studies/$$study.yaml --data $(DATA) --store $(STORE) || exit $$?; \
	done

score: setup data  ## score a study for a day: STUDY=name AS_OF=date; without a sign-off, RESEARCH=1
	@for study in $(STUDIES); do \
	  $(BIN)/riskstrat score configs/studies/$$study.yaml --data $(DATA) --store $(STORE) $(if $(AS_OF),--as-of $(AS_OF)) $(if $(RESEARCH),--research) || exit $$?; \
	done

report: setup  ## render a run's report again: RUN=folder
	$(BIN)/riskstrat report $(RUN) --store $(STORE)

export: setup  ## write registered models with their cards into models/
	@for study in $(STUDIES); do \
	  $(BIN)/riskstrat export $$study --store $(STORE) --to models || exit $$?; \
	done

test: setup  ## format check, lint, import direction, types, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile

test-all: setup  ## the tests and the slow ones too
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: setup  ## lint and types only
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

format: setup  ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup  ## benchmarks: the main job, or the feature engine beside its peers (SIZE=10m, 100m, 500m; WHOLE=yes: everybody, too)
ifeq ($(SIZE),)
	$(BIN)/python benchmarks/main_job.py
else
	$(BIN)/python benchmarks/feature_engine/bench.py $(SIZE)
ifeq ($(WHOLE),yes)
	$(BIN)/python benchmarks/feature_engine/whole.py $(SIZE)
endif
ifeq ($(SIZE),10m)
	$(BIN)/python benchmarks/feature_engine/task_a.py
	$(BIN)/python benchmarks/feature_engine/task_b.py
endif
endif

intruder: setup  ## attack the releases, pseudonyms and files that are there; ends with 0 only if nobody is found
	$(BIN)/riskstrat intruder --data $(DATA) --store $(STORE) --custody $(CUSTODY) --tokens configs/linkage/mid_county_tokens.yaml

notebooks: setup data  ## execute the notebooks on the newest runs (makes them if need be)
	$(BIN)/python notebooks/execute.py --data $(DATA) --store $(STORE)

docs: setup  ## write the reference pages (study language, codes, schemas, commands)
	$(BIN)/python docs/build.py

lock:  ## resolve the lock files again (needs uv)
	uv pip compile pyproject.toml --extra dev -c docs/constraints.txt --generate-hashes --no-annotate --no-header --python-version 3.11 --python-platform x86_64-manylinux_2_28 -o requirements.lock
	printf 'hatchling>=1.27\neditables\n' | uv pip compile - --generate-hashes --no-annotate --no-header --python-version 3.11 -o requirements-build.lock

clean:  ## remove what can be derived again, and caches (keeps runs, registry, log, data)
	rm -rf $(STORE)/derived $(STORE)/scratch .ruff_cache .mypy_cache .hypothesis .import_linter_cache build dist

distclean: clean  ## also remove .venv, the demo county and the whole store
	rm -rf $(VENV) data $(STORE) $(STORE)-keys
