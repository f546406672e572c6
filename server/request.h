/* request.h - one command under way, whatever transport it came by.
 *
 * A handler checks, acts and replies: it fills req->result with the inside of the result object and
 * returns ERR_OK, or returns an error. To wait for the store or a password it returns what
 * request_store() / request_hash() / request_verify() return and goes on in the step given to them.
 * Only dispatch.c turns results and errors into answers.
 *
 * Threading: the worker's own. Ownership: the request owns all; it ends with its answer, exactly
 * one. The connection may be gone by then (conn->wsi NULL): the answer is dropped.
 */
#ifndef SERVER_REQUEST_H
#define SERVER_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/mem.h"
#include "protocol/command.h"
#include "protocol/jsonrpc.h"
#include "protocol/params.h"
#include "server/mailbox.h"
#include "server/password.h"
#include "server/store_call.h"

struct conn;
struct grant;
struct node;
struct worker;
struct request;

typedef enum err (*request_step_fn)(struct request *req);

struct request {
    struct store_call call; /* call.req: the question to the store and its answer */
    struct mail mail;       /* back from the password pool, or by request_back() */
    struct worker *worker;
    struct node *node;
    struct conn *conn; /* a reference */
    struct arena *arena;
    const struct command *command;
    json_t *root; /* what the parameters borrow from */
    struct params params;
    struct rpc_request rpc; /* WebSocket: the id to answer to */
    bool http;
    struct {
        bool used; /* it came by Socket.IO */
        bool connects, recovers, has_ack;
        uint64_t socket, ack;
        const char *pid, *offset; /* the client's, while its state may be recovered; else NULL */
        const struct stream_position *cut; /* session.start: of each stream, by its name */
        size_t cut_n;
        bool level; /* the client has everything up to there */
    } sio;
    uint64_t started_ns;

    /* Who asks. Over WebSocket the connection's session, over HTTP the one that the token names. */
    struct store_actor actor;
    char user[ID_MAX + 1];
    char session[ID_MAX + 1];
    struct grant *grant; /* a reference; NULL: not by a token */
    const char *token;   /* HTTP: cookie or bearer; NULL: none */
    bool cookie;         /* the token came as a cookie */
    bool secure;         /* HTTP: the client came by TLS */
    const char *address; /* the client's, for throttling and the list of sessions */
    const char *agent;   /* HTTP: User-Agent, else NULL */
    const char *http_id; /* HTTP: the request's id, else NULL */

    request_step_fn step; /* where to go on */
    bool waiting;
    bool starts;        /* a session.start that has taken conn->starting */
    enum err tolerated; /* the step takes this store error itself */
    struct password_result password;

    struct buf result; /* the result object's inside: members, without braces */
    struct problem problem;
    const char *detail;
    int64_t retry_after_ms;             /* -1: none */
    char set_cookie[256];               /* HTTP: a header line's value, or empty */
    uint64_t revocations;               /* worker's, when the session was looked up */
    void *data;                         /* the handler's, from the arena */
    void (*after)(struct request *req); /* runs right after the answer was queued */
};

/* Ask the store: call.req.in is filled, OP and STEP say the rest. STEP runs only when the store
 * answered ERR_OK or req->tolerated; any other error is the command's. */
enum err request_store(struct request *req, enum store_op op, request_step_fn step);
/* argon2id on the pool; STEP finds the outcome in req->password. */
enum err request_hash(struct request *req, const char *password, request_step_fn step);
enum err request_verify(struct request *req, const char *password, const char *hash,
                        request_step_fn step);
/* Work that is done elsewhere: STEP runs once request_back() was called, from any thread, exactly
 * once. */
enum err request_wait(struct request *req, request_step_fn step);
void request_back(struct request *req);
/* FIELD and REASON are static or live as long as the request. Returns ERR. */
enum err request_fail(struct request *req, enum err err, const char *field, const char *reason);
/* For steps that come back by other ways: go on with STEP's outcome, which may wait again. */
void request_resume(struct request *req, enum err err);

/* Nobody is there any more to be signed in. */
bool request_is_forsaken(const struct request *req);

/* Shorthands. */
const char *request_str(const struct request *req, const char *name);
void request_page(const struct request *req, struct store_page *page_out);

#define HANDLER(fn) enum err fn(struct request *req);
#define COMMAND(id, name, fn, ...) HANDLER(fn)
#include "protocol/commands.def"
#undef COMMAND
#undef HANDLER

#endif
