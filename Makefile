# Two commands: `make demo` and `make test`. Each sets up what it needs in .venv by itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := $(shell find cmake cpp cuda src python tests/vectors -type f -not -name '*.pyc' -not -name '*.so') \
	CMakeLists.txt pyproject.toml README.md

.PHONY: demo test nightly bench lint format stubs clean

demo: $(VENV)/installed
	$(BIN)/allora-core replay tests/vectors/chain_epochs_v06.jsonl.gz \
		tests/vectors/chain_epochs_v017.jsonl.gz
	rm -rf build/demo
	for blocks in blocks_v06 blocks_synthetic; do \
		$(BIN)/allora-core ingest tests/vectors/$$blocks --out build/demo/$$blocks && \
		$(BIN)/allora-core verify build/demo/$$blocks || exit 1; \
	done

test: $(VENV)/installed
	$(BIN)/python -m pytest -n 2

# As many histories as a release wants to have seen, and ten minutes of fuzzing.
nightly: $(VENV)/installed
	ALLORA_CORE_HISTORIES=2000 ALLORA_CORE_STOPS=100 $(BIN)/python -m pytest -n 2
	$(BIN)/python tests/blocks/fuzz_reader.py --seconds 600
	FUZZ_SEED=$$(date +%s) .ci/fuzz 600

bench: $(VENV)/installed
	$(BIN)/allora-core bench

lint: $(VENV)/tools
	PATH="$(CURDIR)/$(BIN):$$PATH" .ci/lint

format: $(VENV)/tools
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $$(git ls-files '*.hpp' '*.cpp' '*.cu')

stubs: $(VENV)/installed
	$(BIN)/python tests/doors/stubs.py --write

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/tools: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -c "import tomllib" 2>/dev/null || $(BIN)/python -m pip install --quiet tomli
	$(BIN)/python .ci/requirements.py | xargs -d '\n' $(BIN)/python -m pip install --quiet
	touch $@

$(VENV)/installed: $(VENV)/tools $(SOURCES)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m pip install --quiet --no-build-isolation \
		--no-deps --force-reinstall $(BUILD_OPTIONS) ./
	touch $@

clean:
	rm -rf $(VENV) build dist
