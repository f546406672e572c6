# Parley. `make help` lists the targets; `make run` is all it takes to try it.
#
#   BUILD=dir      where everything that is built goes            (default: build)
#   MODE=mode      release | debug | asan | tsan | fuzz           (default: release)
#   V=1            show the commands
#
# Each folder of sources becomes one static library, and a program or test is linked only with the libraries its
# folder may depend on, so that a call in the wrong direction fails to link. A folder without sources is an empty library.
# What the machine offers (libraries, compiler options) is asked once and kept in $(BUILD)/config.mk.

VERSION := 0.1.0

BUILD  ?= build
MODE   ?= release
PREFIX ?= /usr/local
LISTEN ?= 127.0.0.1:8080
DATA   ?= data

# One name for it however it was given: the dependency files know objects by their path.
override BUILD := $(patsubst $(CURDIR)/%,%,$(abspath $(BUILD)))

MAKEFLAGS += --no-builtin-rules --no-print-directory
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 2)
endif
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

O := $(BUILD)/$(MODE)
Q := $(if $(V),,@)
quiet = $(findstring s,$(firstword -$(MAKEFLAGS)))
say = $(if $(V)$(quiet),,@printf '  %-5s %s\n' $(1) $(2))

# Targets that neither compile nor need anything installed.
BARE_GOALS := help clean fmt up down
NEEDS_CONFIG := $(filter-out $(BARE_GOALS),$(or $(MAKECMDGOALS),all))

include mk/flags.mk
include mk/libraries.mk
include mk/tests.mk
include mk/web.mk
include mk/lint.mk
include mk/install.mk
include mk/deploy.mk

## all: build parleyd and parleyctl (the default)
.PHONY: all
all: libraries $(if $(wildcard server/main.c),parleyd) $(if $(wildcard cli/main.c),parleyctl)

.PHONY: libraries parleyd parleyctl debug
libraries: $(LIBRARIES:%=$(O)/lib%.a)
## parleyd: build the server only
parleyd: $(O)/parleyd
## parleyctl: build the admin tool only
parleyctl: $(O)/parleyctl
## debug: build both without optimisation, into $(BUILD)/debug
debug:
	$(Q)$(MAKE) MODE=debug all

## run: install what is missing, build, and serve ./data on http://127.0.0.1:8080 (LISTEN=addr:port, DATA=dir)
.PHONY: run
run: parleyd parleyctl web
	@echo "Open the address below in a browser. Parley keeps its data in $(DATA)/; Ctrl-C stops it."
	@PARLEY_WEB_ROOT=web/dist exec $(BUILD)/parleyd --listen $(LISTEN) --data $(DATA)

## fmt: format the C sources in place
.PHONY: fmt
fmt: $(BUILD)/stamp/packages-lint
	$(Q)scripts/lint --fix

## clean: remove what was built (not data/)
.PHONY: clean
clean:
	rm -rf $(BUILD) web/dist $(CLIENT)/dist examples/react/dist

## help: this list
.PHONY: help
help:
	@sed -n 's/^## \([a-z-]*\): /\1\t/p' $(MAKEFILE_LIST) | awk -F '\t' '{ printf "  %-14s %s\n", $$1, $$2 }'
