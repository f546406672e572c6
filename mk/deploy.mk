# Containers: the image, and the cluster of deploy/compose.yaml. DOCKER_HOST names another engine than the machine's own.

COMPOSE ?= $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)
COMPOSE_FILES ?= -f deploy/compose.yaml
SECRETS ?= deploy/secrets

up down: export PARLEY_VERSION := $(VERSION)
up down: export PARLEY_REVISION = $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

.PHONY: up down deploy-test
## up: start a cluster in containers (three nodes, HAProxy, Redis, MongoDB) and print its address
up:
	$(Q)deploy/make-secrets $(SECRETS)
	$(Q)$(COMPOSE) $(COMPOSE_FILES) up -d --build
	@echo "Parley is at http://$${PARLEY_BIND:-127.0.0.1}:$${PARLEY_PORT:-8080}; the set-up code for the owner's account is" \
	    "in $(SECRETS)/setup_code. make down stops it."
## down: stop the cluster; its history stays
down:
	$(Q)$(COMPOSE) $(COMPOSE_FILES) down

## deploy-test: run the systemd unit's checks, the proxy samples and the containers for real (root; not part of make test)
deploy-test: $(BUILD)/config.mk $(BUILD)/stamp/packages-test $(BUILD)/stamp/packages-deploy
	+$(Q)$(run_tests) deploy
