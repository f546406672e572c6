/* socketio.h - Socket.IO 5 over Engine.IO: namespaces, events, acknowledgements, attachments.
 *
 * An application binds a namespace to callbacks. A client that connects to one gets a socket there,
 * which the application accepts or refuses, now or later. A packet that breaks the protocol ends
 * the client's whole connection, and nobody else's.
 *
 * Threading: the worker's own. Ownership: a socket lives until disconnect() was called, or it was
 * refused; who waits for something remembers its serial and finds it again by that.
 */
#ifndef SERVER_SOCKETIO_H
#define SERVER_SOCKETIO_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "server/engineio.h"

struct conn;
struct sio_socket;

/* Bytes that stand where DATA has {"_placeholder":true,"num":N}. */
struct sio_binary {
    const struct buf *attachments;
    unsigned n;
};

struct sio_event {
    json_t *args; /* the name, then the arguments; borrowed */
    struct sio_binary binary;
    const uint64_t *ack; /* to be given to sio_ack(), once; NULL: nobody waits for one */
};

struct sio_app {
    const char *nsp;
    /* AUTH: an object, or NULL; borrowed. sio_accept() or sio_refuse() has to follow. */
    void (*connect)(struct sio_socket *socket, json_t *auth);
    void (*event)(struct sio_socket *socket, const struct sio_event *event);
    /* The answer to the event that sio_emit() gave ID; NULL: the application asks for none. */
    void (*acked)(struct sio_socket *socket, uint64_t id, const struct sio_event *args);
    /* The end of a socket, accepted or not yet; nothing may be sent any more. */
    void (*disconnect)(struct sio_socket *socket);
    /* Of an accepted one: see struct eio_service. */
    void (*flushing)(struct sio_socket *socket);
};

/* At /socket.io/. */
extern const struct eio_service socketio_service;

/* Never the same twice on a worker. */
uint64_t sio_serial(const struct sio_socket *socket);
struct conn *sio_conn(const struct sio_socket *socket);
/* The socket of that serial on CONN, or NULL when it has ended. */
struct sio_socket *sio_find(const struct conn *conn, uint64_t serial);

/* The application's. */
void *sio_data(const struct sio_socket *socket);
void sio_set_data(struct sio_socket *socket, void *data);

/* PID: what the client is to come back with if its connection breaks; a standard client takes its
 * state for recovered when it gets the same again. It needs no escapes in JSON. NULL: none. */
void sio_accept(struct sio_socket *socket, const char *pid);
/* ERROR: the JSON object of the client's connect_error, with a "message". Ends the socket. */
void sio_refuse(struct sio_socket *socket, const char *error, size_t len);
/* ARGS: the inside of a JSON array: the name, then the arguments. BINARY may be NULL. ID_OUT not
 * NULL: the client is asked for an ack. False: too many acks are awaited already, nothing was sent.
 */
bool sio_emit(struct sio_socket *socket, const char *args, size_t len,
              const struct sio_binary *binary, uint64_t *id_out);
/* ARGS: the inside of a JSON array. */
void sio_ack(struct sio_socket *socket, uint64_t id, const char *args, size_t len,
             const struct sio_binary *binary);

#endif
