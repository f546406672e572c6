/* dialect.h - how one kind of chat server is spoken to.
 *
 * A dialect only turns intentions into text and text into meanings; it does no
 * I/O and measures nothing. */
#ifndef TESTS_BENCH_LIB_DIALECT_H
#define TESTS_BENCH_LIB_DIALECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct member;

enum meaning {
    MEANING_NOTHING,  /* of no interest here */
    MEANING_READY,    /* the member is signed in and gets messages */
    MEANING_DELIVERY, /* a chat message */
    MEANING_ANSWER,   /* request ID was done */
    MEANING_REFUSAL,  /* request ID was refused */
};

struct incoming {
    enum meaning meaning;
    uint64_t id;
    const char *reply; /* must be sent back at once, or NULL */
};

struct dialect {
    const char *name;
    const char *path;
    bool signs_in;      /* needs people with tokens */
    bool http;          /* no session: only mode_http speaks it, with request() alone */
    bool polling;       /* Engine.IO's long-polling in place of a WebSocket */
    bool token_in_text; /* what it says itself has the token; the handshake does not */
    bool ready_at_open; /* nothing to wait for behind the handshake */
    bool answers;       /* every request gets an answer */
    bool delivers;      /* every request is a message that is delivered to all */

    /* What the member says first; returns its length, 0 for silence. May be NULL. */
    size_t (*greet)(const struct member *member, char *out, size_t capacity);
    /* Understand one frame; may note positions in MEMBER. */
    struct incoming (*read)(struct member *member, const char *text, size_t len);
    /* Write the request ID, which carries TEXT if it is a message. */
    size_t (*request)(const struct member *member, uint64_t id, const char *text, char *out,
                      size_t capacity);
};

/* NULL when there is no such dialect. */
const struct dialect *dialect_find(const char *name);

extern const struct dialect dialect_parley;
extern const struct dialect dialect_parley_history;
extern const struct dialect dialect_parley_socketio;
extern const struct dialect dialect_parley_socketio_polling;
extern const struct dialect dialect_http_history;
extern const struct dialect dialect_http_user;
extern const struct dialect dialect_echo;
extern const struct dialect dialect_socketio;
extern const struct dialect dialect_socketio_polling;
extern const struct dialect dialect_socketio_store;

#endif
