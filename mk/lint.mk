# Static analysis, one stamp a source, so that only what changed is analysed again.

ANALYSED := $(filter-out tests/%,$(ALL_SOURCES))

$(BUILD)/lint/%.ok: %.c .clang-tidy $(BUILD)/config.mk | $(BUILD)/stamp/packages-lint
	$(call say,TIDY,$<)
	@mkdir -p $(@D)
	$(Q)clang-tidy --quiet $< -- -std=c17 $(PARLEY_CPPFLAGS) $(PACKAGE_CFLAGS) \
	    2>$(@:.ok=.err) || { cat $(@:.ok=.err) >&2; exit 1; }
	@$(CC) -std=c17 $(PARLEY_CPPFLAGS) $(PACKAGE_CFLAGS) -MM -MP -MT $@ -MF $(@:.ok=.d) $<
	@touch $@

.PHONY: analyse lint
analyse: $(patsubst %.c,$(BUILD)/lint/%.ok,$(ANALYSED))

## lint: formatting, static analysis, shell scripts, TypeScript
lint: $(BUILD)/config.mk $(BUILD)/stamp/packages-lint $(NODE_MODULES) $(CLIENT)/node_modules/.parley-lock
	+$(Q)BUILD=$(BUILD) scripts/lint

-include $(patsubst %.c,$(BUILD)/lint/%.d,$(ANALYSED))
