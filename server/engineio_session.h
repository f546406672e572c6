/* engineio_session.h - the insides of Engine.IO sessions, and the words between a socket and its
 * session. Threading: the worker's own; mail crosses, with all that it points to.
 */
#ifndef SERVER_ENGINEIO_SESSION_H
#define SERVER_ENGINEIO_SESSION_H

#include <uthash.h>
#include <uv.h>

#include "base/buf.h"
#include "server/engineio.h"
#include "server/mailbox.h"

/* A socket, on whatever worker. */
struct eio_at {
    unsigned worker;
    uint64_t conn; /* its id there; 0: none */
};

enum eio_carrier {
    EIO_POLLED,  /* GET and POST */
    EIO_OWN,     /* a WebSocket on this worker: the conn's own */
    EIO_RELAYED, /* a WebSocket on another worker */
};

enum eio_beat { EIO_BEAT_NONE, EIO_BEAT_PING, EIO_BEAT_PONG };

struct eio {
    char sid[EIO_SID_SIZE];
    bool javascript; /* the client is */
    bool connected;  /* above */
    bool over;       /* nobody finds it any more; goes when the turn is over */
    bool farewell;   /* closed by us: the next GET gets the last words */
    bool refused;    /* the client broke the rules */
    bool probed;     /* the probe has been answered */
    bool in_transit; /* relayed: frames that the other worker has not written yet */
    enum eio_carrier carrier;
    enum eio_beat beat;
    const struct eio_service *service;
    struct conn *conn;
    void *data;             /* the service's */
    struct eio_at poll;     /* the GET that waits */
    struct eio_at answered; /* the GET answered last */
    struct eio_at post;     /* the POST under way */
    struct eio_at probe;    /* the WebSocket that is to take over */
    struct eio_at relay;    /* the WebSocket that has */
    uint64_t opened_ms, ended_ms, beat_ms;
    struct eio *prev, *next; /* among those with the same beat, the earliest first */
    bool stirred;            /* its service is to be asked */
    uint64_t asked_ms;       /* when it was, the last time */
    struct eio *stirred_prev, *stirred_next;
    UT_hash_handle hh; /* by sid; not once it is over */
};

/* One worker's. */
struct engineio {
    struct worker *worker;
    struct eio *sessions;
    size_t sessions_n;
    struct eio *pings, *pongs;
    struct eio_socket *sockets; /* by the id of their conn */
    uv_timer_t timer;
    struct eio *stirred;
    uv_timer_t calm; /* runs while somebody is stirred */
};

/* A socket's side: an HTTP connection that asks, or a WebSocket of a session elsewhere. */
struct eio_socket {
    uint64_t id;
    struct conn *conn;
    UT_hash_handle hh;
    char sid[EIO_SID_SIZE]; /* of the request under way, or of the WebSocket's session */
    bool asked;             /* an answer is owed */
    bool waits;             /* for it, with all of the request read */
    bool post;
    bool websocket;
    bool javascript; /* who wants one to begin a session is */
    bool taking;     /* frames that the session waits to be written */
    bool marked;     /* reading waits until the other worker has caught up */
    size_t unheard;  /* bytes handed over since it was last known to have */
    const struct eio_service *service;
};

/* X(name): to a session's worker, and back to a socket's. */
enum eio_word {
    EIO_ASK_POLL,
    EIO_ASK_POST_BEGIN,
    EIO_ASK_POST,
    EIO_ASK_OPEN,    /* a WebSocket wants to take over */
    EIO_ASK_MESSAGE, /* of a WebSocket */
    EIO_ASK_TAKEN,   /* what was to be sent is written */
    EIO_ASK_MARK,    /* answered when everything before it has been heard */
    EIO_ASK_GONE,    /* the socket is */
    EIO_SAY_ANSWER,  /* to a GET or POST */
    EIO_SAY_PAYLOAD, /* to a GET: the frames are payloads */
    EIO_SAY_SEND,
    EIO_SAY_LIVE,
    EIO_SAY_MARKED,
    EIO_SAY_CLOSE,
};

struct eio_words {
    struct mail mail;
    enum eio_word word;
    struct eio_at socket;
    char sid[EIO_SID_SIZE];
    bool binary;
    int code;        /* HTTP status or WebSocket close code */
    char *token;     /* of the request's cookie or header, or NULL */
    struct buf data; /* a body, a message, an answer */
    struct frame **frames;
    uint32_t frames_n;
};

/* To the session WORDS->sid, from a socket of HERE. The contents of *WORDS are taken. */
void eio_ask(struct worker *here, const struct eio_words *words);
/* To the socket WORDS->socket, from a session of HERE. */
void eio_say(struct worker *here, const struct eio_words *words);
void eio_say_answer(struct worker *here, struct eio_at to, int status, const char *text, size_t n);
void eio_say_error(struct worker *here, struct eio_at to, enum eio_error error);
void eio_say_close(struct worker *here, struct eio_at to, enum ws_close code);
/* A new one of HERE. */
void eio_sid_make(const struct worker *here, char sid_out[EIO_SID_SIZE]);
/* May SID be one of this process? Its worker in *worker_out. */
bool eio_sid_worker(const struct worker *here, const char *sid, unsigned *worker_out);

/* engineio_carry.c: WORDS have come to the worker of their session, if there is one. */
void eio_hear(struct worker *worker, struct eio_words *words);
/* A packet that came by the session's own carrier. */
void eio_take_packet(struct eio *eio, const struct eio_packet *packet);
/* gateway_engineio.c: words to a socket of this worker. */
void gateway_eio_hear(struct worker *worker, struct eio_words *words);

struct eio *eio_find(const struct worker *worker, const char *sid);
/* A session for CONN; its open packet is queued. */
struct eio *eio_open(struct conn *conn, const struct eio_service *service,
                     enum eio_carrier carrier);
/* True while a new one may be made. */
bool eio_has_room(const struct worker *worker);
/* The end of the session; a GET that waits gets PACKET. */
void eio_end(struct eio *eio, const char *packet);
void eio_answer_poll(struct eio *eio, const char *text, size_t n);
/* A pong came. */
void eio_heard_pong(struct eio *eio);

#endif
