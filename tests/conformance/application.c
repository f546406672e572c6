/* application.c - what the public conformance suites of Engine.IO 4 and Socket.IO 5 talk to:
 * Parley's own transport with another application on it than the chat; `make conformance` runs
 * them.
 *
 *   /engine.io/  sends back every message
 *   /socket.io/  namespaces "/" and "/custom": `auth` with the auth of the CONNECT packet;
 *                message -> message-back; message-with-ack -> its arguments as the ack;
 *                ask -> the event `question`, and its ack as `answered`
 *
 * PING_INTERVAL_MS, PING_TIMEOUT_MS and CONNECT_TIMEOUT_MS are settings; all others are parleyd's.
 */
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "server/config.h"
#include "server/gateway.h"
#include "server/metrics.h"
#include "server/node.h"
#include "server/socketio.h"

extern char **environ;

/* -- Engine.IO -------------------------------------------------------------------------------- */

static void echo_open(struct eio *eio)
{
    eio_set_connected(eio, true);
}

static void echo_message(struct eio *eio, const char *data, size_t len, bool binary)
{
    eio_send(eio, data, len, binary);
}

static void echo_closed(struct eio *eio)
{
    (void)eio;
}

static const struct eio_service echo_service = {
    .path = "/engine.io/",
    .open = echo_open,
    .message = echo_message,
    .closed = echo_closed,
};

/* -- Socket.IO -------------------------------------------------------------------------------- */

/* The arguments of ARGS from the index FIRST on, as the inside of an array. */
static void put_args(struct buf *out, const json_t *args, size_t first)
{
    for (size_t i = first; i < json_array_size(args); i++) {
        char *text = json_dumps(json_array_get(args, i), JSON_COMPACT | JSON_ENCODE_ANY);
        if (out->len > 0)
            buf_putc(out, ',');
        buf_puts(out, text);
        free(text);
    }
}

static void on_connect(struct sio_socket *socket, json_t *auth)
{
    char *text = auth == NULL ? NULL : json_dumps(auth, JSON_COMPACT);
    struct buf args = {0};

    sio_accept(socket, NULL);
    buf_printf(&args, "\"auth\",%s", text == NULL ? "{}" : text);
    (void)sio_emit(socket, args.data, args.len, NULL, NULL);
    buf_free(&args);
    free(text);
}

static void emit_back(struct sio_socket *socket, const char *name, const struct sio_event *event,
                      size_t first, uint64_t *id_out)
{
    struct buf args = {0};

    buf_printf(&args, "\"%s\"", name);
    put_args(&args, event->args, first);
    (void)sio_emit(socket, args.data, args.len, &event->binary, id_out);
    buf_free(&args);
}

static void on_event(struct sio_socket *socket, const struct sio_event *event)
{
    const char *name = json_string_value(json_array_get(event->args, 0));
    uint64_t id;

    if (strcmp(name, "message") == 0) {
        emit_back(socket, "message-back", event, 1, NULL);
    } else if (strcmp(name, "message-with-ack") == 0 && event->ack != NULL) {
        struct buf args = {0};
        put_args(&args, event->args, 1);
        sio_ack(socket, *event->ack, args.data == NULL ? "" : args.data, args.len, &event->binary);
        buf_free(&args);
    } else if (strcmp(name, "ask") == 0) {
        emit_back(socket, "question", event, 1, &id);
    }
}

static void on_acked(struct sio_socket *socket, uint64_t id, const struct sio_event *args)
{
    (void)id;
    emit_back(socket, "answered", args, 0, NULL);
}

static void on_disconnect(struct sio_socket *socket)
{
    (void)socket;
}

static const struct sio_app main_app = {
    .nsp = "/",
    .connect = on_connect,
    .event = on_event,
    .acked = on_acked,
    .disconnect = on_disconnect,
};
static const struct sio_app custom_app = {
    .nsp = "/custom",
    .connect = on_connect,
    .event = on_event,
    .acked = on_acked,
    .disconnect = on_disconnect,
};

/* -- the server ------------------------------------------------------------------------------- */

static uint32_t setting(const char *name, uint32_t otherwise)
{
    const char *text = getenv(name);

    return text == NULL ? otherwise : (uint32_t)strtoul(text, NULL, 10);
}

/* The settings that the suites expect, unless the environment has others. */
static void set_engineio(struct node *node)
{
    static const struct eio_service *const services[] = {&echo_service, &socketio_service, NULL};
    static const struct sio_app *const apps[] = {&main_app, &custom_app, NULL};

    node->sio_apps = apps;
    node->eio = (struct eio_settings){
        .services = services,
        .ping_interval_ms = setting("PING_INTERVAL_MS", 300),
        .ping_timeout_ms = setting("PING_TIMEOUT_MS", 200),
        .connect_timeout_ms = setting("CONNECT_TIMEOUT_MS", 1000),
        .max_payload = 1000000,
        .any_origin = true,
    };
}

int main(int argc, char *argv[])
{
    static struct config config;
    enum config_action action;
    char error[CONFIG_ERROR_SIZE] = "";
    sigset_t signals;
    int signal_no;

    if (sodium_init() < 0 || setenv("PARLEY_HEARTBEAT_MS", "300", 1) != 0 ||
        !config_load(argc, argv, environ, &config, &action, error)) {
        (void)fprintf(stderr, "%s\n", error);
        return EXIT_FAILURE;
    }
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    log_configure(config.log_level, false);
    metrics_init(&(struct metrics_info){.version = "conformance", .workers = config.workers});
    gateway_init();
    struct node *node = node_create(&config, error);
    if (node != NULL)
        set_engineio(node);
    if (node == NULL || !node_start(node, error)) {
        (void)fprintf(stderr, "%s\n", error);
        return EXIT_FAILURE;
    }
    (void)sigwait(&signals, &signal_no);
    bool clean = node_drain(node);
    node_destroy(&node);
    config_free(&config);
    return clean ? EXIT_SUCCESS : EXIT_FAILURE;
}
