# One word for each thing to do; every variable can be overridden: make test PYTHON=python3.13
#
# Targets that run Python use the tree if it is built in place (make build), and else the installed package.

PYTHON   ?= python3
CC       ?= cc
CFLAGS   ?= -O2 -g -Wall -Wextra -Wshadow -Wconversion
BUILD    ?= build
PYTEST   ?= -q -n auto
RUNNER   ?=
BENCH    ?= -q -p no:cacheprovider
SANITIZE ?= -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g1 -O1
TSAN     ?= -fsanitize=thread -g1 -O1

INCLUDES = -Icsrc/include -Icsrc -Icsrc/tests

ENGINE  = $(wildcard csrc/*.c csrc/arch/*.c)
HEADERS = $(wildcard csrc/*.h csrc/*/*.h)
OBJECTS = $(ENGINE:csrc/%.c=$(BUILD)/c/%.o)
ORACLE  = $(BUILD)/c/tests/oracle.o
CTESTS  = $(patsubst csrc/%.c,$(BUILD)/c/%,$(wildcard csrc/tests/test_*.c))
FUZZERS = $(patsubst csrc/fuzz/fuzz_%.c,%,$(wildcard csrc/fuzz/fuzz_*.c))
REPLAYS = $(FUZZERS:%=$(BUILD)/c/fuzz/fuzz_%)
STUBS   = $(patsubst markovlib/%.pyi,markovlib.%,$(wildcard markovlib/*.pyi))
TREE    = $(if $(wildcard markovlib/_*.so),$(CURDIR))
RUN     = PYTHONSAFEPATH=1 PYTHONPATH="$(TREE)" $(PYTHON)

# ASan must be loaded before Python is, and with libstdc++ there, or the C++ exceptions of other packages end the
# process.
PRELOAD     = $(foreach library,libasan.so libubsan.so libstdc++.so.6,$(shell $(CC) -print-file-name=$(library)))
SCRATCH     = $(BUILD)/sanitize
REPORT      = $(abspath $(SCRATCH))/report
ASAN_PYTHON = detect_leaks=0:allocator_may_return_null=1:log_path=$(REPORT)

# Tests of what is not the engine, or of other programs that use it, which the sanitizers only make slow: Python over
# columns, the rows of which other tests make; a made-up data set (shards); processes and formats.  And those that go
# again where others go: laws (as differential and exhaustive do), statistics and tasks (task_datasets, task_stream and
# dataset make the same rows), examples in docstrings, and how much memory is held.
UNSANITIZED = analysis* benchmarks cli_* codegen_* combinators conformance crashes design diversity* docs doctests \
	executors exporting formats_r* laws leakage loader machines manifest memory mixing_* mixture* mutants notation* \
	package presets recheck recipe reproduction sampling_statistics schemes scoring seeing_* shards* sources stores \
	strategies sweep tasks trial

# How long each fuzzer runs, and with what.  LIBFUZZER is empty where the compiler has none (GCC): then random changes
# of the corpus are run, without guidance by coverage.
SECONDS   ?= 60
FUZZ_CC   ?= $(if $(shell command -v clang),clang,$(CC))
LIBFUZZER ?= $(if $(findstring clang,$(FUZZ_CC)),-fsanitize=fuzzer)

SMALL_TREES = -DMK_LEAF=8 -DMK_FAN=4 -DMK_CYCLE_LETTERS=0

.PHONY: build test test-data test-slow test-oldest test-thorough test-crash test-pairs test-mutants test-presets test-browser test-codegen test-reproduction lint ctest ctest-small-trees fuzz fuzz-replay sanitize sanitize-c sanitize-python tsan bench bench-report docs sdist-test clean FORCE
.SECONDARY: $(OBJECTS) $(ORACLE)

build:
	$(PYTHON) setup.py -q build_clib build_ext --inplace

test:
	$(RUN) -m pytest $(PYTEST)

# Other people's data that tests of mixtures read, about 400 kB, which is no part of the project.
test-data:
	$(PYTHON) -m pip download -q --no-deps --no-binary alpaca-eval -d $(BUILD)/data alpaca-eval==0.6.6

# Exit status 5 says that there is no slow test.
test-slow:
	$(RUN) -m pytest $(PYTEST) -m slow || [ $$? -eq 5 ]

# With the lowest versions of everything that pyproject.toml admits, in an environment of their own.  They warn of one
# another.
test-oldest:
	rm -rf $(BUILD)/oldest
	$(PYTHON) -m venv $(BUILD)/oldest
	$(PYTHON) tests/oldest.py > $(BUILD)/oldest/constraints.txt
	$(BUILD)/oldest/bin/pip install -q '.[test]' -c $(BUILD)/oldest/constraints.txt
	$(BUILD)/oldest/bin/pytest $(PYTEST) -W default

# Every property tries three times as many examples as it does otherwise, slow tests too: half an hour.
test-thorough:
	MARKOVLIB_THOROUGH=1 $(RUN) -m pytest $(PYTEST) -m "slow or not slow"

# Fifty kills over each format, every failing call, full disks, and the memory of 10^7 rows: some minutes.
test-crash:
	MARKOVLIB_KILLS=50 $(RUN) -m pytest -q -s -m "slow or not slow" tests/test_crashes.py

# The termination of every pair of rules over two letters with sides up to three: ten minutes.
test-pairs:
	MARKOVLIB_EVERY_PAIR=1 $(RUN) -m pytest -q -n auto -m slow tests/test_analysis_termination.py

# Deliberate faults in copies of the engine, each to be found within 3,000 examples: some minutes.
test-mutants:
	MARKOVLIB_EVERY_MUTANT=1 $(RUN) -m pytest -q -s -m "slow or not slow" tests/test_mutants.py

# Every preset, a million rows of each looked at: a few minutes.
test-presets:
	MARKOVLIB_PRESET_ROWS=1000000 $(RUN) -m pytest -q -n auto -m slow tests/test_presets.py

# The page of a trace in headless Chromium (Debian: chromium, chromium-driver; pip install '.[browser-test]').
# SCREENSHOTS=DIR keeps pictures of it.
test-browser:
	$(if $(SCREENSHOTS),MARKOVLIB_SCREENSHOTS=$(SCREENSHOTS)) $(RUN) -m pytest -q -s -m slow tests/test_seeing_browser.py

# The sandbox against hostile programs, all of HumanEval, a tiny model tuned from end to end: some minutes.  What needs
# an extra (markovlib[codegen-test]) or a sandbox that the system does not have is skipped, and says so.
test-codegen:
	MARKOVLIB_EVERY_PROBLEM=1 $(RUN) -m pytest -q -m "slow or not slow" tests/test_codegen_*.py

# Model and training of benchmarks/reproduction, with torch: a few minutes.
test-reproduction:
	$(RUN) -m pytest -q -m "slow or not slow" tests/test_reproduction.py

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(if $(STUBS),$(RUN) -m mypy.stubtest --mypy-config-file pyproject.toml $(STUBS))

ctest: $(CTESTS) fuzz-replay
	@for program in $(CTESTS); do echo "$$program"; $(RUNNER) "$$program" || exit 1; done

# Every input of the corpus once more.
fuzz-replay: $(REPLAYS)
	@for name in $(FUZZERS); do $(RUNNER) $(BUILD)/c/fuzz/fuzz_$$name csrc/fuzz/corpus/$$name || exit 1; done

# The same programs with leaves and nodes so small that short words have tall trees, and hashes asked early.
ctest-small-trees:
	$(MAKE) ctest BUILD="$(BUILD)/small-trees" CFLAGS="$(CFLAGS) $(SMALL_TREES)"

# Each fuzzer for so many seconds with trees of either size, under the sanitizers; what it finds is left in
# build/fuzz/NAME.
fuzz:
	@for name in $(FUZZERS); do \
		$(MAKE) fuzz-$$name && $(MAKE) fuzz-$$name CFLAGS="$(CFLAGS) $(SMALL_TREES)" || exit 1; done

# The oracle is as fast as it can be: most of the time is its.
fuzz-%: csrc/fuzz/fuzz_%.c
	mkdir -p $(BUILD)/fuzz/$*/corpus
	$(FUZZ_CC) -std=c11 -O2 $(INCLUDES) -c -o $(BUILD)/fuzz/$*/oracle.o csrc/tests/oracle.c
	$(FUZZ_CC) -std=c11 $(CFLAGS) $(SANITIZE) $(LIBFUZZER) $(INCLUDES) -o $(BUILD)/fuzz/$*/fuzz \
		$< csrc/fuzz/decode.c $(BUILD)/fuzz/$*/oracle.o $(if $(LIBFUZZER),,csrc/fuzz/replay.c) $(ENGINE) -pthread -lm
	cd $(BUILD)/fuzz/$* && ASAN_OPTIONS=abort_on_error=1:handle_abort=0 ./fuzz $(if $(LIBFUZZER),\
		-max_total_time=$(SECONDS) -max_len=600 -len_control=0 -timeout=60 -print_final_stats=1 corpus,-s $(SECONDS)) \
		$(CURDIR)/csrc/fuzz/corpus/$*

$(BUILD)/c/%.o: csrc/%.c $(HEADERS)
	@mkdir -p $(@D)
	$(CC) -std=c11 $(CFLAGS) $(INCLUDES) -c -o $@ $<

$(BUILD)/c/tests/test_%: $(BUILD)/c/tests/test_%.o $(ORACLE) $(OBJECTS)
	$(CC) $(CFLAGS) -o $@ $^ -pthread -lm

$(BUILD)/c/fuzz/fuzz_%: $(BUILD)/c/fuzz/fuzz_%.o $(BUILD)/c/fuzz/decode.o $(BUILD)/c/fuzz/replay.o $(ORACLE) $(OBJECTS)
	$(CC) $(CFLAGS) -o $@ $^ -pthread -lm

sanitize: sanitize-c tsan sanitize-python

sanitize-c:
	ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 \
		$(MAKE) ctest BUILD="$(SCRATCH)" CFLAGS="$(CFLAGS) $(SANITIZE)"

# Modules, which Cython writes at great length, take twice as long to compile with -O1 as with -Og.
# The build is made from a copy of the sources, so that no object of the ordinary build is used or replaced.
# Reports go to files, because pytest captures what a process says before it dies.
sanitize-python:
	rm -rf $(SCRATCH)/tree $(SCRATCH)/package $(REPORT).*
	mkdir -p $(SCRATCH)/tree
	cp -R csrc markovlib pyproject.toml setup.py README.md LICENSE $(SCRATCH)/tree
	rm -f $(SCRATCH)/tree/markovlib/*.so $(SCRATCH)/tree/markovlib/*.c
	MARKOVLIB_CFLAGS="$(SANITIZE)" MARKOVLIB_MODULE_CFLAGS=-Og \
		$(PYTHON) -m pip install -q --no-deps --target $(SCRATCH)/package $(SCRATCH)/tree
	LD_PRELOAD="$(PRELOAD)" PYTHONMALLOC=malloc \
		ASAN_OPTIONS=$(ASAN_PYTHON) UBSAN_OPTIONS=print_stacktrace=1:log_path=$(REPORT) \
		PYTHONSAFEPATH=1 PYTHONPATH="$(abspath $(SCRATCH)/package)" MARKOVLIB_SANITIZED=1 \
		$(PYTHON) -m pytest $(PYTEST) $(UNSANITIZED:%=--ignore-glob='tests/test_%.py'); status=$$?; \
	if grep -qs "ERROR: \|runtime error: " $(REPORT).*; then cat $(REPORT).*; status=1; fi; exit $$status

# The programs that start threads, under ThreadSanitizer.
tsan:
	TSAN_OPTIONS=halt_on_error=1 $(MAKE) ctest BUILD="$(BUILD)/tsan" CFLAGS="$(CFLAGS) $(TSAN)" FUZZERS=batch \
		CTESTS='$$(BUILD)/c/tests/test_threads $$(BUILD)/c/tests/test_batch $$(BUILD)/c/tests/test_rewrite'

# Small sizes, a few minutes; the record goes to .benchmarks/quick.json.
bench:
	$(RUN) -m pytest $(BENCH) benchmarks

# All sizes, ten minutes; stores benchmarks/records/latest.json and rewrites tables and picture in the documentation.
# ONLY=W4,W6 measures some workloads, prints their tables and stores nothing.
bench-report:
	PYTHONSAFEPATH= PYTHONPATH="$(TREE)" $(PYTHON) benchmarks/report.py $(if $(ONLY),--only $(ONLY))

# The picture in docs/seeing.md.
docs/seeing.png: PICTURE = mk.RuleSet([("|0", "0||"), ("1", "0|"), ("0", "")]).trace("1101")
docs/seeing.png: FORCE
	$(RUN) -c 'import markovlib as mk; $(PICTURE).write_picture("$@", align="center")'

FORCE:

docs:
	$(RUN) -m sphinx -q -W -b html docs docs/_build

# The source distribution, alone in a new folder and a new environment, passes its own tests.
sdist-test:
	rm -rf $(BUILD)/sdist
	$(PYTHON) -m build -q --sdist --outdir $(BUILD)/sdist .
	cd $(BUILD)/sdist && tar -xzf *.tar.gz --strip-components=1 && $(PYTHON) -m venv venv
	cd $(BUILD)/sdist && venv/bin/pip install -q '.[test]' && venv/bin/pytest $(PYTEST)

clean:
	rm -rf $(BUILD) dist *.egg-info docs/_build markovlib/*.so markovlib/*.c .pytest_cache .mypy_cache .ruff_cache
	rm -rf .hypothesis .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
