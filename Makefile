# Two commands: `make run` opens the workbench, `make test` checks everything.
PYTHON ?= python3.11
VERSIONS := 3.11 to 3.14
VENV := .venv
BIN := $(VENV)/bin
PIP_OPTIONS ?=
PIP = $(BIN)/python -m pip install --disable-pip-version-check -q $(PIP_OPTIONS)

# Without compiled modules each of the tests' many processes would compile torch and its kin anew.
export PYTHONDONTWRITEBYTECODE =

.PHONY: run test lint catalogue bench bench-quality demo clean

run: $(VENV)/.installed
	$(BIN)/streamlit run app.py

test: $(VENV)/.installed-dev browser-at-hand lint
	$(BIN)/python -m pytest -n 3 --no-loadscope-reorder

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy -n 2
	$(BIN)/lint-imports
	@! grep -rnEf docs/retired_words.txt core pages app.py README.md CHANGELOG.md docs/*.md \
	  --include='*.py' --include='*.md' --include='*.jinja' \
	  || { echo "Retired words (docs/retired_words.txt): say it in the glossary's terms." >&2; exit 1; }

# Sentences of the code into core/locale; then translate what is empty there and run it again.
catalogue: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.catalogue collect
	$(BIN)/python -m benchmarks.catalogue

bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.foundation

# The product's recommenders against others' on the real corpora: about two hours on one core.
bench-quality: $(VENV)/.installed-dev .venv-peers/.installed
	rm -rf benchmarks/work
	$(BIN)/python -m benchmarks.quality

.venv-peers/.installed: benchmarks/requirements-peers.txt
	$(BIN)/python -m venv .venv-peers
	.venv-peers/bin/python -m pip install --disable-pip-version-check -q -r benchmarks/requirements-peers.txt
	@touch $@

demo: $(VENV)/.installed
	$(BIN)/python -m core demo
	$(BIN)/python -m benchmarks.notebooks docs/notebooks/*.ipynb

# Where there is no python3.11, python3 may be another of these versions.
$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null 2>&1 && $(PYTHON) -m venv $(VENV) || python3 -m venv $(VENV)
	@$(BIN)/python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' \
	  || { rm -rf $(VENV); echo "Python $(VERSIONS) is needed: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 2; }

$(VENV)/.installed: requirements.txt | $(VENV)/bin/python
	$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements.txt requirements-dev.txt | $(VENV)/bin/python
	$(PIP) -r requirements-dev.txt
	@touch $(VENV)/.installed $@

# Browser tests drive Debian's Chromium; it is installed where apt may do so.
.PHONY: browser-at-hand
browser-at-hand:
	@command -v chromium >/dev/null 2>&1 \
	  || { command -v apt-get >/dev/null 2>&1 && [ "$$(id -u)" = 0 ] \
	       && apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; } \
	  || echo "Chromium is not installed: browser tests will fail (apt-get install chromium)" >&2

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
