/* listener.h - accept sockets, and who may connect: limits by process and by address.
 *
 * Each worker accepts on a socket of its own (SO_REUSEPORT) and hands what it accepts to
 * libwebsockets. When the process runs out of descriptors a reserve is given up for a moment, so
 * that the client gets a 503 instead of silence, and accepting pauses.
 *
 * Threading: listen_sockets() and peers from any thread (locked); a listener on its worker's.
 */
#ifndef SERVER_LISTENER_H
#define SERVER_LISTENER_H

#include <stdbool.h>
#include <stddef.h>

#include "server/address.h"

struct config;
struct peer;
struct worker;

/* One socket a worker for ADDR, bound and listening, in FDS_OUT. Port 0 becomes the port that was
 * got, in *addr. An address that another process listens on is refused. */
bool listen_sockets(struct listen_addr *addr, unsigned workers, int *fds_out, char error_out[256]);
/* The admin socket: a Unix socket of mode 0600 in place of what was there. -1: ERROR_OUT says why.
 */
int listen_unix(const char *path, char error_out[256]);

/* What a listener is for. */
enum door { DOOR_PUBLIC, DOOR_ADMIN, DOOR_METRICS };

/* Accept on FD from now on. The listener owns FD. */
void listener_add(struct worker *worker, int fd, enum door door);
/* Stop accepting and close all of WORKER's sockets. */
void listeners_close(struct worker *worker);

/* A client's address with its number of connections; NULL stands for the admin socket. */
const char *peer_address(const struct peer *peer);
/* What counts as a connection of ADDRESS without being a socket; NULL: there are too many. */
struct peer *peer_open(const char *address, const struct config *config);
void peer_release(struct peer **peer);
/* The connection turns out to be from ADDRESS, behind a trusted proxy. False: ADDRESS has too many,
 * and *peer stays. */
bool peer_change(struct peer **peer, const char *address, const struct config *config);

#endif
