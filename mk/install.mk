# make install DESTDIR=... PREFIX=/usr/local

MAN_PAGES   := $(wildcard docs/man/*.[1-8])
COMPLETION  := $(wildcard cli/completion/parleyctl.bash)
INSTALL_BIN  = install -D -m 755
INSTALL_FILE = install -D -m 644

.PHONY: install
## install: install programs, man pages, completion and web client (DESTDIR=, PREFIX=/usr/local)
install: parleyd parleyctl web
	$(INSTALL_BIN) $(BUILD)/parleyd $(DESTDIR)$(PREFIX)/bin/parleyd
	$(INSTALL_BIN) $(BUILD)/parleyctl $(DESTDIR)$(PREFIX)/bin/parleyctl
	for page in $(MAN_PAGES); do \
	    $(INSTALL_FILE) $$page $(DESTDIR)$(PREFIX)/share/man/man$${page##*.}/$${page##*/} || exit 1; \
	done
	$(if $(COMPLETION),$(INSTALL_FILE) $(COMPLETION) $(DESTDIR)$(PREFIX)/share/bash-completion/completions/parleyctl)
	rm -rf $(DESTDIR)$(PREFIX)/share/parley/web
	mkdir -p $(DESTDIR)$(PREFIX)/share/parley
	cp -R web/dist $(DESTDIR)$(PREFIX)/share/parley/web
