#include "tests/unit/testing.h"

#include "tests/contract/hooks.h"

struct store_req *hook_create_req(struct bed *bed, const char *actor, const char *channel,
                                  enum store_hook_kind kind)
{
    struct store_req *req = bed_req(bed, STORE_HOOK_CREATE, actor);

    req->in.hook.kind = kind;
    req->in.hook.channel = channel;
    req->in.hook.name = "The Builder!";
    req->in.hook.hash = "hash";
    req->in.hook.secret = "secret";
    if (kind != STORE_HOOK_INCOMING)
        req->in.hook.url = "https://hook.example/x";
    if (kind == STORE_HOOK_SLASH)
        req->in.hook.command = "deploy";
    return req;
}

const char *hook_make(struct bed *bed, const char *actor, const char *channel,
                      enum store_hook_kind kind)
{
    struct store_req *req = hook_create_req(bed, actor, channel, kind);

    assert_int_equal(bed_do(bed, req), ERR_OK);
    return req->out.hook.id;
}

struct store_req *hook_get(struct bed *bed, const char *actor, const char *id)
{
    struct store_req *req = bed_req(bed, STORE_HOOK_GET, actor);

    req->in.hook.hook = id;
    (void)bed_do(bed, req);
    return req;
}

struct store_req *hook_find(struct bed *bed, const char *id, const char *hash)
{
    struct store_req *req = bed_req(bed, STORE_HOOK_FIND, NULL);

    req->in.hook.hook = id;
    req->in.hook.hash = hash;
    (void)bed_do(bed, req);
    return req;
}

struct store_req *hook_list(struct bed *bed, const char *actor, const char *channel)
{
    struct store_req *req = bed_req(bed, STORE_HOOK_LIST, actor);

    req->in.hooks.channel = channel;
    (void)bed_do(bed, req);
    return req;
}

struct store_req *hook_update_req(struct bed *bed, const char *actor, const char *id)
{
    struct store_req *req = bed_req(bed, STORE_HOOK_UPDATE, actor);

    req->in.hook.hook = id;
    return req;
}

enum err hook_enable(struct bed *bed, const char *actor, const char *id, bool enabled)
{
    struct store_req *req = hook_update_req(bed, actor, id);

    req->in.hook.set_enabled = true;
    req->in.hook.enabled = enabled;
    return bed_do(bed, req);
}

enum err hook_end(struct bed *bed, const char *actor, const char *id)
{
    struct store_req *req = bed_req(bed, STORE_HOOK_DELETE, actor);

    req->in.hook.hook = id;
    return bed_do(bed, req);
}

enum err hook_post_as(struct bed *bed, const char *bot, const char *channel, const char *text)
{
    struct store_req *req = bed_req(bed, STORE_MESSAGE_SEND, bot);

    req->in.send.channel = channel;
    req->in.send.text = text;
    return bed_do(bed, req);
}

struct store_req *hook_lease(struct bed *bed, const char *id, const char *node, int64_t until)
{
    struct store_req *req = bed_req(bed, STORE_HOOK_LEASE, NULL);

    req->in.hook_at.hook = id;
    req->in.hook_at.node = node;
    req->in.hook_at.until = until;
    (void)bed_do(bed, req);
    return req;
}

enum err hook_mark(struct bed *bed, const char *id, uint64_t seq, enum store_hook_outcome outcome)
{
    struct store_req *req = bed_req(bed, STORE_HOOK_MARK, NULL);

    req->in.hook_at.hook = id;
    req->in.hook_at.seq = seq;
    req->in.hook_at.outcome = outcome;
    req->in.hook_at.error = outcome == STORE_HOOK_FAILED ? "the answer was 500" : NULL;
    return bed_do(bed, req);
}

enum err hook_fail(struct bed *bed, const char *id, uint64_t seq, uint32_t attempts)
{
    struct store_req *req = bed_req(bed, STORE_HOOK_FAIL, NULL);

    req->in.hook_failure = (struct store_hook_failure){.hook = id,
                                                       .seq = seq,
                                                       .event = "message.created",
                                                       .attempts = attempts,
                                                       .status = 500,
                                                       .error = "the answer was 500"};
    return bed_do(bed, req);
}

struct store_req *hook_failures(struct bed *bed, const char *actor, const char *id,
                                const char *cursor, uint32_t limit)
{
    struct store_req *req = bed_req(bed, STORE_HOOK_FAILURES, actor);

    req->in.hooks.hook = id;
    req->in.hooks.page.cursor = cursor;
    req->in.hooks.page.limit = limit;
    (void)bed_do(bed, req);
    return req;
}

enum err hook_about_failure(struct bed *bed, enum store_op op, const char *actor, const char *id,
                            uint64_t seq)
{
    struct store_req *req = bed_req(bed, op, actor);

    req->in.hook_failure.hook = id;
    req->in.hook_failure.seq = seq;
    return bed_do(bed, req);
}
