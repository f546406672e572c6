# make install DESTDIR=... PREFIX=/usr/local
#
# parleyd finds the web client in share/parley/web beside its own directory. The systemd unit is made to name the installed
# program; share/parley/parley.conf is the annotated sample, for /etc/parley/parley.conf.

MAN_PAGES := $(wildcard docs/man/*.[1-8])
SHARE      = $(DESTDIR)$(PREFIX)/share

.PHONY: install
## install: install programs, man pages, completion, systemd unit and web client (DESTDIR=, PREFIX=/usr/local)
install: parleyd parleyctl web
	install -D -m 755 $(BUILD)/parleyd $(DESTDIR)$(PREFIX)/bin/parleyd
	install -D -m 755 $(BUILD)/parleyctl $(DESTDIR)$(PREFIX)/bin/parleyctl
	for page in $(MAN_PAGES); do \
	    install -D -m 644 $$page $(SHARE)/man/man$${page##*.}/$${page##*/} || exit 1; \
	done
	install -D -m 644 cli/completion/parleyctl.bash $(SHARE)/bash-completion/completions/parleyctl
	install -D -m 644 cli/completion/_parleyctl $(SHARE)/zsh/site-functions/_parleyctl
	install -D -m 644 cli/completion/parleyctl.fish $(SHARE)/fish/vendor_completions.d/parleyctl.fish
	mkdir -p $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|/usr/local/bin/|$(PREFIX)/bin/|' deploy/parleyd.service >$(DESTDIR)$(PREFIX)/lib/systemd/system/parleyd.service
	install -D -m 644 deploy/parley.conf $(SHARE)/parley/parley.conf
	rm -rf $(SHARE)/parley/web
	mkdir -p $(SHARE)/parley
	cp -R web/dist $(SHARE)/parley/web

# The manual pages and completion scripts in the sources are what parleyctl prints; a test compares them.
.PHONY: man api-docs
## api-docs: write docs/api.md anew from the tables
api-docs: parleyd
	$(BUILD)/parleyd --dump-api-docs >docs/api.md.new && mv docs/api.md.new docs/api.md
## man: write docs/man/ and cli/completion/ anew from the tables
man: parleyctl
	mkdir -p docs/man cli/completion
	$(BUILD)/parleyctl help --man parleyctl >docs/man/parleyctl.1
	$(BUILD)/parleyctl help --man parleyd >docs/man/parleyd.8
	$(BUILD)/parleyctl help --man parley.conf >docs/man/parley.conf.5
	$(BUILD)/parleyctl completion bash >cli/completion/parleyctl.bash
	$(BUILD)/parleyctl completion zsh >cli/completion/_parleyctl
	$(BUILD)/parleyctl completion fish >cli/completion/parleyctl.fish
