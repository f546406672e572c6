/* sender.h - a process that sends messages to a store and reports every ack on a pipe, to be killed
 * in the middle or raced against. It is the test program itself, started again as a child.
 *
 * Threading: none of its own. Ownership: an acks list is freed with free(acks.ids).
 */
#ifndef TESTS_CONTRACT_SENDER_H
#define TESTS_CONTRACT_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { ACK_SIZE = 16 };

/* The texts (and client_msg_ids) of the messages that were acked, "ROUND-NUMBER", in their order.
 */
struct acks {
    char (*ids)[ACK_SIZE];
    size_t n, cap;
};

/* To be called first in main(): the child's work, which never returns, if this is the child. */
void sender_main(int argc, char **argv);
/* Start a child that keeps messages of USER into CHANNEL in flight; its acks come on *ACKS_OUT. */
pid_t sender_start(const char *url, const char *user, const char *channel, int round,
                   int *acks_out);
/* The next ack; false when the child has ended. */
bool sender_ack(int fd, struct acks *acks);
/* kill -9, and what it had acked before. */
void sender_kill(pid_t pid, int fd, struct acks *acks);

#endif
