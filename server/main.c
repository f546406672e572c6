/* main.c - parleyd: read the configuration, start, wait for a signal, drain. */
#include <errno.h>
#include <jansson.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "protocol/command.h"
#include "protocol/describe.h"
#include "server/config.h"
#include "server/gateway.h"
#include "server/metrics.h"
#include "server/node.h"
#include "server/version.h"

extern char **environ;

enum {
    EXIT_USAGE = 2,
    HEAP_KEEP_BYTES = 4 * 1024 * 1024, /* free at the end of a thread's heap */
    HEAP_BLOCK_BYTES = 1024 * 1024,
};

static int print(void (*write_text)(struct buf *out))
{
    struct buf text = {0};

    write_text(&text);
    (void)fwrite(text.data, 1, text.len, stdout);
    buf_free(&text);
    return ferror(stdout) != 0 || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void start_metrics(const struct config *config)
{
    static const char *names[CMD_COUNT];

    for (size_t i = 0; i < CMD_COUNT; i++)
        names[i] = command_get((enum command_id)i)->name;
    metrics_init(&(struct metrics_info){
        .version = PARLEY_VERSION,
        .workers = config->workers > 0 ? config->workers : (unsigned)sysconf(_SC_NPROCESSORS_ONLN),
        .commands = names,
        .commands_n = CMD_COUNT,
    });
}

/* Signals are waited for by this thread; all others, made later, have them blocked. */
static void block_signals(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error, not an end */
}

/* Pages of messages and answers come and go thousands of times a second. By default the heap of a
 * thread gives back what it needs again in a moment, and the kernel clears it each time. */
static void tune_heap(void)
{
    (void)mallopt(M_TRIM_THRESHOLD, HEAP_KEEP_BYTES);
    (void)mallopt(M_MMAP_THRESHOLD, HEAP_BLOCK_BYTES);
}

static int serve(const struct config *config)
{
    char error[512] = "";
    sigset_t signals;
    int signal_no = 0;

    tune_heap();
    block_signals(&signals);
    start_metrics(config);
    gateway_init();
    struct node *node = node_create(config, error);
    if (node == NULL || !node_start(node, error)) {
        (void)fprintf(stderr, "parleyd: %s\n", error);
        node_destroy(&node);
        return EXIT_FAILURE;
    }
    log_info("started", LOG_STR("version", PARLEY_VERSION), LOG_STR("node", node->id),
             LOG_INT("workers", node->workers_n), LOG_STR("data", config->data));
    (void)malloc_trim(0); /* what only the start has needed */
    while (sigwait(&signals, &signal_no) != 0)
        continue;
    log_info("draining", LOG_STR("signal", strsignal(signal_no)));
    bool clean = node_drain(node);
    node_destroy(&node);
    log_info("stopped", LOG_STR("commands", clean ? "all answered" : "some unanswered"));
    return EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
    struct config config;
    enum config_action action;
    char error[CONFIG_ERROR_SIZE];
    int code = EXIT_SUCCESS;

    if (sodium_init() < 0) {
        (void)fprintf(stderr, "parleyd: libsodium does not start\n");
        return EXIT_FAILURE;
    }
    json_object_seed(0);
    if (!config_load(argc, argv, environ, &config, &action, error)) {
        (void)fprintf(stderr, "parleyd: %s\n", error);
        return EXIT_USAGE;
    }
    switch (action) {
    case CONFIG_HELP:
        code = print(config_help);
        break;
    case CONFIG_VERSION:
        (void)printf("parleyd %s\n", PARLEY_VERSION);
        break;
    case CONFIG_DUMP_SAMPLE:
        code = print(config_sample);
        break;
    case CONFIG_DUMP_DOCS:
        code = print(config_docs);
        break;
    case CONFIG_DUMP_TYPESCRIPT:
        code = print(describe_typescript);
        break;
    case CONFIG_DUMP_PROTOCOL:
        code = print(describe_json);
        break;
    case CONFIG_DUMP_OPENAPI:
        code = print(describe_openapi);
        break;
    case CONFIG_DUMP_ASYNCAPI:
        code = print(describe_asyncapi);
        break;
    case CONFIG_DUMP_API_DOCS:
        code = print(describe_reference);
        break;
    case CONFIG_CHECK:
        (void)printf("the configuration is good\n");
        break;
    case CONFIG_RUN:
        log_configure(config.log_level, config.log_format == LOG_FORMAT_JSON);
        code = serve(&config);
        break;
    }
    config_free(&config);
    return code;
}
