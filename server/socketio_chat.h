/* socketio_chat.h - the chat as an application of Socket.IO, at the namespace "/".
 *
 * Connecting is session.start: the auth of the CONNECT packet are its parameters. Its result comes
 * as the event `session.started`. Commands are events with an ack, which gets {result} or {error};
 * events come under their names.
 *
 * Threading: chat_frame() from any thread, the rest the worker's own.
 */
#ifndef SERVER_SOCKETIO_CHAT_H
#define SERVER_SOCKETIO_CHAT_H

#include "base/err.h"
#include "server/socketio.h"

struct frame;
struct request;

extern const struct sio_app chat_app;

/* The notifications of FRAME as Socket.IO events, for connections whose state can be recovered or
 * for others: each made once, then shared by all who get them. Borrowed, it lives as long as FRAME.
 */
struct frame *chat_frame(struct frame *frame, bool recovers);
/* REQ came by Socket.IO and ends with ERR: tells the client. */
void chat_answer(struct request *req, enum err err);
/* Its socket has ended: nobody waits for REQ any more. */
bool chat_is_forsaken(const struct request *req);

#endif
