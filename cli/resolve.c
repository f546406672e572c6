#include "cli/resolve.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/reader.h"
#include "cli/report.h"

struct search {
    const char *command;
    const char *member; /* of the answer */
    const char *name;   /* without its sign */
    char sign;
};

/* The id of the item called NAME into ID_OUT, if it is on this page. */
static bool find_on_page(const struct search *search, struct reader *r, const json_t *items,
                         char id_out[ID_MAX + 1])
{
    const json_t *item;
    size_t i;

    json_array_foreach(items, i, item)
    {
        const char *name = reader_string(r, item, "name");
        const char *id = reader_string(r, item, "id");
        if (strcmp(name, search->name) == 0 && id_is_valid(id)) {
            memcpy(id_out, id, strlen(id) + 1);
            return true;
        }
    }
    return false;
}

static enum exit_code not_found(const struct search *search)
{
    report_error("there is no %s %c%s that you can see", search->sign == '@' ? "user" : "channel",
                 search->sign, search->name);
    report_hint(search->sign == '@' ? "parleyctl user list shows all users."
                                    : "parleyctl channel list shows all channels; in a private one "
                                      "you must be a member.");
    return EXIT_CODE_NOT_FOUND;
}

static enum exit_code run(struct cli *cli, const struct search *search, char id_out[ID_MAX + 1])
{
    struct reply reply = {0};
    struct reader r = {.command = search->command};
    char *cursor = NULL;
    bool found = false;
    enum exit_code code;

    do {
        struct buf params = {0};
        buf_json_member(&params, "query", search->name);
        buf_json_member_int(&params, "limit", 200);
        buf_json_member_opt(&params, "cursor", cursor);
        free(cursor);
        cursor = NULL;
        code = cli_call(cli, search->command, &params, &reply);
        if (code != EXIT_CODE_OK)
            break;
        found = find_on_page(search, &r, reader_array(&r, reply.json, search->member), id_out);
        const char *next = reader_string_opt(&r, reply.json, "next_cursor");
        cursor = next != NULL ? mem_strdup(next) : NULL;
        if (!reader_ok(&r))
            code = EXIT_CODE_BAD_ANSWER;
    } while (code == EXIT_CODE_OK && !found && cursor != NULL);
    free(cursor);
    reply_free(&reply);
    return code == EXIT_CODE_OK && !found ? not_found(search) : code;
}

/* An id needs no search. */
static bool take_id(const char *arg, char id_out[ID_MAX + 1])
{
    if (!looks_like_id(arg))
        return false;
    memcpy(id_out, arg, strlen(arg) + 1);
    return true;
}

enum exit_code resolve_user(struct cli *cli, const char *arg, char id_out[ID_MAX + 1])
{
    struct search search = {
        .command = "user.list", .member = "users", .name = arg + (*arg == '@'), .sign = '@'};

    return take_id(arg, id_out) ? EXIT_CODE_OK : run(cli, &search, id_out);
}

enum exit_code resolve_channel(struct cli *cli, const char *arg, char id_out[ID_MAX + 1])
{
    struct search search = {
        .command = "channel.list", .member = "channels", .name = arg + (*arg == '#'), .sign = '#'};

    return take_id(arg, id_out) ? EXIT_CODE_OK : run(cli, &search, id_out);
}
