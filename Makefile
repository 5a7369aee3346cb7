# Three commands need nothing but Python 3.11, make and a package registry: `make demo`,
# `make serve`, `make test`.
PYTHON ?= python3.11
VENV ?= .venv
BIN = $(if $(filter Windows_NT,$(OS)),$(VENV)/Scripts,$(VENV)/bin)
DATA ?=
PORT ?= 8080
# a process for each core, up to four, takes a file of tests at a time and keeps to its core; no new
# one for one that ended: it would begin with the test that hung (see faulthandler_timeout)
CORES ?= --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder --max-worker-restart 0
OLDEST = -W ignore::DeprecationWarning tests/test_approximate.py tests/test_codec_kinds.py \
	tests/test_pooled_methods.py tests/test_export.py::test_an_export_agrees_and_says_what_it_takes
PACKAGE = pyproject.toml hatch_build.py $(wildcard src/goldensample/native/*.[ch])
IN = $(if $(SHARED),--shared "$(SHARED)")

.PHONY: demo serve test check languages bench bench-peers bench-metrics bench-inspect bench-controllers bench-delivery bench-exports bench-logical bench-speed bench-trained test-native test-oldest backbone docs station-pictures clean

demo: $(VENV)/base.stamp  ## the main job on rendered parts, or on DATA=DIR in MVTec layout
	$(BIN)/golden demo --output demo $(if $(DATA),--data "$(DATA)") $(if $(QUICK),--quick)

serve: $(VENV)/station.stamp  ## the station with the demo's product, at http://localhost:8080
	$(BIN)/golden serve --demo --folder demo/station --port $(PORT)

test: $(VENV)/all.stamp  ## every test; CORES= runs them in one process
	@sh tests/programs.sh
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest $(CORES) $(TESTS)

check: $(VENV)/all.stamp  ## format, lint, types
	$(BIN)/ruff format --check src tests training benchmarks docs examples
	$(BIN)/ruff check src tests training benchmarks docs examples
	$(BIN)/mypy

bench: $(VENV)/all.stamp  ## measured speed and quality, as ratios within one run
	$(BIN)/python benchmarks/main_job.py $(IN)
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/search.py $(IN)
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/metrics.py
	$(BIN)/python benchmarks/inspect_speed.py $(IN)
	$(BIN)/python benchmarks/fit_memory.py $(IN)
	$(BIN)/python benchmarks/dirty.py $(IN)
	$(BIN)/python benchmarks/qualify_pod.py
	$(BIN)/python benchmarks/qualify_speed.py

bench-peers: $(VENV)/all.stamp $(VENV)-peers/stamp  ## the coreset against anomalib and the authors' loop
	$(BIN)/python benchmarks/coreset_peers.py --peers $(VENV)-peers/bin/python

bench-metrics: $(VENV)/all.stamp $(VENV)-metrics/stamp  ## pixel figures beside adeval's and anomalib's, on the same maps
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/metrics_beside.py --peers $(VENV)-metrics/bin/python

bench-inspect: $(VENV)/all.stamp $(VENV)-peers/stamp  ## one picture, ours beside anomalib and the authors' code
	$(BIN)/python benchmarks/inspect_peers.py --peers $(VENV)-peers/bin/python $(IN)

bench-controllers: $(VENV)/all.stamp  ## 200 parts of three views at 60 % load, answered to four receivers
	$(BIN)/python benchmarks/controllers_load.py

bench-delivery: $(VENV)/all.stamp  ## a station killed 20 times, with receivers that go up and down
	$(BIN)/python benchmarks/station_delivery.py

bench-exports: $(VENV)/all.stamp  ## who reads an export: each reader in an environment of its own
	$(BIN)/python benchmarks/export_readers.py --environments $(VENV)-readers

bench-logical: $(VENV)/base.stamp  ## parts that are missing, too many or swapped, on rendered kits
	$(BIN)/python benchmarks/logical.py

bench-speed: $(VENV)/all.stamp $(VENV)-before/stamp  ## this build beside that of commit 1363fa5, in turns
	$(BIN)/python benchmarks/speed.py --before $(VENV)-before/bin/python $(IN)

bench-trained: $(VENV)/all.stamp  ## the methods that train a network, and the same untrained: hours
	$(BIN)/python benchmarks/trained.py $(IN)
	$(BIN)/python benchmarks/trained.py --page $(IN)

test-native: $(VENV)/all.stamp  ## the compiled code with the compiler's sanitizers; needs GCC
	sh tests/sanitized.sh $(BIN)/python

test-oldest: $(VENV)-oldest/stamp  ## a few telling tests with the oldest versions that pyproject.toml allows
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(VENV)-oldest/bin/python -m pytest $(OLDEST)

backbone: $(VENV)/all.stamp  ## train the built-in network again
	$(BIN)/python -m pip install --quiet --group training
	test -f runs/photographs/packages/all || $(BIN)/python -m training.photographs
	$(BIN)/python -m training.train

docs: $(VENV)/all.stamp  ## the reference page and the architecture's table and picture, from the code
	$(BIN)/python docs/make_reference.py
	$(BIN)/python docs/make_architecture.py
	$(BIN)/python docs/make_timing.py

station-pictures: $(VENV)/all.stamp  ## docs/station, photographed from a demo station; look at each
	$(BIN)/python docs/make_station_pictures.py

languages: $(VENV)/all.stamp  ## catalogs of what people read: texts from the code, and compiled
	mkdir -p build
	cd src/goldensample && for domain in goldensample unmarked; do \
		set -e; $(abspath $(BIN))/pybabel --quiet extract -F locales/$$domain.cfg -k mark -k counted:1,2 --add-location=file --no-wrap -o ../../build/$$domain.pot .; \
		for name in de ko zh_Hans; do \
			folder=locales/$$name/LC_MESSAGES; \
			$(abspath $(BIN))/pybabel --quiet update -i ../../build/$$domain.pot -o $$folder/$$domain.po -l $$name --init-missing --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --no-wrap; \
			$(abspath $(BIN))/pybabel --quiet compile -i $$folder/$$domain.po -o $$folder/$$domain.mo -l $$name; \
		done; \
	done

clean:
	rm -rf $(VENV) demo build dist

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/base.stamp: $(PACKAGE) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/station.stamp: $(PACKAGE) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".[station]"
	@touch $@

$(VENV)/all.stamp: $(PACKAGE) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable ".[station,torch,ray,remote,parquet,pdf]" --group test --group check
	@touch $@

$(VENV)-metrics/stamp:
	$(PYTHON) -m venv $(VENV)-metrics
	$(VENV)-metrics/bin/python -m pip install --quiet --upgrade pip
	$(VENV)-metrics/bin/python -m pip install --quiet adeval anomalib torch torchvision "numpy<2.4" opencv-python-headless
	@touch $@

$(VENV)-peers/stamp:
	$(PYTHON) -m venv $(VENV)-peers
	$(VENV)-peers/bin/python -m pip install --quiet --upgrade pip
	$(VENV)-peers/bin/python -m pip install --quiet anomalib "openvino>=2024" onnxruntime onnx
	@touch $@

$(VENV)-before/stamp:
	$(PYTHON) -m venv $(VENV)-before
	$(VENV)-before/bin/python -m pip install --quiet --upgrade pip
	$(VENV)-before/bin/python -m pip install --quiet "goldensample[int8] @ git+file://$(CURDIR)@1363fa5" onnxruntime
	@touch $@

# without [torch] and [ray]: gigabytes
$(VENV)-oldest/stamp: $(PACKAGE)
	$(PYTHON) -m venv $(VENV)-oldest
	$(VENV)-oldest/bin/python -m pip install --quiet uv
	$(VENV)-oldest/bin/python -m uv pip install --quiet --python $(VENV)-oldest/bin/python \
		--resolution lowest-direct --editable ".[station,bench,faiss,formats,int8,parquet,remote,rivals,verify]" \
		"pytest>=9" "hypothesis>=6.100" "httpx>=0.27"
	@touch $@
