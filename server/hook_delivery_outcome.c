#include "server/hook_delivery_ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "server/hook_call.h"
#include "server/metrics.h"
#include "server/node.h"
#include "server/worker.h"

enum { SKIPS_MAX = 200 }; /* events that are passed over before the store hears of it */

/* -- what is written ------------------------------------------------------------------------------
 */

static void text_posted(struct store_call *call)
{
    enum err err;
    struct delivery *d = delivery_answered(call, &err);

    if (err != ERR_UNAVAILABLE) {
        if (err != ERR_OK)
            log_info(
                "what a webhook answered cannot be posted", LOG_STR("hook", d->id),
                LOG_STR("reason", call->req.reason == NULL ? err_name(err) : call->req.reason));
        free(d->text);
        d->text = NULL;
    }
    delivery_end_question(d);
}

static void post_text(struct delivery *d)
{
    struct store_req *req = delivery_question(d);

    req->actor = (struct store_actor){.user = d->id, .role = STORE_ROLE_MEMBER};
    req->in.send.channel = d->hook.channel;
    req->in.send.text = d->text;
    req->in.send.client_msg_id = d->text_id;
    req->in.send.as_icon = d->hook.icon;
    delivery_ask(d, STORE_MESSAGE_SEND, text_posted);
}

static void letter_written(struct store_call *call)
{
    enum err err;
    struct delivery *d = delivery_answered(call, &err);

    if (err != ERR_UNAVAILABLE) /* NOT_FOUND: nothing to keep it with, or to remove */
        d->letter = LETTER_NONE;
    delivery_end_question(d);
}

static void write_letter(struct delivery *d)
{
    struct store_req *req = delivery_question(d);

    req->in.hook_failure = d->letter_of;
    delivery_ask(d, d->letter == LETTER_PUT ? STORE_HOOK_FAIL : STORE_HOOK_SETTLE, letter_written);
}

static void position_marked(struct store_call *call)
{
    enum err err;
    struct delivery *d = delivery_answered(call, &err);

    if (err != ERR_UNAVAILABLE) {
        if (d->marked < call->req.in.hook_at.seq)
            d->marked = call->req.in.hook_at.seq;
        d->mark = false;
    }
    delivery_end_question(d);
}

static void write_mark(struct delivery *d)
{
    struct store_req *req = delivery_question(d);

    req->in.hook_at.hook = d->id;
    req->in.hook_at.seq = d->position;
    req->in.hook_at.outcome = d->mark_as;
    req->in.hook_at.error = d->mark_as == STORE_HOOK_FAILED ? d->letter_error : NULL;
    delivery_ask(d, STORE_HOOK_MARK, position_marked);
}

void delivery_mark(struct delivery *d, enum store_hook_outcome outcome)
{
    d->mark = true;
    d->mark_as = outcome;
}

static void disabled(struct store_call *call)
{
    enum err err;
    struct delivery *d = delivery_answered(call, &err);

    if (err != ERR_UNAVAILABLE) {
        log_info("a webhook is disabled: its target is gone", LOG_STR("hook", d->id));
        d->disable = false;
        d->gone = true;
    }
    delivery_end_question(d);
}

static void write_disabled(struct delivery *d)
{
    struct store_req *req = delivery_question(d);

    req->in.hook.hook = d->id;
    req->in.hook.set_enabled = true;
    req->in.hook.enabled = false;
    delivery_ask(d, STORE_HOOK_UPDATE, disabled);
}

/* The position last: with it an event is done with. False: there is nothing to write. */
static bool write_outcome(struct delivery *d)
{
    if (d->text != NULL)
        post_text(d);
    else if (d->letter != LETTER_NONE)
        write_letter(d);
    else if (d->mark)
        write_mark(d);
    else
        return false;
    return true;
}

bool delivery_write_next(struct delivery *d)
{
    if (!d->mark && d->position >= d->marked + SKIPS_MAX)
        delivery_mark(d, STORE_HOOK_SKIPPED);
    if (write_outcome(d))
        return true;
    if (d->disable)
        write_disabled(d);
    return d->disable;
}

void delivery_write_last(struct delivery *d)
{
    if (d->service->worker->stopping || d->call.req.err == ERR_UNAVAILABLE ||
        d->call.req.err == ERR_INTERNAL)
        return; /* there is no time to ask again */
    (void)write_outcome(d);
}

/* -- what came of a delivery ----------------------------------------------------------------------
 */

static void describe_failure(struct delivery *d, const struct store_event *event, unsigned attempts)
{
    const struct delivery_answer *a = &d->answer;

    if (a->outcome == OUTBOUND_ANSWERED)
        (void)snprintf(d->letter_error, sizeof(d->letter_error), "answered with status %d%s",
                       a->status, a->status == 410 ? ": disabled" : "");
    else
        (void)snprintf(d->letter_error, sizeof(d->letter_error), "%s", a->reason);
    d->letter_of = (struct store_hook_failure){
        .hook = d->id,
        .seq = event->seq,
        .event = store_event_name(event->type),
        .attempts = attempts,
        .status = (uint32_t)a->status,
        .error = d->letter_error,
    };
}

void delivery_pass(struct delivery *d, const struct store_event *event)
{
    d->at++;
    if (d->again) {
        delivery_drop_page(d); /* and back to the log */
        return;
    }
    d->attempts = 0;
    if (d->position < event->seq)
        d->position = event->seq;
}

static void keep_text(struct delivery *d, const struct store_event *event)
{
    struct arena *arena = arena_create();
    struct hook_answer answer;
    const char *wrong =
        hook_answer_read(arena, d->answer.type, d->answer.body, d->answer.body_n, false, &answer);

    if (wrong != NULL)
        log_debug("what a webhook answered is not understood", LOG_STR("hook", d->id),
                  LOG_STR("reason", wrong));
    if (answer.text != NULL) {
        d->text = mem_strdup(answer.text);
        (void)snprintf(d->text_id, sizeof(d->text_id), HOOK_MSG_ID_PREFIX "%s:%llu", event->epoch,
                       (unsigned long long)event->seq);
    }
    arena_destroy(&arena);
}

void delivery_delivered(struct delivery *d, const struct store_event *event)
{
    metric_add_by(METRIC_HOOK_DELIVERIES, METRIC_HOOK_DELIVERED, 1);
    keep_text(d, event);
    if (d->again) {
        d->letter = LETTER_REMOVE;
        d->letter_of = (struct store_hook_failure){.hook = d->id, .seq = event->seq};
    }
    delivery_mark(d, STORE_HOOK_DELIVERED);
    delivery_pass(d, event);
}

/* Nothing more is tried for the event. */
static void give_up(struct delivery *d, const struct store_event *event)
{
    metric_add_by(METRIC_HOOK_DELIVERIES, METRIC_HOOK_DEAD, 1);
    log_info("a webhook's target did not take an event", LOG_STR("hook", d->id),
             LOG_INT("seq", event->seq), LOG_STR("reason", d->letter_error));
    d->letter = LETTER_PUT;
    delivery_pass(d, event);
}

void delivery_failed(struct delivery *d, const struct store_event *event)
{
    const struct config *config = &delivery_node(d)->config;
    unsigned attempts;
    uint32_t random;

    if (!d->again && d->attempts_seq != event->seq)
        d->attempts = 0;
    attempts = 1 + (d->again ? d->again_attempts : d->attempts);
    describe_failure(d, event, attempts);
    delivery_mark(d, STORE_HOOK_FAILED);
    d->disable = d->answer.outcome == OUTBOUND_ANSWERED && d->answer.status == 410;
    if (d->again || d->disable || attempts >= config->hook_attempts) {
        give_up(d, event);
        return;
    }
    metric_add_by(METRIC_HOOK_DELIVERIES, METRIC_HOOK_FAILED, 1);
    d->attempts = attempts;
    d->attempts_seq = event->seq;
    random_bytes(&random, sizeof(random));
    d->due_ns =
        clock_monotonic_ns() + UINT64_C(1000000) * hook_pause_ms(attempts, config->hook_retry_ms,
                                                                 d->answer.retry_after_s, random);
}
