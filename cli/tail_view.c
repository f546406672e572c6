#include "cli/tail_view.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/text.h"
#include "cli/units.h"

enum { INDENT = 11, NAMES_MAX = 100000 };

void tail_view_init(struct tail_view *view, struct cli *cli)
{
    *view = (struct tail_view){.cli = cli, .names = json_object(), .shown = json_object()};
}

void tail_view_free(struct tail_view *view)
{
    json_decref(view->names);
    json_decref(view->shown);
    *view = (struct tail_view){0};
}

static void learn_user(struct tail_view *view, const json_t *user)
{
    const char *id = json_string_value(json_object_get(user, "id"));
    json_t *name = json_object_get(user, "name");

    if (json_object_size(view->names) >= NAMES_MAX)
        (void)json_object_clear(view->names);
    if (id != NULL && json_is_string(name))
        (void)json_object_set(view->names, id, name);
}

void tail_view_learn(struct tail_view *view, const json_t *users)
{
    const json_t *user;
    size_t i;

    json_array_foreach(users, i, user) learn_user(view, user);
}

/* Asks the server for a name not seen yet. The id when there is none. */
static const char *name_of(struct tail_view *view, const char *id)
{
    json_t *known = json_object_get(view->names, id);
    struct reply reply = {0};
    struct buf object = {0};

    if (known != NULL)
        return json_string_value(known);
    buf_putc(&object, '{');
    buf_json_member(&object, "user", id);
    buf_putc(&object, '}');
    (void)client_call(view->cli->client, "user.get", object.data, view->cli->timeout_ms, &reply);
    if (reply.kind == REPLY_RESULT)
        learn_user(view, json_object_get(reply.json, "user"));
    else if (reply.kind == REPLY_PROBLEM)
        (void)json_object_set_new(view->names, id, json_string(id));
    reply_free(&reply);
    buf_free(&object);
    known = json_object_get(view->names, id);
    return known != NULL ? json_string_value(known) : id;
}

static void format_time(const char *rfc3339, char out[UNITS_SIZE])
{
    if (!units_time(rfc3339, (int64_t)time(NULL), out))
        (void)snprintf(out, UNITS_SIZE, "--:--:--");
}

static void print_safe(const char *text)
{
    struct buf safe = {0};

    text_escape(&safe, text);
    (void)fputs(safe.data != NULL ? safe.data : "", stdout);
    buf_free(&safe);
}

static void print_block(const char *text)
{
    struct buf safe = {0};

    text_escape_block(&safe, text, INDENT);
    (void)fputs(safe.data != NULL ? safe.data : "", stdout);
    buf_free(&safe);
}

static const char *style(const struct tail_view *view, enum style which)
{
    return term_style(&view->cli->out, which);
}

static void print_time(const struct tail_view *view, const char *rfc3339)
{
    char text[UNITS_SIZE];

    format_time(rfc3339, text);
    (void)printf("%s%s%s ", style(view, STYLE_DIM), text, style(view, STYLE_PLAIN));
}

static void print_name(struct tail_view *view, const char *id)
{
    (void)fputs(style(view, STYLE_CYAN), stdout);
    print_safe(name_of(view, id));
    (void)fputs(style(view, STYLE_PLAIN), stdout);
}

/* What a program wants to be called; who it is comes first. */
static void print_as(struct reader *r, const json_t *message)
{
    const json_t *as = json_object_get(message, "as");
    const char *name = as != NULL ? reader_string_opt(r, as, "name") : NULL;

    if (name == NULL)
        return;
    (void)fputs(" as ", stdout);
    print_safe(name);
}

static void print_remark(const struct tail_view *view, const char *text)
{
    (void)printf("%s%s%s", style(view, STYLE_DIM), text, style(view, STYLE_PLAIN));
}

static void print_message(struct tail_view *view, struct reader *r, const json_t *message)
{
    const char *author = reader_string(r, message, "author");
    const char *created = reader_string(r, message, "created_at");
    const char *text = reader_string_opt(r, message, "text");
    bool deleted = reader_string_opt(r, message, "deleted_at") != NULL || text == NULL;

    if (r->failed)
        return;
    print_time(view, created);
    print_name(view, author);
    print_as(r, message);
    (void)fputs(": ", stdout);
    if (!deleted)
        print_block(text);
    if (deleted)
        print_remark(view, "(deleted)");
    else if (reader_string_opt(r, message, "edited_at") != NULL)
        print_remark(view, " (edited)");
    (void)fputc('\n', stdout);
}

/* What tells a message's states apart: when it was edited last, or that it is deleted. */
static const char *state_of(struct reader *r, const json_t *message)
{
    const char *edited = reader_string_opt(r, message, "edited_at");

    if (reader_string_opt(r, message, "deleted_at") != NULL)
        return "deleted";
    return edited != NULL ? edited : "";
}

static void print_json(const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    struct buf safe = {0};

    if (text != NULL)
        text_escape_json(&safe, text, strlen(text));
    (void)printf("%s\n", safe.data != NULL ? safe.data : "null");
    buf_free(&safe);
    free(text);
}

void tail_view_history(struct tail_view *view, struct reader *r, const json_t *message)
{
    const char *id = reader_string(r, message, "id");

    (void)json_object_set_new(view->shown, id, json_string(state_of(r, message)));
    if (view->cli->json) {
        json_t *line =
            json_pack("{s:s, s:{s:O}}", "method", "message.history", "params", "message", message);
        print_json(line);
        json_decref(line);
    } else {
        print_message(view, r, message);
    }
}

/* An event of before the history was read whose effect the history had in it already: times are
 * RFC 3339 of one form, so that they compare as text. */
static bool is_shown(struct tail_view *view, struct reader *r, const char *method,
                     const json_t *message)
{
    const char *id = json_string_value(json_object_get(message, "id"));
    const char *state = id != NULL ? json_string_value(json_object_get(view->shown, id)) : NULL;

    if (state == NULL)
        return false;
    if (strcmp(method, "message.created") == 0 || strcmp(state, "deleted") == 0)
        return true;
    return strcmp(method, "message.updated") == 0 && strcmp(state_of(r, message), state) <= 0;
}

static void print_edit(struct tail_view *view, struct reader *r, const json_t *params,
                       const json_t *message)
{
    const char *author = reader_string(r, message, "author");
    const char *actor = reader_string(r, params, "actor");
    const char *text = reader_string_opt(r, message, "text");
    char time[UNITS_SIZE];

    if (text == NULL || r->failed) /* deleted since: that event follows */
        return;
    format_time(reader_string(r, message, "created_at"), time);
    print_time(view, reader_string(r, params, "at"));
    (void)fputs("* ", stdout);
    print_name(view, actor);
    (void)fputs(" edited the message ", stdout);
    if (strcmp(author, actor) != 0) {
        (void)fputs("of ", stdout);
        print_name(view, author);
        (void)fputc(' ', stdout);
    }
    (void)printf("of %s: ", time);
    print_block(text);
    (void)fputc('\n', stdout);
}

static void print_deletion(struct tail_view *view, struct reader *r, const json_t *params,
                           const json_t *message)
{
    const char *author = reader_string(r, message, "author");
    const char *actor = reader_string(r, params, "actor");
    char time[UNITS_SIZE];

    if (r->failed)
        return;
    format_time(reader_string(r, message, "created_at"), time);
    print_time(view, reader_string(r, params, "at"));
    (void)fputs("* ", stdout);
    print_name(view, actor);
    (void)fputs(" deleted the message ", stdout);
    if (strcmp(author, actor) != 0) {
        (void)fputs("of ", stdout);
        print_name(view, author);
        (void)fputc(' ', stdout);
    }
    (void)printf("of %s\n", time);
}

static void on_created(struct tail_view *view, struct reader *r, const json_t *params)
{
    print_message(view, r, reader_object(r, params, "message"));
}

static void on_updated(struct tail_view *view, struct reader *r, const json_t *params)
{
    print_edit(view, r, params, reader_object(r, params, "message"));
}

static void on_deleted(struct tail_view *view, struct reader *r, const json_t *params)
{
    print_deletion(view, r, params, reader_object(r, params, "message"));
}

/* "* bob joined", "* carol added bob" */
static void print_member(struct tail_view *view, struct reader *r, const json_t *params,
                         const char *alone, const char *by)
{
    const json_t *user = reader_object(r, params, "user");
    const char *id = reader_string(r, user, "id");
    const char *actor = reader_string(r, params, "actor");

    if (r->failed)
        return;
    learn_user(view, user);
    print_time(view, reader_string(r, params, "at"));
    (void)fputs("* ", stdout);
    print_name(view, actor);
    if (strcmp(id, actor) == 0) {
        (void)printf(" %s\n", alone);
        return;
    }
    (void)printf(" %s ", by);
    print_name(view, id);
    (void)fputc('\n', stdout);
}

static void on_joined(struct tail_view *view, struct reader *r, const json_t *params)
{
    print_member(view, r, params, "joined", "added");
}

static void on_left(struct tail_view *view, struct reader *r, const json_t *params)
{
    print_member(view, r, params, "left", "removed");
}

static void on_channel(struct tail_view *view, struct reader *r, const json_t *params)
{
    const json_t *channel = reader_object(r, params, "channel");
    const char *name = reader_string_opt(r, channel, "name");
    const char *topic = reader_string_opt(r, channel, "topic");
    const char *actor = reader_string(r, params, "actor");

    if (r->failed)
        return;
    print_time(view, reader_string(r, params, "at"));
    (void)fputs("* ", stdout);
    print_name(view, actor);
    if (reader_string_opt(r, channel, "archived_at") != NULL) {
        (void)fputs(" archived the channel\n", stdout);
        return;
    }
    (void)fputs(" changed the channel: #", stdout);
    print_safe(name != NULL ? name : "");
    (void)fputs(", topic: ", stdout);
    print_safe(topic != NULL && *topic != '\0' ? topic : "none");
    (void)fputc('\n', stdout);
}

static void on_channel_deleted(struct tail_view *view, struct reader *r, const json_t *params)
{
    const char *actor = reader_string(r, params, "actor");

    if (r->failed)
        return;
    print_time(view, reader_string(r, params, "at"));
    (void)fputs("* ", stdout);
    print_name(view, actor);
    (void)fputs(" deleted the channel\n", stdout);
}

void tail_view_event(struct tail_view *view, struct reader *r, const json_t *event)
{
    static const struct {
        const char *method;
        void (*show)(struct tail_view *view, struct reader *r, const json_t *params);
    } shows[] = {
        {"message.created", on_created},  {"message.updated", on_updated},
        {"message.deleted", on_deleted},  {"member.joined", on_joined},
        {"member.left", on_left},         {"channel.updated", on_channel},
        {"channel.archived", on_channel}, {"channel.deleted", on_channel_deleted},
    };
    const char *method = reader_string(r, event, "method");
    const json_t *params = reader_object(r, event, "params");

    if (r->failed || is_shown(view, r, method, json_object_get(params, "message")))
        return;
    if (view->cli->json) {
        print_json(event);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(shows); i++)
        if (strcmp(shows[i].method, method) == 0)
            shows[i].show(view, r, params);
}
