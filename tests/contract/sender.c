#include "tests/unit/testing.h"

#include "tests/contract/sender.h"

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "storage/store.h"

enum { IN_FLIGHT = 32 };

extern char **environ;

/* -- the child ------------------------------------------------------------------------------- */

struct sender {
    struct store *store;
    const char *user, *channel;
    int round;
    int next; /* number of the next message; the committer's alone once it runs */
};

struct slot {
    struct store_req req;
    struct sender *sender;
    char id[ACK_SIZE];
};

static void send_next(struct slot *slot)
{
    struct sender *s = slot->sender;

    arena_destroy(&slot->req.arena);
    slot->req =
        (struct store_req){.op = STORE_MESSAGE_SEND, .arena = arena_create(), .owner = slot};
    (void)snprintf(slot->id, sizeof(slot->id), "%d-%d", s->round, s->next++);
    slot->req.actor.user = s->user;
    slot->req.in.send.channel = s->channel;
    slot->req.in.send.text = slot->id;
    slot->req.in.send.client_msg_id = slot->id;
    store_submit(s->store, &slot->req);
}

static void report_acks(void *arg, const struct store_commit *commit)
{
    (void)arg;
    for (size_t i = 0; i < commit->reqs_n; i++) {
        struct slot *slot = commit->reqs[i]->owner;
        char line[ACK_SIZE] = "";
        if (commit->reqs[i]->err != ERR_OK)
            _exit(3);
        memcpy(line, slot->id, strlen(slot->id));
        if (write(STDOUT_FILENO, line, sizeof(line)) != (ssize_t)sizeof(line))
            _exit(4);
        send_next(slot);
    }
}

static void ignore_read(void *arg, struct store_req *req)
{
    (void)arg;
    (void)req;
}

/* argv: --child URL USER CHANNEL ROUND */
static int child(char **argv)
{
    static struct slot slots[IN_FLIGHT];
    static struct sender sender;
    char error[512];
    struct store_options options = {
        .url = argv[2], .on_commit = report_acks, .on_read = ignore_read};

    sender = (struct sender){
        .user = argv[3], .channel = argv[4], .round = atoi(argv[5]), .next = IN_FLIGHT};
    if (store_open(&options, &sender.store, error) != ERR_OK) {
        (void)fprintf(stderr, "%s\n", error);
        return 2;
    }
    for (int i = 0; i < IN_FLIGHT; i++) { /* the first ones, numbered here */
        struct slot *slot = &slots[i];
        slot->sender = &sender;
        slot->req =
            (struct store_req){.op = STORE_MESSAGE_SEND, .arena = arena_create(), .owner = slot};
        (void)snprintf(slot->id, sizeof(slot->id), "%d-%d", sender.round, i);
        slot->req.actor.user = sender.user;
        slot->req.in.send.channel = sender.channel;
        slot->req.in.send.text = slot->id;
        slot->req.in.send.client_msg_id = slot->id;
    }
    for (int i = 0; i < IN_FLIGHT; i++)
        store_submit(sender.store, &slots[i].req);
    for (;;)
        (void)pause();
}

void sender_main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "--child") == 0)
        exit(child(argv));
}

/* -- the parent ------------------------------------------------------------------------------ */

static char self[] = "/proc/self/exe";

pid_t sender_start(const char *url, const char *user, const char *channel, int round, int *acks_out)
{
    char number[16];
    char flag[] = "--child";
    char *argv[] = {
        self,   flag, (char *)(uintptr_t)url, (char *)(uintptr_t)user, (char *)(uintptr_t)channel,
        number, NULL};
    int ends[2];
    pid_t pid = 0;
    posix_spawn_file_actions_t actions;

    (void)snprintf(number, sizeof(number), "%d", round);
    assert_int_equal(pipe(ends), 0);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    (void)posix_spawn_file_actions_addclose(&actions, ends[0]);
    assert_int_equal(posix_spawn(&pid, self, &actions, NULL, argv, environ), 0);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    *acks_out = ends[0];
    return pid;
}

bool sender_ack(int fd, struct acks *acks)
{
    size_t got = 0;
    ssize_t n = 0;

    if (acks->n == acks->cap) {
        acks->cap = acks->cap == 0 ? 1024 : acks->cap * 2;
        acks->ids = mem_realloc_array(acks->ids, acks->cap, sizeof(*acks->ids));
    }
    while (got < ACK_SIZE && (n = read(fd, acks->ids[acks->n] + got, ACK_SIZE - got)) > 0)
        got += (size_t)n;
    acks->n += got == ACK_SIZE ? 1 : 0;
    return got == ACK_SIZE;
}

void sender_kill(pid_t pid, int fd, struct acks *acks)
{
    int status = 0;

    assert_int_equal(kill(pid, SIGKILL), 0);
    while (sender_ack(fd, acks)) { /* acked before it died */
    }
    (void)close(fd);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}
