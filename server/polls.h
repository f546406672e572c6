/* polls.h - commands that wait for the next event of a stream.
 * Threading: the worker's own.
 */
#ifndef SERVER_POLLS_H
#define SERVER_POLLS_H

struct worker;

/* Answer all of them now; before the loop ends. */
void polls_end(struct worker *worker);

#endif
