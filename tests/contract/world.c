#include "tests/unit/testing.h"

#include "tests/contract/world.h"

#include <stdio.h>

#include "base/macros.h"
#include "tests/unit/storage/bed.h"

static unsigned pick(struct world *w, unsigned n)
{
    w->seed = w->seed * 1103515245u + 12345u;
    return (w->seed >> 16) % n;
}

static const char *any_user(struct world *w)
{
    return w->users[pick(w, WORLD_USERS)];
}

static const char *any_channel(struct world *w)
{
    return w->channels[pick(w, WORLD_CHANNELS)];
}

static struct store_req *random_send(struct world *w)
{
    static const char *const texts[] = {"hello", "@user1 and @user2, look", "@user3: \"quoted\"\n",
                                        "\xf0\x9f\x98\x80 emoji", "@everyone @user4"};
    struct store_req *req = bed_req(w->bed, STORE_MESSAGE_SEND, any_user(w));
    char *id = arena_alloc(w->bed->arena, 16);

    (void)snprintf(id, 16, "r%u", pick(w, 3000)); /* so that some are retries */
    req->in.send.channel = any_channel(w);
    req->in.send.text = texts[pick(w, ARRAY_LEN(texts))];
    req->in.send.client_msg_id = pick(w, 3) == 0 ? NULL : id;
    if (pick(w, 4) == 0)
        req->in.send.as_name = "A \"program\"";
    if (pick(w, 4) == 0)
        req->in.send.as_icon = ":robot_face:";
    return req;
}

static struct store_req *random_message_op(struct world *w, enum store_op op)
{
    struct store_req *req = bed_req(w->bed, op, any_user(w));
    const char *id = w->messages[pick(w, WORLD_MESSAGES)];

    req->actor.system = pick(w, 2) == 0; /* or hardly anything would be allowed */
    req->in.message.message = id != NULL ? id : "nothing";
    req->in.message.text = "edited, for @user5";
    return req;
}

static struct store_req *random_channel_op(struct world *w, enum store_op op)
{
    struct store_req *req = bed_req(w->bed, op, any_user(w));
    char *name = arena_alloc(w->bed->arena, 16);

    req->actor.system = op == STORE_CHANNEL_REMOVE && pick(w, 2) == 0;
    if (op == STORE_CHANNEL_ARCHIVE || op == STORE_CHANNEL_DELETE)
        req->actor.role = pick(w, 4) == 0 ? STORE_ROLE_ADMIN : STORE_ROLE_MEMBER;
    (void)snprintf(name, 16, "name%d", w->names++);
    req->in.channel.channel = any_channel(w);
    req->in.channel.user = any_user(w);
    req->in.channel.topic = pick(w, 2) == 0 ? name : NULL;
    req->in.channel.name = pick(w, 2) == 0 ? name : NULL;
    return req;
}

static struct store_req *random_new(struct world *w)
{
    struct store_req *req = bed_req(w->bed, STORE_CHANNEL_CREATE, any_user(w));
    char *name = arena_alloc(w->bed->arena, 16);

    (void)snprintf(name, 16, "chan%d", w->names++);
    req->in.channel_new.name = name;
    req->in.channel_new.type = pick(w, 3) == 0 ? STORE_PRIVATE : STORE_PUBLIC;
    return req;
}

static struct store_req *random_dm(struct world *w)
{
    struct store_req *req = bed_req(w->bed, STORE_DM_OPEN, any_user(w));

    req->in.dm.users = &w->users[pick(w, WORLD_USERS - 3)];
    req->in.dm.users_n = 1 + pick(w, 3);
    return req;
}

static struct store_req *random_read(struct world *w)
{
    struct store_req *req = bed_req(w->bed, STORE_READ_MARK, any_user(w));

    req->in.read.channel = any_channel(w);
    req->in.read.seq = pick(w, 120);
    return req;
}

static struct store_req *random_req(struct world *w)
{
    unsigned dice = pick(w, 100);

    if (dice < 45)
        return random_send(w);
    if (dice < 55)
        return random_message_op(w, STORE_MESSAGE_EDIT);
    if (dice < 60)
        return random_message_op(w, STORE_MESSAGE_DELETE);
    if (dice < 70)
        return random_read(w);
    if (dice < 78)
        return random_channel_op(w, STORE_CHANNEL_JOIN);
    if (dice < 83)
        return random_channel_op(w, STORE_CHANNEL_LEAVE);
    if (dice < 88)
        return random_channel_op(w, STORE_CHANNEL_INVITE);
    if (dice < 91)
        return random_channel_op(w, STORE_CHANNEL_REMOVE);
    if (dice < 94)
        return random_channel_op(w, STORE_CHANNEL_UPDATE);
    if (dice < 95)
        return random_channel_op(w, pick(w, 2) == 0 ? STORE_CHANNEL_ARCHIVE : STORE_CHANNEL_DELETE);
    return dice < 98 ? random_new(w) : random_dm(w);
}

static void learn(struct world *w, const struct store_req *req)
{
    assert_int_not_equal(req->err, ERR_INTERNAL);
    assert_int_not_equal(req->err, ERR_UNAVAILABLE);
    if (req->err != ERR_OK)
        return;
    w->ok[req->op]++;
    if (req->op == STORE_MESSAGE_SEND)
        w->messages[pick(w, WORLD_MESSAGES)] = req->out.message.id;
    if (req->op == STORE_CHANNEL_CREATE || req->op == STORE_DM_OPEN)
        w->channels[pick(w, WORLD_CHANNELS)] = req->out.channel.id;
}

void world_make(struct world *w, unsigned seed)
{
    char name[24];

    w->seed = seed;
    for (int i = 0; i < WORLD_USERS; i++) {
        (void)snprintf(name, sizeof(name), "user%d", i);
        w->users[i] = bed_user(w->bed, name);
    }
    for (int i = 0; i < WORLD_CHANNELS; i++) {
        (void)snprintf(name, sizeof(name), "start%d", i);
        w->channels[i] = bed_channel(w->bed, w->users[i], name);
        for (int u = 0; u < WORLD_USERS; u += 2)
            bed_join(w->bed, w->users[u], w->channels[i]);
    }
}

void world_live(struct world *w, int operations)
{
    struct store_req *wave[WORLD_WAVE];

    for (int done = 0; done < operations; done += WORLD_WAVE) {
        for (int i = 0; i < WORLD_WAVE; i++) {
            wave[i] = random_req(w);
            bed_submit(w->bed, wave[i]);
        }
        for (int i = 0; i < WORLD_WAVE; i++) {
            bed_wait(w->bed, wave[i]);
            learn(w, wave[i]);
        }
    }
}
