# The web client: npm packages from the lock file, then web/dist.

NODE_MODULES := web/node_modules/.parley-lock
WEB_DIST     := web/dist/index.html
WEB_SOURCES  := $(shell find web -path web/node_modules -prune -o -path web/dist -prune -o -path web/test -prune \
                  -o -type f ! -name package-lock.json -print 2>/dev/null)

.PHONY: web
## web: build the web client into web/dist
web: $(if $(wildcard web/package.json),$(WEB_DIST))

# npm packages of a folder. The stamp is a copy of the lock file: it differs when the lock file changed, and it is gone when
# node_modules is.
%/node_modules/.parley-lock: %/package-lock.json %/package.json | $(BUILD)/stamp/packages-run
	$(Q)scripts/npm-ci $*

$(WEB_DIST): $(WEB_SOURCES) $(NODE_MODULES)
	$(call say,WEB,web/dist)
	$(Q)cd web && flock node_modules/.parley-build npm run --silent build
	@touch $@
