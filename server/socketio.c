#include "server/socketio.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/id.h"
#include "base/mem.h"
#include "protocol/socketio.h"
#include "server/conn.h"
#include "server/node.h"
#include "server/worker.h"

enum {
    SOCKETS_MAX = 16, /* namespaces of one client */
    ACKS_MAX = 64,    /* that one socket may owe us */
};

struct sio_socket {
    struct sio *sio;
    const struct sio_app *app;
    uint64_t serial;
    void *data; /* the application's */
    bool accepted;
    uint64_t next_ack;
    uint64_t awaited; /* a bit for each ack, by its id modulo ACKS_MAX */
    struct sio_socket *prev, *next;
};

/* One client. */
struct sio {
    struct eio *eio;
    struct sio_socket *sockets;
    unsigned sockets_n;
    struct sio_packet partial; /* waits for attachments */
    struct buf *attachments;
    unsigned attachments_n;
    size_t attachments_bytes;
};

/* -- sockets ---------------------------------------------------------------------------------- */

uint64_t sio_serial(const struct sio_socket *socket)
{
    return socket->serial;
}

struct conn *sio_conn(const struct sio_socket *socket)
{
    return eio_conn(socket->sio->eio);
}

struct sio_socket *sio_find(const struct conn *conn, uint64_t serial)
{
    const struct sio *sio = conn->eio == NULL ? NULL : eio_data(conn->eio);
    struct sio_socket *socket = sio == NULL ? NULL : sio->sockets;

    while (socket != NULL && socket->serial != serial)
        socket = socket->next;
    return socket;
}

void *sio_data(const struct sio_socket *socket)
{
    return socket->data;
}

void sio_set_data(struct sio_socket *socket, void *data)
{
    socket->data = data;
}

static struct sio_socket *find_namespace(const struct sio *sio, const char *nsp)
{
    struct sio_socket *socket = sio->sockets;

    while (socket != NULL && strcmp(socket->app->nsp, nsp) != 0)
        socket = socket->next;
    return socket;
}

static const struct sio_app *find_app(const struct sio *sio, const char *nsp)
{
    const struct sio_app *const *app = eio_conn(sio->eio)->worker->node->sio_apps;

    while (*app != NULL && strcmp((*app)->nsp, nsp) != 0)
        app++;
    return *app;
}

static void socket_free(struct sio_socket *socket)
{
    struct sio *sio = socket->sio;
    bool any = false;
    struct sio_socket *other;

    DL_DELETE(sio->sockets, socket);
    sio->sockets_n--;
    free(socket);
    DL_FOREACH(sio->sockets, other)
    {
        any = any || other->accepted;
    }
    eio_set_connected(sio->eio, any);
}

static void socket_end(struct sio_socket *socket)
{
    socket->app->disconnect(socket);
    socket_free(socket);
}

/* -- sending ---------------------------------------------------------------------------------- */

static void send_packet(const struct sio_socket *socket, enum sio_packet_type type,
                        const uint64_t *id, const char *args, size_t len,
                        const struct sio_binary *binary)
{
    unsigned n = binary == NULL ? 0 : binary->n;
    struct buf text = {0};

    if (n > 0)
        type = type == SIO_EVENT ? SIO_BINARY_EVENT : SIO_BINARY_ACK;
    sio_put_head(&text, type, n, socket->app->nsp, id);
    buf_putc(&text, '[');
    buf_put(&text, args, len);
    buf_putc(&text, ']');
    eio_send(socket->sio->eio, text.data, text.len, false);
    for (unsigned i = 0; i < n; i++)
        eio_send(socket->sio->eio, binary->attachments[i].data, binary->attachments[i].len, true);
    buf_free(&text);
}

void sio_accept(struct sio_socket *socket, const char *pid)
{
    struct buf text = {0};
    char id[ID_SIZE];

    id_make(id);
    socket->accepted = true;
    eio_set_connected(socket->sio->eio, true);
    sio_put_head(&text, SIO_CONNECT, 0, socket->app->nsp, NULL);
    buf_putc(&text, '{');
    buf_json_member(&text, "sid", id);
    buf_json_member_opt(&text, "pid", pid);
    buf_putc(&text, '}');
    eio_send(socket->sio->eio, text.data, text.len, false);
    buf_free(&text);
}

static void send_refusal(struct sio *sio, const char *nsp, const char *error, size_t len)
{
    struct buf text = {0};

    sio_put_head(&text, SIO_CONNECT_ERROR, 0, nsp, NULL);
    buf_put(&text, error, len);
    eio_send(sio->eio, text.data, text.len, false);
    buf_free(&text);
}

void sio_refuse(struct sio_socket *socket, const char *error, size_t len)
{
    send_refusal(socket->sio, socket->app->nsp, error, len);
    socket_free(socket);
}

bool sio_emit(struct sio_socket *socket, const char *args, size_t len,
              const struct sio_binary *binary, uint64_t *id_out)
{
    uint64_t bit = UINT64_C(1) << (socket->next_ack % ACKS_MAX);

    if (id_out == NULL) {
        send_packet(socket, SIO_EVENT, NULL, args, len, binary);
        return true;
    }
    if ((socket->awaited & bit) != 0)
        return false;
    socket->awaited |= bit;
    *id_out = socket->next_ack++;
    send_packet(socket, SIO_EVENT, id_out, args, len, binary);
    return true;
}

void sio_ack(struct sio_socket *socket, uint64_t id, const char *args, size_t len,
             const struct sio_binary *binary)
{
    send_packet(socket, SIO_ACK, &id, args, len, binary);
}

/* -- receiving -------------------------------------------------------------------------------- */

static void hear_connect(struct sio *sio, struct sio_packet *packet)
{
    static const char unknown[] = "{\"message\":\"Invalid namespace\"}";
    const struct sio_app *app = find_app(sio, packet->nsp);

    if (app == NULL) {
        send_refusal(sio, packet->nsp, unknown, sizeof(unknown) - 1);
        return;
    }
    if (find_namespace(sio, packet->nsp) != NULL)
        return; /* a client that is told to connect while it does asks twice: one answer will do */
    if (sio->sockets_n == SOCKETS_MAX) {
        eio_refuse(sio->eio, "connects to too many namespaces");
        return;
    }
    struct sio_socket *socket = mem_zalloc(sizeof(*socket));
    socket->sio = sio;
    socket->app = app;
    socket->serial = worker_next_conn_id(eio_conn(sio->eio)->worker);
    DL_APPEND(sio->sockets, socket);
    sio->sockets_n++;
    app->connect(socket, packet->data);
}

/* An ack that nobody waits for is no fault: a client may answer what came before its connection was
 * renewed. */
static void hear_ack(struct sio_socket *socket, uint64_t id, const struct sio_event *args)
{
    uint64_t bit = UINT64_C(1) << (id % ACKS_MAX);

    if (id >= socket->next_ack || socket->next_ack - id > ACKS_MAX || (socket->awaited & bit) == 0)
        return;
    socket->awaited &= ~bit;
    if (socket->app->acked != NULL)
        socket->app->acked(socket, id, args);
}

/* A whole packet, with its attachments. */
static void hear_packet(struct sio *sio, struct sio_packet *packet, const struct sio_binary *binary)
{
    struct sio_socket *socket = find_namespace(sio, packet->nsp);
    struct sio_event event = {.args = packet->data, .binary = *binary};

    if (packet->type == SIO_CONNECT) {
        hear_connect(sio, packet);
        return;
    }
    if (socket == NULL || (!socket->accepted && packet->type != SIO_DISCONNECT)) {
        eio_refuse(sio->eio, "is not connected to the namespace");
        return;
    }
    switch (packet->type) {
    case SIO_DISCONNECT:
        socket_end(socket);
        return;
    case SIO_EVENT:
    case SIO_BINARY_EVENT:
        event.ack = packet->has_id ? &packet->id : NULL;
        socket->app->event(socket, &event);
        return;
    default:
        hear_ack(socket, packet->id, &event);
        return;
    }
}

static void partial_free(struct sio *sio)
{
    for (unsigned i = 0; i < sio->attachments_n; i++)
        buf_free(&sio->attachments[i]);
    free(sio->attachments);
    sio->attachments = NULL;
    sio->attachments_n = 0;
    sio->attachments_bytes = 0;
    sio_packet_free(&sio->partial);
}

static void hear_text(struct sio *sio, const char *data, size_t len)
{
    const char *reason = "comes before the attachments of the packet before it";
    struct sio_packet packet;

    if (sio->attachments != NULL || !sio_packet_parse(data, len, &packet, &reason)) {
        eio_refuse(sio->eio, reason);
        return;
    }
    if (packet.attachments > 0) {
        sio->partial = packet;
        sio->attachments = mem_zalloc(packet.attachments * sizeof(struct buf));
        return;
    }
    hear_packet(sio, &packet, &(struct sio_binary){.n = 0});
    sio_packet_free(&packet);
}

static void hear_binary(struct sio *sio, const char *data, size_t len)
{
    size_t max = eio_conn(sio->eio)->worker->node->eio.max_payload;

    if (sio->attachments == NULL || sio->attachments_bytes + len > max) {
        eio_refuse(sio->eio, sio->attachments == NULL ? "is binary and belongs to no packet"
                                                      : "has too large attachments");
        return;
    }
    struct buf *attachment = &sio->attachments[sio->attachments_n++];
    (void)buf_reserve(attachment, len);
    buf_put(attachment, data, len);
    sio->attachments_bytes += len;
    if (sio->attachments_n < sio->partial.attachments)
        return;
    hear_packet(sio, &sio->partial,
                &(struct sio_binary){.attachments = sio->attachments, .n = sio->attachments_n});
    partial_free(sio);
}

/* -- the service ------------------------------------------------------------------------------ */

static void on_open(struct eio *eio)
{
    struct sio *sio = mem_zalloc(sizeof(*sio));

    sio->eio = eio;
    eio_set_data(eio, sio);
}

static void on_message(struct eio *eio, const char *data, size_t len, bool binary)
{
    struct sio *sio = eio_data(eio);

    if (binary)
        hear_binary(sio, data, len);
    else
        hear_text(sio, data, len);
}

static void on_closed(struct eio *eio)
{
    struct sio *sio = eio_data(eio);

    while (sio->sockets != NULL)
        socket_end(sio->sockets);
    partial_free(sio);
    eio_set_data(eio, NULL);
    free(sio);
}

static void on_flushing(struct eio *eio)
{
    const struct sio *sio = eio_data(eio);
    struct sio_socket *socket;

    DL_FOREACH(sio->sockets, socket)
    {
        if (socket->accepted && socket->app->flushing != NULL)
            socket->app->flushing(socket);
    }
}

const struct eio_service socketio_service = {
    .path = "/socket.io/",
    .open = on_open,
    .message = on_message,
    .closed = on_closed,
    .flushing = on_flushing,
};
