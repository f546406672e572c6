# Tests, fuzzers and load generators.
#
#   tests/unit/<folder>/test_*.c   one cmocka program each, linked with that folder's library and those below it
#   tests/contract/test_*.c        one suite over every store; bus_*.c: over every bus
#   tests/fuzz/fuzz_*.c            libFuzzer targets, built by MODE=fuzz
#   tests/bench/*.c                one program each
# Other .c files beside them are helpers, linked into every program of that folder; so is tests/bench/lib/*.c.

UNIT_FOLDERS   := $(filter $(LIBRARIES),$(notdir $(wildcard tests/unit/*)))
CONTRACT_TESTS := $(wildcard tests/contract/test_*.c)
BUS_TESTS      := $(wildcard tests/contract/bus_*.c)
FUZZ_TARGETS   := $(wildcard tests/fuzz/fuzz_*.c)
BENCH_PROGRAMS := $(wildcard tests/bench/*.c)

CMOCKA_LIBS ?= -lcmocka
# Some look at a database through the driver itself.
TEST_LIBS = $(CMOCKA_LIBS) $(MONGOC_LIBS)

program = $(patsubst %.c,$(O)/%,$(1))

# $(1): sources, one program each; $(2): helpers; $(3): library to link; $(4): more libraries of the system
define test_programs
$(call program,$(1)): $(O)/%: $(O)/obj/%.o $(call objects,$(2)) $(call archives,$(3))
	$$(call say,LINK,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(link) $(4) $$(SYSTEM_$(3))
ALL_SOURCES += $(1) $(2)
endef

define unit_folder
UNIT_TESTS_$(1)   := $(wildcard tests/unit/$(1)/test_*.c)
UNIT_HELPERS_$(1) := $(filter-out tests/unit/$(1)/test_%,$(wildcard tests/unit/$(1)/*.c))
UNIT_PROGRAMS     += $(call program,$(wildcard tests/unit/$(1)/test_*.c))
$$(if $$(UNIT_TESTS_$(1)),$$(eval $$(call test_programs,$$(UNIT_TESTS_$(1)),$$(UNIT_HELPERS_$(1)),$(1),$(TEST_LIBS))))
endef
$(foreach folder,$(UNIT_FOLDERS),$(eval $(call unit_folder,$(folder))))

CONTRACT_HELPERS := $(filter-out tests/contract/redis_server.c $(CONTRACT_TESTS) $(BUS_TESTS),$(wildcard tests/contract/*.c))
FUZZ_HELPERS     := $(filter-out $(FUZZ_TARGETS),$(wildcard tests/fuzz/*.c))
ifneq ($(CONTRACT_TESTS),)
$(eval $(call test_programs,$(CONTRACT_TESTS),$(CONTRACT_HELPERS),storage,$(TEST_LIBS)))
endif
ifneq ($(BUS_TESTS),)
$(eval $(call test_programs,$(BUS_TESTS),tests/contract/redis_server.c,server,$(CMOCKA_LIBS)))
endif
CONTRACT_PROGRAMS := $(call program,$(CONTRACT_TESTS) $(BUS_TESTS))

# Programs: the names a person uses to build tests without running them.
.PHONY: test-programs asan-build tsan-build fuzz-build bench-build
$(UNIT_PROGRAMS) $(CONTRACT_PROGRAMS): | $(BUILD)/stamp/packages-test
test-programs: $(UNIT_PROGRAMS) $(CONTRACT_PROGRAMS)

## asan-build: build everything with AddressSanitizer and UBSan, into $(BUILD)/asan
asan-build:
	$(Q)$(MAKE) MODE=asan parleyd parleyctl test-programs
## tsan-build: build everything with ThreadSanitizer, into $(BUILD)/tsan
tsan-build:
	$(Q)$(MAKE) MODE=tsan parleyd parleyctl test-programs

# Fuzzers: $(BUILD)/fuzz/fuzz_<decoder>
ifeq ($(MODE),fuzz)
FUZZ_PROGRAMS := $(patsubst tests/fuzz/%.c,$(O)/%,$(FUZZ_TARGETS))
$(O)/obj/tests/fuzz/%.o: EXTRA_CFLAGS := -Wno-missing-prototypes
$(FUZZ_PROGRAMS): $(O)/%: $(O)/obj/tests/fuzz/%.o $(call objects,$(FUZZ_HELPERS)) $(O)/libcli.a $(call archives,server)
	$(call say,LINK,$@)
	$(Q)$(link) -fsanitize=fuzzer $(SYSTEM_cli) $(SYSTEM_server)
$(FUZZ_PROGRAMS): | $(BUILD)/stamp/packages-test
endif
ALL_SOURCES += $(FUZZ_TARGETS) $(FUZZ_HELPERS)
.PHONY: fuzz-programs
fuzz-programs: $(FUZZ_PROGRAMS)
fuzz-build:
	$(Q)$(MAKE) MODE=fuzz fuzz-programs

# Load generators: $(BUILD)/bench/<name>, always with the release flags.
ifeq ($(MODE),release)
BENCH_BUILT := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(BENCH_PROGRAMS))
$(BENCH_BUILT): $(BUILD)/bench/%: $(O)/obj/tests/bench/%.o $(call objects,$(wildcard tests/bench/lib/*.c)) \
                                 $(call archives,storage)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(link) $(SYSTEM_storage)
endif
ALL_SOURCES += $(BENCH_PROGRAMS) $(wildcard tests/bench/lib/*.c)
bench-build: $(BENCH_BUILT)

# What the public conformance suites of Socket.IO talk to.
CONFORMANCE := $(O)/tests/conformance/application
$(eval $(call test_programs,tests/conformance/application.c,,server))
.PHONY: conformance conformance-application
conformance-application: $(CONFORMANCE)
## conformance: run the public suites of Engine.IO 4 and Socket.IO 5 (SUITES=docs folder of a checkout of socketio/socket.io)
conformance: $(CONFORMANCE) $(BUILD)/stamp/packages-test
	$(Q)tests/conformance/run.mjs $(CONFORMANCE) "$(SUITES)" $(BUILD)/conformance

# npm packages of the node tests.
.PHONY: test-modules
test-modules: $(if $(wildcard tests/package.json),tests/node_modules/.parley-lock)

EXAMPLE_REACT := examples/react/dist/index.html
.PHONY: examples
## examples: install the packages of the examples, and build the React one into examples/react/dist
examples: examples/bot-node/node_modules/.parley-lock $(EXAMPLE_REACT)
$(EXAMPLE_REACT): $(wildcard examples/react/*.html examples/react/*.mjs examples/react/src/*) examples/react/node_modules/.parley-lock
	$(call say,WEB,$(@D))
	$(Q)cd examples/react && flock node_modules/.parley-build npm run --silent build
	@touch $@

# Clients in other languages that the interop tests talk through. interop-<language>-libraries fetches what one takes, so that what
# cannot be had is told from what does not build.
INTEROP_JAVA := $(BUILD)/interop/java
INTEROP_RUST := $(BUILD)/interop/rust
.PHONY: interop-java interop-java-libraries interop-rust interop-rust-libraries
interop-java-libraries: $(INTEROP_JAVA)/.fetched
interop-java: $(INTEROP_JAVA)/.built
$(INTEROP_JAVA)/.fetched: tests/interop/java/pom.xml | $(BUILD)/stamp/packages-java
	$(call say,MAVEN,$(@D)/lib)
	@rm -rf $(@D)/lib
	$(Q)mvn --quiet --batch-mode --file $< dependency:copy-dependencies -DoutputDirectory=$(abspath $(@D)/lib)
	@touch $@
$(INTEROP_JAVA)/.built: $(wildcard tests/interop/java/*.java) tests/interop/java/libraries.sha256 $(INTEROP_JAVA)/.fetched
	$(call say,JAVAC,$(@D)/classes)
	$(Q)cd $(@D)/lib && sha256sum * | diff $(abspath tests/interop/java/libraries.sha256) -
	$(Q)javac -Xlint:all -Werror -encoding UTF-8 -cp '$(@D)/lib/*' -d $(@D)/classes $(filter %.java,$^)
	@touch $@
interop-rust-libraries: $(INTEROP_RUST)/.fetched
interop-rust: $(INTEROP_RUST)/.built
$(INTEROP_RUST)/.fetched: $(wildcard tests/interop/rust/Cargo.*) | $(BUILD)/stamp/packages-rust
	@mkdir -p $(@D)
	$(Q)cargo fetch --quiet --locked --manifest-path tests/interop/rust/Cargo.toml
	@touch $@
$(INTEROP_RUST)/.built: $(wildcard tests/interop/rust/src/*) $(INTEROP_RUST)/.fetched
	$(call say,CARGO,$(@D))
	$(Q)cargo build --quiet --locked --offline --manifest-path tests/interop/rust/Cargo.toml --target-dir $(@D)
	@touch $@

# Running them
run_tests = BUILD=$(BUILD) scripts/test.mjs

.PHONY: test asan tsan fuzz api-fuzz interop soak bench bench-cluster bench-socketio
## test: install what is missing, build and run every suite (SUITES="unit integration" for some)
test: $(BUILD)/config.mk $(BUILD)/stamp/packages-test
	+$(Q)$(run_tests) $(SUITES)
## asan: unit, contract, integration and short fault tests under AddressSanitizer and UBSan
asan: $(BUILD)/config.mk $(BUILD)/stamp/packages-test
	+$(Q)$(run_tests) asan
## tsan: unit, contract, integration and short fault tests under ThreadSanitizer
tsan: $(BUILD)/config.mk $(BUILD)/stamp/packages-test
	+$(Q)$(run_tests) tsan
## fuzz: run every fuzzer for FUZZ_SECONDS each (default 600)
fuzz: $(BUILD)/config.mk $(BUILD)/stamp/packages-test
	+$(Q)FUZZ_SECONDS=$(or $(FUZZ_SECONDS),600) $(run_tests) fuzz
## interop: clients that others have made, in all languages, against Parley's Socket.IO
interop: $(BUILD)/config.mk $(BUILD)/stamp/packages-test
	+$(Q)$(run_tests) interop interop-built
## api-fuzz: Schemathesis against a live server, API_FUZZ_SECONDS (default 120); installs it into $(BUILD)/api-fuzz at first
api-fuzz: parleyd test-modules $(BUILD)/api-fuzz/venv/.installed
	$(Q)PARLEYD=$(BUILD)/parleyd PARLEY_WEB_ROOT=$(BUILD)/api-fuzz/none tests/api-fuzz/run.mjs \
	    $(BUILD)/api-fuzz/venv/bin/schemathesis $(or $(API_FUZZ_SECONDS),120)
$(BUILD)/api-fuzz/venv/.installed: tests/api-fuzz/requirements.txt | $(BUILD)/stamp/packages-api
	$(call say,PIP,$(@D))
	$(Q)rm -rf $(@D) && python3 -m venv $(@D) && $(@D)/bin/pip install --quiet --require-hashes -r $<
	@touch $@
## soak: the fault tests in their long form, FAULT_SECONDS each (default 1800)
soak: $(BUILD)/config.mk $(BUILD)/stamp/packages-test
	+$(Q)FAULT_SECONDS=$(or $(FAULT_SECONDS),1800) $(run_tests) fault
## bench: measure, and write the table and the plot of docs/benchmarks.md
bench: parleyd parleyctl bench-build web $(BUILD)/stamp/packages-bench
	+$(Q)BUILD=$(BUILD) tests/bench/run
## bench-cluster: measure several nodes over Redis and MongoDB; writes docs/benchmarks-cluster.md
bench-cluster: parleyd parleyctl bench-build $(BUILD)/stamp/packages-bench
	+$(Q)BUILD=$(BUILD) tests/bench/cluster/run
## bench-socketio: measure beside Socket.IO and Express; writes docs/benchmarks-socketio.md
bench-socketio: parleyd parleyctl bench-build $(BUILD)/stamp/packages-bench
	+$(Q)BUILD=$(BUILD) tests/bench/socketio/run

# Header dependencies of whatever has been compiled.
-include $(patsubst %.c,$(O)/obj/%.d,$(ALL_SOURCES))
