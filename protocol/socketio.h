/* socketio.h - packets of Socket.IO, protocol revision 5, as the payload of Engine.IO messages.
 *
 *   <type>[<attachments>-][<namespace>,][<ack id>][<JSON>], then each attachment in a packet of its
 *   own
 *
 * Reading is strict: what a client's encoder would not have written is refused.
 * Threading: any. Ownership: a packet owns its JSON until sio_packet_free().
 */
#ifndef PROTOCOL_SOCKETIO_H
#define PROTOCOL_SOCKETIO_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
    SIO_NAMESPACE_SIZE = 64, /* with NUL; longer names are refused */
    SIO_ATTACHMENTS_MAX = 16,
    SIO_EVENT_NAME_MAX = 128,
};

/* The digit that a packet begins with. */
enum sio_packet_type {
    SIO_CONNECT,
    SIO_DISCONNECT,
    SIO_EVENT,
    SIO_ACK,
    SIO_CONNECT_ERROR,
    SIO_BINARY_EVENT,
    SIO_BINARY_ACK,
};

struct sio_packet {
    enum sio_packet_type type;
    unsigned attachments; /* that follow */
    bool has_id;
    uint64_t id;                  /* up to 2^53 - 1 */
    char nsp[SIO_NAMESPACE_SIZE]; /* "/" unless another is named */
    json_t *data; /* CONNECT: an object or NULL; events: an array that begins with the name; acks:
                     an array; DISCONNECT: NULL */
};

/* A packet from a client. False: not one, and why in *reason_out (static, without its subject).
 * After true call sio_packet_free(). In a packet with attachments each is named by exactly one
 * placeholder. */
bool sio_packet_parse(const char *text, size_t len, struct sio_packet *out,
                      const char **reason_out);
void sio_packet_free(struct sio_packet *packet);

/* Names that mean something to every client's library, and are never sent. */
bool sio_event_is_reserved(const char *name);

/* Appends what comes before the JSON. ID NULL: without an ack id. */
void sio_put_head(struct buf *out, enum sio_packet_type type, unsigned attachments, const char *nsp,
                  const uint64_t *id);

#endif
