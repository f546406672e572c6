/* copy_digest.c - rows as text that is the same whatever database they come from, and sums of
 * hashes of that. Every value says where it ends, so that no two rows read the same. */
#include <sodium.h>
#include <string.h>

#include "base/buf.h"
#include "storage/copy.h"

static void put_text(struct buf *out, const char *text)
{
    if (text == NULL)
        buf_puts(out, "-;");
    else
        buf_printf(out, "%zu:%s;", strlen(text), text);
}

static void put_int(struct buf *out, int64_t value)
{
    buf_printf(out, "%lld;", (long long)value);
}

static void put_uint(struct buf *out, uint64_t value)
{
    buf_printf(out, "%llu;", (unsigned long long)value);
}

void copy_digest_bytes(struct copy_digest *d, const void *bytes, size_t len)
{
    unsigned char hash[COPY_HASH_SIZE];

    (void)crypto_generichash(hash, sizeof(hash), bytes, len, NULL, 0);
    sodium_add(d->sum, hash, sizeof(hash));
    d->n++;
}

static void digest_text(struct copy_digest *d, struct buf *text)
{
    copy_digest_bytes(d, text->data, text->len);
    buf_free(text);
}

void copy_digest_user(struct copy_digest *d, const struct account *row)
{
    struct buf text = {0};
    const struct store_user *u = &row->user;

    put_text(&text, u->id);
    put_text(&text, u->name);
    put_text(&text, u->display_name);
    put_int(&text, (int64_t)u->role);
    put_int(&text, u->created_at);
    put_int(&text, u->disabled_at);
    put_text(&text, u->owner);
    put_int(&text, u->hook);
    put_text(&text, u->password_hash != NULL ? u->password_hash : "");
    digest_text(d, &text);
}

void copy_digest_session(struct copy_digest *d, const struct session_row *row)
{
    struct buf text = {0};
    const struct store_session *s = &row->session;

    put_text(&text, s->id);
    put_text(&text, row->hash);
    put_text(&text, s->user);
    put_int(&text, s->created_at);
    put_int(&text, s->last_seen_at);
    put_int(&text, s->expires_at);
    put_text(&text, s->address);
    put_text(&text, s->agent);
    put_text(&text, s->label);
    put_text(&text, s->scopes);
    put_text(&text, s->channels);
    digest_text(d, &text);
}

void copy_digest_invite(struct copy_digest *d, const struct invite_row *row)
{
    struct buf text = {0};
    const struct store_invite *i = &row->invite;

    put_text(&text, i->id);
    put_text(&text, row->hash);
    put_text(&text, i->created_by);
    put_int(&text, i->created_at);
    put_int(&text, i->expires_at);
    put_uint(&text, i->uses_left);
    digest_text(d, &text);
}

void copy_digest_hook(struct copy_digest *d, const struct hook_row *row)
{
    struct buf text = {0};
    const struct store_hook *h = &row->h;

    put_text(&text, h->id);
    put_int(&text, (int64_t)h->kind);
    put_text(&text, h->channel);
    put_text(&text, h->creator);
    put_text(&text, h->name);
    put_text(&text, h->icon);
    put_text(&text, h->secret);
    put_text(&text, h->url);
    put_text(&text, h->events);
    put_text(&text, h->trigger);
    put_text(&text, h->command);
    put_int(&text, h->enabled);
    put_int(&text, h->created_at);
    put_int(&text, h->used_at);
    put_uint(&text, h->position);
    put_int(&text, h->failed_at);
    put_text(&text, h->error);
    put_text(&text, row->hash);
    put_text(&text, row->slot);
    digest_text(d, &text);
}

void copy_digest_failure(struct copy_digest *d, const struct store_hook_failure *row)
{
    struct buf text = {0};

    put_text(&text, row->hook);
    put_uint(&text, row->seq);
    put_text(&text, row->event);
    put_uint(&text, row->attempts);
    put_uint(&text, row->status);
    put_text(&text, row->error);
    put_int(&text, row->at);
    put_int(&text, row->due);
    digest_text(d, &text);
}

bool copy_digest_equal(const struct copy_digest *a, const struct copy_digest *b)
{
    return a->n == b->n && memcmp(a->sum, b->sum, sizeof(a->sum)) == 0;
}

void copy_digest_hex(const struct copy_digest *d, char out[2 * COPY_HASH_SIZE + 1])
{
    (void)sodium_bin2hex(out, 2 * COPY_HASH_SIZE + 1, d->sum, sizeof(d->sum));
}

void copy_text_event(struct buf *out, const struct event_row *row, bool words)
{
    bool message = row->type == STORE_EVENT_MESSAGE_CREATED ||
                   row->type == STORE_EVENT_MESSAGE_UPDATED ||
                   row->type == STORE_EVENT_MESSAGE_DELETED;

    put_uint(out, row->seq);
    put_int(out, (int64_t)row->type);
    put_text(out, row->actor);
    put_int(out, row->at);
    put_text(out, row->subject);
    put_uint(out, row->link);
    put_text(out, row->client_msg_id);
    if (words || !message)
        put_text(out, row->data);
}

void copy_text_chan(struct buf *out, const struct chan *row)
{
    put_text(out, row->id);
    put_int(out, (int64_t)row->type);
    put_text(out, row->name);
    put_text(out, row->topic);
    put_text(out, row->dm_key);
    put_int(out, row->created_at);
    put_int(out, row->archived_at);
    put_uint(out, row->members);
    put_uint(out, row->stream.msg_no);
}

void copy_text_member(struct buf *out, const struct chan *chan, const struct membership *row,
                      uint64_t mentions)
{
    put_text(out, chan->id);
    put_int(out, (int64_t)row->role);
    put_int(out, row->joined_at);
    put_uint(out, row->read_seq);
    put_uint(out, row->read_no);
    put_uint(out, mentions);
}

void copy_text_message(struct buf *out, const struct message_row *row)
{
    const struct store_message *m = &row->m;

    put_text(out, m->id);
    put_uint(out, m->seq);
    put_uint(out, m->msg_no);
    put_text(out, m->author);
    put_text(out, m->text);
    put_text(out, m->client_msg_id);
    put_text(out, m->as_name);
    put_text(out, m->as_icon);
    put_int(out, m->created_at);
    put_int(out, m->edited_at);
    put_int(out, m->deleted_at);
    for (size_t i = 0; i < m->mentions_n; i++)
        put_text(out, m->mentions[i]);
    put_uint(out, row->last_edit);
    buf_putc(out, '\n');
}
