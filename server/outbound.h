/* outbound.h - the server's HTTP client: POST requests to targets that its users have named, on one
 * thread of its own, never on a loop.
 *
 *   outbound_post() -> queue, bounded -> a place free, in all and for this host? -> libcurl
 *                   -> 307 or 308: the queue again -> done()
 *
 * Whatever the target does costs no more than this: a request ends with its time, an answer is read
 * up to a bound, redirections are followed three times and only where they keep the method (307 and
 * 308, RFC 9110 section 15.4) and never from https to http, and the addresses that are connected to
 * are those that outbound_may_connect() allows. It is asked with the address that the socket is
 * then opened for, so that no change of a name in between helps. Proxies of the environment,
 * cookies and compressed answers are not used; certificates are verified.
 *
 * Threading: outbound_post() from any thread; done() runs on the client's own thread, exactly once
 * for each call that returned ERR_OK, never inside that call: hand over and return.
 * Ownership: what is posted is copied; the answer is good during done() only.
 */
#ifndef SERVER_OUTBOUND_H
#define SERVER_OUTBOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "server/address.h"

struct outbound;

enum { OUTBOUND_REDIRECTS_MAX = 3 };

/* Requests of one lane do not take the places of the other. */
enum outbound_lane {
    OUTBOUND_BACKGROUND, /* nobody waits */
    OUTBOUND_PROMPT,     /* somebody waits for the answer */
    OUTBOUND_LANES
};

struct outbound_options {
    const struct net_block *allow; /* addresses that are fine though not public; borrowed */
    size_t allow_n;
    const char *ca_file;         /* PEM, instead of the system's authorities; NULL or "": those */
    unsigned places;             /* requests under way in one lane; 0: 64 */
    unsigned places_per_host;    /* of them to one host and port; 0: 4 */
    size_t queue_max;            /* requests that wait; 0: 1024 */
    uint32_t connect_timeout_ms; /* name, connection and TLS; 0: 5000 */
    size_t answer_max;           /* bytes of an answer's body that are read; 0: 65536 */
};

struct outbound_post {
    const char *url;
    const char *const *headers; /* "Name: value" */
    size_t headers_n;
    const char *body;
    size_t body_n;
    uint32_t timeout_ms; /* from now to the answer's last byte, the wait in the queue included */
    enum outbound_lane lane;
};

enum outbound_outcome {
    OUTBOUND_ANSWERED,   /* with a status other than a redirection's */
    OUTBOUND_REFUSED,    /* not sent: the URL or all of its addresses are not allowed */
    OUTBOUND_REDIRECTED, /* a redirection that is not followed */
    OUTBOUND_TIMED_OUT,
    OUTBOUND_FAILED,  /* no such name, no connection, a wrong certificate, not HTTP, ... */
    OUTBOUND_STOPPED, /* the client was destroyed first */
};

struct outbound_answer {
    enum outbound_outcome outcome;
    int status;       /* ANSWERED and REDIRECTED, else 0 */
    const char *body; /* ANSWERED: with a NUL behind it, which does not count */
    size_t body_n;
    bool cut;                 /* there was more than answer_max */
    const char *content_type; /* ANSWERED: "" without one */
    uint32_t retry_after_s;   /* ANSWERED: 0 without one */
    const char *reason;       /* a clause for people, "" if ANSWERED */
};
typedef void (*outbound_done_fn)(void *arg, const struct outbound_answer *answer);

/* The thread, and libcurl, are started by the first outbound_post(). */
struct outbound *outbound_create(const struct outbound_options *options);
/* Ends everything with STOPPED, sets *outbound to NULL; NULL is fine. */
void outbound_destroy(struct outbound **outbound);

/* UNAVAILABLE: the queue is full, the client ends, or there is no libcurl (libcurl.h); then DONE is
 * not called. */
enum err outbound_post(struct outbound *outbound, const struct outbound_post *post,
                       outbound_done_fn done, void *arg);

#endif
