# Compiler and linker flags of each MODE.

CC := $(if $(filter default undefined,$(origin CC)),$(if $(filter fuzz,$(MODE)),clang,gcc),$(CC))
AR := $(if $(filter default undefined,$(origin AR)),gcc-ar,$(AR))
WERROR ?= -Werror

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wmissing-prototypes -Wstrict-prototypes -Wformat-security $(WERROR)

# HARDEN_CFLAGS and the *_CFLAGS / *_LIBS of each library come from here. Make reads it again once it has been made.
# It is made after the packages are there, because it asks pkg-config and the compiler.
ifneq ($(NEEDS_CONFIG),)
-include $(BUILD)/config.mk
endif
$(BUILD)/config.mk: scripts/config $(BUILD)/stamp/packages-run
	$(Q)scripts/config >$@.new && mv $@.new $@

# One stamp a profile of packages; made again when the list or the script changes.
$(BUILD)/stamp/packages-%: scripts/packages scripts/bootstrap
	$(Q)mkdir -p $(@D)
	$(Q)scripts/bootstrap $*
	@touch $@

SANITIZE_asan := -fsanitize=address,undefined -fno-sanitize-recover=undefined
SANITIZE_tsan := -fsanitize=thread
SANITIZE_fuzz := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined

MODE_CFLAGS_release := -O2 $(HARDEN_CFLAGS)
MODE_CFLAGS_debug   := -O0
MODE_CFLAGS_asan    := -O1 -fno-omit-frame-pointer $(SANITIZE_asan)
MODE_CFLAGS_tsan    := -O1 -fno-omit-frame-pointer $(SANITIZE_tsan)
MODE_CFLAGS_fuzz    := -O1 -fno-omit-frame-pointer $(SANITIZE_fuzz)
MODE_LDFLAGS_release := $(HARDEN_LDFLAGS)
MODE_LDFLAGS_asan    := $(SANITIZE_asan)
MODE_LDFLAGS_tsan    := $(SANITIZE_tsan)
MODE_LDFLAGS_fuzz    := $(SANITIZE_fuzz)

ifeq ($(origin MODE_CFLAGS_$(MODE)),undefined)
$(error MODE=$(MODE) is not one of release, debug, asan, tsan, fuzz)
endif

PARLEY_CPPFLAGS = -I. -D_GNU_SOURCE -DPARLEY_VERSION='"$(VERSION)"' $(CPPFLAGS)
PARLEY_CFLAGS   = -std=c17 -g $(MODE_CFLAGS_$(MODE)) $(WARNINGS) -pthread $(PACKAGE_CFLAGS) $(CFLAGS)
PARLEY_LDFLAGS  = $(MODE_LDFLAGS_$(MODE)) -pthread -Wl,--as-needed $(LDFLAGS)

# Rebuild everything when the flags change: the file changes only when its contents do.
FLAGS_FILE := $(O)/flags
ALL_FLAGS   = $(CC) $(PARLEY_CPPFLAGS) $(PARLEY_CFLAGS) $(PARLEY_LDFLAGS)
$(FLAGS_FILE): FORCE
	@mkdir -p $(@D)
	@echo "$(ALL_FLAGS)" | cmp -s - $@ || echo "$(ALL_FLAGS)" >$@
.PHONY: FORCE
FORCE:

$(O)/obj/%.o: %.c $(FLAGS_FILE)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(PARLEY_CPPFLAGS) $(PARLEY_CFLAGS) $(EXTRA_CFLAGS) -MMD -MP -c $< -o $@

link = $(CC) $(PARLEY_CFLAGS) $(PARLEY_LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^)
