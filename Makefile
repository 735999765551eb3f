# The same few commands for people and CI. Each builds .venv first where it is missing.
SHELL := /bin/sh
ROOT ?= build/demo
BIN := .venv/bin
# Bytecode of the project itself: importing it must not depend on the caller's environment.
export TF_CPP_MIN_LOG_LEVEL ?= 3
# A process for each core, four at most (a gigabyte each); a file's tests stay together.
PARALLEL := -n logical --maxprocesses 4 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help install demo test e2e lint types format bench docs lock image-check dist clean

help: ## list the targets
	@grep -E '^[a-z0-9-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

install: ## build .venv from the lock file (every other target calls it)
	@./scripts/bootstrap

demo: install ## the whole pipeline on the embedded data set; ROOT=DIR moves its output
	@$(BIN)/tfx-audio demo --root "$(ROOT)"

test: install ## the fast tests
	@$(BIN)/python -m pytest -m "not e2e" $(PARALLEL) $(ARGS)

e2e: install ## the long tests, on real pipelines
	@$(BIN)/python -m pytest -m e2e $(PARALLEL) $(ARGS)

lint: install ## ruff (rules and format), shellcheck, hadolint
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/shellcheck .ci/run scripts/bootstrap scripts/system-packages scripts/runtime-lock \
	  scripts/chroot-py313 scripts/image-check
	@$(BIN)/hadolint Dockerfile

types: install ## mypy over the package, by the name that users import
	@$(BIN)/mypy

format: install ## let ruff mend what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: install ## measure: ingest, augmentation, SpecAugment, training input
	@$(BIN)/python -m benchmarks $(ARGS)

docs: install ## the reference, out of the docstrings, to build/reference
	@$(BIN)/pdoc --docformat google --output-directory build/reference tfx_audio.pipeline \
	  tfx_audio.components.artifacts tfx_audio.components.code_digest tfx_audio.components.audio \
	  tfx_audio.components.audio_example_gen tfx_audio.components.audio_schema_gen \
	  tfx_audio.components.sound_bank tfx_audio.components.audio_augmenter \
	  tfx_audio.components.augmentation_report

LOCK := .tools/uv/bin/uv pip compile pyproject.toml --all-extras --group dev --generate-hashes \
  --no-emit-index-url --no-header --quiet
# CUDA's libraries for the image with GPU=1: what tensorflow[and-cuda] adds to a lock file.
CUDA = echo 'tensorflow[and-cuda]' | .tools/uv/bin/uv --no-config pip compile - --quiet \
  --constraint requirements-$(1).lock --python-version $(2) --generate-hashes --no-header \
  --python-platform x86_64-manylinux_$(3) --no-emit-index-url --no-annotate $(ARGS) \
  | awk '/^[a-z0-9]/ { keep = /^nvidia-/ } keep' > requirements-$(1)-gpu.lock
lock: install ## resolve both lock files anew from pyproject.toml; ARGS=--upgrade for newer versions
	@$(LOCK) --python-version 3.10 --python-platform x86_64-manylinux_2_28 $(ARGS) \
	  --output-file requirements-py310.lock
	@$(LOCK) --python-version 3.11 --universal $(ARGS) --output-file requirements-py313.lock
	@$(call CUDA,py310,3.10,2_28)
	@$(call CUDA,py313,3.13,2_39)

image-check: install ## build the image (buildah), run a task and a Beam worker from it (podman)
	@./scripts/image-check $(ARGS)

dist: install ## the release: the wheel, and what it needs to run, locked (docs/platforms.md)
	@$(BIN)/python -m build --wheel --no-isolation --outdir dist .
	@scripts/runtime-lock 3.10 > dist/requirements-py310.txt
	@scripts/runtime-lock 3.13 > dist/requirements-py313.txt

clean: ## remove what was built (the environment stays)
	@rm -rf build dist *.egg-info
