# One static library a folder, and the two programs. Reading the configuration is a library of its own (config), because
# `parleyctl config check` reads it too.

LIBRARIES := base protocol storage config server cli

SRC_base     := $(wildcard base/*.c)
SRC_protocol := $(wildcard protocol/*.c)
SRC_storage  := $(wildcard storage/*.c storage/*/*.c)
SRC_config   := $(wildcard server/config*.c server/address.c server/origin.c)
SRC_server   := $(filter-out server/main.c $(SRC_config),$(wildcard server/*.c server/*/*.c))
SRC_cli      := $(filter-out cli/main.c,$(wildcard cli/*.c cli/*/*.c))

# What each library may call, itself first: the order in which they are linked.
DEPS_base     := base
DEPS_protocol := protocol base
DEPS_storage  := storage base
DEPS_config   := config base
DEPS_server   := server config protocol storage base
DEPS_cli      := cli config storage base
archives = $(foreach lib,$(DEPS_$(1)),$(O)/lib$(lib).a)

# Libraries of the system. The linker drops those a program does not use (--as-needed). The MongoDB driver and, for the server,
# libcurl are loaded when they are needed (storage/mongo/libmongoc.c, server/libcurl.c), so they are not among them.
SYSTEM_base     = $(SODIUM_LIBS) -lm
SYSTEM_protocol = $(JANSSON_LIBS) $(SODIUM_LIBS) -lm
# What the driver is to find in the program.
FOR_MONGOC      := -Wl,--export-dynamic-symbol=shm_open
SYSTEM_storage  = $(FOR_MONGOC) $(SQLITE_LIBS) $(BSON_LIBS) $(OPENSSL_LIBS) $(JANSSON_LIBS) $(SODIUM_LIBS) -lm
SYSTEM_config   = $(INIH_LIBS) -lm
SYSTEM_server   = $(FOR_MONGOC) $(LWS_LIBS) $(UV_LIBS) $(JANSSON_LIBS) $(SQLITE_LIBS) $(BSON_LIBS) $(HIREDIS_LIBS) \
                  $(OPENSSL_LIBS) $(SODIUM_LIBS) $(INIH_LIBS) $(ZLIB_LIBS) -lm
SYSTEM_cli      = $(FOR_MONGOC) $(CURL_LIBS) $(JANSSON_LIBS) $(SQLITE_LIBS) $(BSON_LIBS) $(OPENSSL_LIBS) $(SODIUM_LIBS) $(INIH_LIBS) -lm

objects = $(patsubst %.c,$(O)/obj/%.o,$(1))

# The list of members is a prerequisite too, so that a removed source leaves the archive.
define library
$(O)/lib$(1).a: $(call objects,$(SRC_$(1))) $(O)/obj/$(1).list
	$$(call say,AR,$$@)
	@rm -f $$@
	$$(Q)$(AR) rcsD $$@ $$(filter %.o,$$^)
$(O)/obj/$(1).list: FORCE
	@mkdir -p $$(@D)
	@echo '$(SRC_$(1))' | cmp -s - $$@ || echo '$(SRC_$(1))' >$$@
ALL_SOURCES += $(SRC_$(1))
endef
$(foreach lib,$(LIBRARIES),$(eval $(call library,$(lib))))

ALL_SOURCES += $(wildcard server/main.c cli/main.c)

$(O)/parleyd: $(O)/obj/server/main.o $(call archives,server)
	$(call say,LINK,$@)
	$(Q)$(link) $(SYSTEM_server)
	$(publish)

$(O)/parleyctl: $(O)/obj/cli/main.o $(call archives,cli)
	$(call say,LINK,$@)
	$(Q)$(link) $(SYSTEM_cli)
	$(publish)

# The release programs are what people look for in $(BUILD) itself.
publish = $(if $(filter release,$(MODE)),@ln -sf $(MODE)/$(@F) $(BUILD)/$(@F))
