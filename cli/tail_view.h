/* tail_view.h - how `parleyctl tail` shows messages and events.
 *
 *     12:03:04 alice: Deploy at five?
 *     12:03:40 * bob joined
 *     12:04:11 * alice edited the message of 12:03:04: Deploy at six?
 *
 * Only what parleyctl writes itself begins in the first column: further lines of a message are
 * indented, and people appear under their account names, which nobody can make look like text.
 * Threading: one thread.
 */
#ifndef CLI_TAIL_VIEW_H
#define CLI_TAIL_VIEW_H

#include <jansson.h>
#include <stdbool.h>

#include "cli/reader.h"
#include "cli/run.h"

struct tail_view {
    struct cli *cli;
    json_t *names; /* user id -> account name */
    json_t
        *shown; /* message id -> what of it was shown from the history: see tail_view_history() */
};

void tail_view_init(struct tail_view *view, struct cli *cli);
void tail_view_free(struct tail_view *view);

/* Remembers the names of user objects. */
void tail_view_learn(struct tail_view *view, const json_t *users);
/* Shows a message that is there already, in its present state, once. */
void tail_view_history(struct tail_view *view, struct reader *r, const json_t *message);
/* Shows an event, unless the history showed its effect. METHOD is its name. */
void tail_view_event(struct tail_view *view, struct reader *r, const json_t *event);

#endif
