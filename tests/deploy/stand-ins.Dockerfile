# What deploy/compose.yaml pulls, from Debian's packages, as far as it relies on the official images.

FROM debian:bookworm-slim AS redis
RUN groupadd --gid 999 redis && useradd --uid 999 --gid 999 --no-create-home --home-dir /data redis
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends redis-server && rm -rf /var/lib/apt/lists/*
CMD ["redis-server"]

FROM debian:bookworm-slim AS haproxy
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends haproxy && rm -rf /var/lib/apt/lists/*
STOPSIGNAL SIGUSR1
USER haproxy
CMD ["haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]
