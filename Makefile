# Everything goes into .venv and var; nothing has to be installed first but Python 3.11 or newer.

VENV := .venv
BIN := $(VENV)/bin
PACKAGES := trooply accounts catalog search billing analytics merchandising widget
BESIDE_SERVERS := $(BIN)/python -m trooply.embedded --var var/test --throwaway --

.PHONY: help up test check bench chaos train chromium

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: $(VENV)/.serve ## run everything here, on PORT or 8000: database, web, worker, beat and a demo shop
	@$(BIN)/python manage.py up

test: $(VENV)/.dev chromium ## run the tests beside servers of their own; ARGS are for pytest
	@$(BESIDE_SERVERS) $(BIN)/pytest -n 2 --dist loadfile $(ARGS)

check: $(VENV)/.dev ## check format, lint, types, layers, migrations, deployment and templates, then test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/djlint templates --lint --quiet
	$(BESIDE_SERVERS) $(BIN)/mypy $(PACKAGES)
	$(BESIDE_SERVERS) $(BIN)/python manage.py makemigrations --check --dry-run
	$(BESIDE_SERVERS) env INSECURE_HTTP=false ALLOWED_HOSTS=shop.example BASE_URL=https://shop.example \
		$(BIN)/python manage.py check --deploy --fail-level WARNING
	@$(MAKE) --no-print-directory test

bench: $(VENV)/.dev ## measure indexing and search on this machine; ARGS are for the benchmark
	@$(BIN)/python -m trooply.embedded --var var/bench -- $(BIN)/python -m bench $(ARGS)

train: $(VENV)/.train ## make the bundled encoder from the pictures in DATA, as training/README.md tells
	@$(BIN)/python -m training --data $(DATA)

$(VENV)/.train: training/requirements.txt $(VENV)/.dev
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r $<
	@touch $@

chaos: $(VENV)/.dev ## kill each program in the middle of a job, and count what was lost; ARGS are for it
	@$(BIN)/python -m trooply.embedded --var var/chaos -- $(BIN)/python -m bench.chaos $(ARGS)

bench-encoder: $(VENV)/.dev ## measure encoders beside torch eager open_clip; ARGS are for the benchmark
	@$(BIN)/python -m bench.encoders $(ARGS)

# A name may stand for a shim without a Python behind it, or for one without venv: each has to prove itself.
$(VENV)/.created:
	@for python in python3.11 python3.13 python3.12 python3; do \
		if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			$$python -m venv $(VENV) && touch $@; exit; \
		fi; \
	done; \
	echo 'Python 3.11 or newer with its venv module is needed (Debian: apt-get install python3 python3-venv).' >&2; \
	exit 1

$(VENV)/.serve: requirements-serve.txt $(VENV)/.created
	@echo 'Installing $< into $(VENV), which takes about a minute.'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements.txt requirements-serve.txt $(VENV)/.created
	@echo 'Installing $< into $(VENV), which takes some minutes.'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $(VENV)/.serve $@

chromium:
	@for browser in chromium google-chrome; do command -v $$browser >/dev/null && exit; done; \
	if [ "$$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then \
		echo 'The tests of the pages need Chromium or Google Chrome: install one of them.' >&2; exit 1; \
	fi; \
	echo 'Installing Chromium.'; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends chromium >/dev/null
