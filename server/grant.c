#include "server/grant.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

struct grant {
    unsigned refs;
    scope_set scopes;
    bool limited;
    char *words;           /* the scopes as they are kept */
    char *ids;             /* what the channels point into */
    const char **channels; /* of a limited one */
    size_t channels_n;
};

static void split(struct grant *g, const char *ids)
{
    size_t n = 1;

    for (const char *p = ids; *p != '\0'; p++)
        n += *p == ' ';
    g->limited = true;
    g->ids = mem_strdup(ids);
    g->channels = mem_realloc_array(NULL, n, sizeof(*g->channels));
    for (char *p = g->ids; *p != '\0';) {
        g->channels[g->channels_n++] = p;
        p += strcspn(p, " ");
        if (*p == ' ')
            *p++ = '\0';
    }
}

struct grant *grant_make(const struct store_session *session)
{
    if (session->scopes == NULL)
        return NULL;
    struct grant *g = mem_zalloc(sizeof(*g));
    g->refs = 1;
    g->scopes = scope_parse(session->scopes);
    g->words = mem_strdup(session->scopes);
    if (session->channels != NULL)
        split(g, session->channels);
    return g;
}

struct grant *grant_ref(struct grant *grant)
{
    if (grant != NULL)
        grant->refs++;
    return grant;
}

void grant_unref(struct grant **grant)
{
    struct grant *g = *grant;

    *grant = NULL;
    if (g == NULL || --g->refs > 0)
        return;
    free(g->words);
    free(g->ids);
    free(g->channels);
    free(g);
}

bool grant_allows(const struct grant *grant, enum scope scope)
{
    return grant == NULL || scope_allows(grant->scopes, scope);
}

bool grant_is_limited(const struct grant *grant)
{
    return grant != NULL && grant->limited;
}

bool grant_knows(const struct grant *grant, const char *channel)
{
    bool known = !grant_is_limited(grant);

    for (size_t i = 0; !known && i < grant->channels_n; i++)
        known = strcmp(grant->channels[i], channel) == 0;
    return known;
}

struct store_actor grant_actor(const struct grant *grant, const char *user, enum store_role role)
{
    struct store_actor actor = {.user = user, .role = role};

    if (!grant_allows(grant, SCOPE_ADMIN))
        actor.role = STORE_ROLE_MEMBER;
    if (grant_is_limited(grant)) {
        actor.channels = grant->channels;
        actor.channels_n = grant->channels_n;
    }
    return actor;
}

void put_word_list(struct buf *out, const char *name, const char *words)
{
    buf_json_key(out, name);
    buf_putc(out, '[');
    for (const char *word = words; *word != '\0';) {
        size_t n = strcspn(word, " ");
        buf_json_comma(out);
        buf_json_string_n(out, word, n);
        word += n + (word[n] == ' ' ? 1 : 0);
    }
    buf_putc(out, ']');
}

void grant_put_scopes(const struct grant *grant, struct buf *out)
{
    if (grant != NULL)
        put_word_list(out, "scopes", grant->words);
}
