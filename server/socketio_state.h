/* socketio_state.h - what a Socket.IO client of the chat can have recovered: its positions.
 *
 * An event's frame is shared by all who get it, so that it cannot say how far each of them has come
 * in its other streams. Its last argument is therefore no offset; the offset of the connection
 * follows in an event of its own, `session.offset`, once for all events of a flush. A client whose
 * connection breaks in between has an event without an offset as its last one, and starts afresh:
 * there is nothing that it would get twice.
 *
 * All of it is for clients that are known to take that argument (agent_is_javascript()), unless
 * they keep positions of their own, and for those that ask for it with `auth: {recovery: true}`.
 * Others get events without it: a handler with a fixed number of arguments could not take it
 * (python-socketio).
 *
 * Nothing of this outlives the connection on the server. The pid says where it began, the offset
 * what has changed since, and any node can go on from there (protocol/recovery.h).
 *
 * Threading: the worker's own.
 */
#ifndef SERVER_SOCKETIO_STATE_H
#define SERVER_SOCKETIO_STATE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "server/dispatch.h"

struct chat_state;
struct conn;
struct request;

/* For the connection that REQ, a session.start, has begun. NULL: its state is too large, or cannot
 * be written. */
struct chat_state *chat_state_create(const struct request *req);
void chat_state_destroy(struct chat_state **state);
/* Borrowed. */
const char *chat_state_pid(const struct chat_state *state);
/* The offset with which the connection begins. */
void chat_state_put_first(const struct chat_state *state, const struct request *req,
                          struct buf *out);

enum chat_offset {
    CHAT_OFFSET_WRITTEN,
    CHAT_OFFSET_LATER, /* the hub does not know everything yet */
    CHAT_OFFSET_NONE,  /* too much has changed */
};
/* The offset of CONN, which has everything that is queued. */
enum chat_offset chat_state_put_offset(struct chat_state *state, const struct conn *conn,
                                       struct buf *out);

/* Takes the library's members out of AUTH, the object of a CONNECT or NULL: *PARAMS_OUT is what is
 * left, with the positions as `streams` if there are any; the caller calls json_decref(). What is
 * no pid and offset of ours asks for nothing. BY_ITSELF: the state of this client can be recovered
 * unless AUTH says otherwise. */
void chat_state_ask(json_t *auth, bool by_itself, json_t **params_out, struct sio_call *call);

#endif
