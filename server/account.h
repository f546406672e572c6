/* account.h - who a token belongs to.
 * Threading: the worker's own.
 */
#ifndef SERVER_ACCOUNT_H
#define SERVER_ACCOUNT_H

#include "server/request.h"

/* Ask for the session of TOKEN; STEP finds it in req->call.req.out (session, user) and compares
 * req->revocations with the worker's: if they differ, it asks again. An unknown, expired or
 * disabled one ends the request with UNAUTHENTICATED. */
enum err account_find_session(struct request *req, const char *token, request_step_fn step);

/* The same for the token of an HTTP request: STEP runs, at once where the worker knows already,
 * when req's user, session, grant and actor are set. */
enum err account_find_caller(struct request *req, request_step_fn step);

/* SESSION was used: its time is kept, to within a few minutes. */
void account_touch(struct worker *worker, const struct store_session *session);

/* The accounts that the store has listed, and the cursor of the next page, into the result. */
enum err account_put_users(struct request *req);

/* In a cluster the first account may have been made at another node: STEP runs when
 * node->has_accounts is right, at once where that is known. */
enum err account_look_for_any(struct request *req, request_step_fn step);

/* The admin socket acts as the owner of this server, with all rights; before there is an owner, as
 * the server itself. */
enum err account_as_owner(struct request *req, request_step_fn step);

#endif
