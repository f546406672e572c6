# The TypeScript client (clients/typescript) and the web client, which is built on it from its sources. npm packages come from the
# lock files.

NODE_MODULES := web/node_modules/.parley-lock
CLIENT       := clients/typescript
CLIENT_DIST  := $(CLIENT)/dist/index.js
CLIENT_TYPES := $(CLIENT)/src/generated/protocol.ts
CLIENT_SOURCES := $(shell find $(CLIENT)/src -type f 2>/dev/null)
WEB_DIST     := web/dist/index.html
WEB_SOURCES  := $(shell find web -path web/node_modules -prune -o -path web/dist -prune -o -path web/test -prune \
                  -o -type f ! -name package-lock.json -print 2>/dev/null)

.PHONY: web
## web: build the web client into web/dist
web: $(if $(wildcard web/package.json),$(WEB_DIST))

.PHONY: client types
## client: build the TypeScript client into clients/typescript/dist
client: $(CLIENT_DIST)
## types: write the TypeScript types of the protocol anew, from the server's tables
types: parleyd
	$(Q)$(BUILD)/parleyd --dump-typescript >$(CLIENT_TYPES).new && mv $(CLIENT_TYPES).new $(CLIENT_TYPES)

# npm packages of a folder. The stamp is a copy of the lock file: it differs when the lock file changed, and it is gone when
# node_modules is.
%/node_modules/.parley-lock: %/package-lock.json %/package.json | $(BUILD)/stamp/packages-run
	$(Q)scripts/npm-ci $*

$(CLIENT_DIST): $(CLIENT_SOURCES) $(wildcard $(CLIENT)/tsconfig*.json) $(CLIENT)/node_modules/.parley-lock
	$(call say,TSC,$(CLIENT)/dist)
	$(Q)cd $(CLIENT) && flock node_modules/.parley-build sh -c 'rm -rf dist && npm run --silent build'
	@touch $@

$(WEB_DIST): $(WEB_SOURCES) $(CLIENT_SOURCES) $(NODE_MODULES)
	$(call say,WEB,web/dist)
	$(Q)cd web && flock node_modules/.parley-build npm run --silent build
	@touch $@
