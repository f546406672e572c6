/* json.c - users, messages and channels as they go on the wire and into the events. */
#include "base/buf.h"
#include "storage/store.h"

static void put_uint(struct buf *out, const char *name, uint64_t value)
{
    buf_json_key(out, name);
    buf_json_uint(out, value);
}

static void put_time_opt(struct buf *out, const char *name, int64_t at)
{
    if (at != 0)
        buf_json_member_time(out, name, at);
}

void store_user_json(struct buf *out, const struct store_user *user)
{
    buf_putc(out, '{');
    buf_json_member(out, "id", user->id);
    buf_json_member(out, "name", user->name);
    buf_json_member(out, "display_name", user->display_name);
    buf_json_member(out, "role", store_role_name(user->role));
    if (user->owner != NULL) {
        buf_json_member_bool(out, "bot", true);
        buf_json_member(out, "owner", user->owner);
    }
    put_time_opt(out, "disabled_at", user->disabled_at);
    buf_putc(out, '}');
}

static void put_mentions(struct buf *out, const struct store_message *message)
{
    if (message->mentions_n == 0)
        return;
    buf_json_key(out, "mentions");
    buf_putc(out, '[');
    for (size_t i = 0; i < message->mentions_n; i++) {
        buf_json_comma(out);
        buf_json_string(out, message->mentions[i]);
    }
    buf_putc(out, ']');
}

static void put_as(struct buf *out, const struct store_message *message)
{
    if (message->as_name == NULL && message->as_icon == NULL)
        return;
    buf_json_key(out, "as");
    buf_putc(out, '{');
    buf_json_member_opt(out, "name", message->as_name);
    buf_json_member_opt(out, "icon", message->as_icon);
    buf_putc(out, '}');
}

void store_message_json(struct buf *out, const struct store_message *message)
{
    buf_putc(out, '{');
    buf_json_member(out, "id", message->id);
    buf_json_member(out, "channel", message->channel);
    put_uint(out, "seq", message->seq);
    put_uint(out, "msg_no", message->msg_no);
    buf_json_member(out, "author", message->author);
    if (message->text != NULL) {
        buf_json_member(out, "text", message->text);
        buf_json_member_opt(out, "client_msg_id", message->client_msg_id);
    }
    buf_json_member_time(out, "created_at", message->created_at);
    if (message->text != NULL) {
        put_time_opt(out, "edited_at", message->edited_at);
        put_as(out, message);
        put_mentions(out, message);
    }
    put_time_opt(out, "deleted_at", message->deleted_at);
    buf_putc(out, '}');
}

void store_users_json(struct buf *out, const struct store_user *users, size_t n)
{
    buf_json_key(out, "users");
    buf_putc(out, '[');
    for (size_t i = 0; i < n; i++) {
        buf_json_comma(out);
        store_user_json(out, &users[i]);
    }
    buf_putc(out, ']');
}

static void put_view(struct buf *out, const struct store_channel *channel)
{
    buf_json_member(out, "role", store_member_role_name(channel->role));
    buf_json_member(out, "epoch", channel->epoch);
    put_uint(out, "seq", channel->seq);
    put_uint(out, "msg_no", channel->msg_no);
    put_uint(out, "last_read_seq", channel->last_read_seq);
    put_uint(out, "unread", channel->unread);
    put_uint(out, "mentions", channel->mentions);
}

void store_channel_json(struct buf *out, const struct store_channel *channel, bool view)
{
    buf_putc(out, '{');
    buf_json_member(out, "id", channel->id);
    buf_json_member(out, "name", channel->name);
    buf_json_member(out, "type", store_channel_type_name(channel->type));
    buf_json_member(out, "topic", channel->topic);
    buf_json_member_time(out, "created_at", channel->created_at);
    put_time_opt(out, "archived_at", channel->archived_at);
    put_uint(out, "members", channel->members);
    if (channel->type == STORE_DM && channel->users != NULL)
        store_users_json(out, channel->users, channel->users_n);
    if (view)
        put_view(out, channel);
    buf_putc(out, '}');
}
