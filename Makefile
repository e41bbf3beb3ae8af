# The commands of the project. Each makes .venv when it has to; nothing else needs to be installed by hand.

PYTHON ?= python3
BIN := .venv/bin
export UV_PYTHON_DOWNLOADS := never

.PHONY: run test chaos bench browser screens lint format messages lock audit sbom
.DEFAULT_GOAL := run

run: .venv/run.stamp
	@$(BIN)/python manage.py stack

# Two at a time, each with servers of its own; a module's tests stay together.
test: .venv/dev.stamp
	$(BIN)/python -m pytest -n 2 --dist loadscope

# Everything is killed again and again while work is under way; CHAOS_SCALE=0.1 tries a tenth of it.
chaos: .venv/dev.stamp
	$(BIN)/python -m pytest tests/chaos -s

# SCALE=full measures at full size.
bench: .venv/dev.stamp
	@$(BIN)/python -m tests.bench

browser: .venv/dev.stamp
	$(BIN)/python -m pytest tests/browser

# Every page in both themes and two widths, as docs/screens/*.png.
screens: .venv/dev.stamp
	$(BIN)/python -m pytest -q tests/browser/screens.py

lint: .venv/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint docker/Dockerfile
	$(BIN)/python manage.py makemigrations --check --dry-run
	docker/with-production-values $(BIN)/python manage.py check --deploy --fail-level WARNING

format: .venv/dev.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Finds the texts to translate, and compiles the catalogue; says how many wait for a translation.
messages: .venv/dev.stamp
	@$(BIN)/python manage.py shell -v 0 -c "from tests.messages import make; make()"

# Whether a known hole is in what we depend on. Asks the index's vulnerability service: where that can't be reached, it says
# so and ends with 2, and nothing else depends on it.
audit: .venv/audit.stamp
	@$(BIN)/python .ci/audit

# What a production consists of, as CycloneDX, from its lock; the same lock gives the same file.
sbom: .venv/audit.stamp
	@mkdir -p build
	$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --of JSON -o build/sbom.json requirements/production.txt

# The locks hold hashes and no address: they install from whatever index the machine is set to.
lock: .venv/dev.stamp
	$(call compile,-o requirements/production.txt)
	$(call compile,--group embedded -o requirements/run.txt)
	$(call compile,--group embedded --group dev -o requirements/dev.txt)
	$(BIN)/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-header \
		requirements/audit.in -c requirements/dev.txt -o requirements/audit.txt
	$(BIN)/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-header \
		requirements/installer.in -o requirements/installer.txt

define compile
$(BIN)/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-header pyproject.toml $(1)
endef

# The development set holds everything that a run needs, so a machine that has it installs nothing more.
.venv/run.stamp: requirements/run.txt | .venv/installer.stamp
	@test -e .venv/dev.stamp || { echo "installing what the portal needs …"; $(call install,requirements/run.txt); }
	@touch $@

.venv/dev.stamp: requirements/dev.txt | .venv/installer.stamp
	@echo "installing what development needs …"
	@$(call install,requirements/dev.txt)
	@touch $@

.venv/audit.stamp: requirements/audit.txt .venv/dev.stamp
	@$(call install,requirements/audit.txt)
	@touch $@

.venv/installer.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "The portal needs Python 3.11 or newer; set PYTHON to it, as in: make run PYTHON=python3.12")'
	@echo "making .venv …"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/installer.txt || \
		echo "uv is not to be had here; going on with pip, which takes a minute"
	@touch $@

# uv takes seconds where pip takes a minute, but it doesn't read pip's configuration: where that matters, pip does it.
install = $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r $(1) 2>/dev/null || \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1)
