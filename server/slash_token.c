#include "server/slash_token.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/mem.h"

/* Of what stands before the last dot. */
static void put_mac(const char *text, size_t n, const char *secret, char mac_out[TOKEN_SIZE])
{
    static const char purpose[] = "slash answer\n"; /* nothing else is signed like this */
    crypto_auth_hmacsha256_state state;
    unsigned char mac[crypto_auth_hmacsha256_BYTES];

    (void)crypto_auth_hmacsha256_init(&state, (const unsigned char *)secret, strlen(secret));
    (void)crypto_auth_hmacsha256_update(&state, (const unsigned char *)purpose,
                                        sizeof(purpose) - 1);
    (void)crypto_auth_hmacsha256_update(&state, (const unsigned char *)text, n);
    (void)crypto_auth_hmacsha256_final(&state, mac);
    (void)sodium_bin2base64(mac_out, TOKEN_SIZE, mac, sizeof(mac),
                            sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* hook.user.run.expiry.mac */
void slash_token_make(const struct slash_token *from, const char *secret,
                      char token_out[SLASH_TOKEN_SIZE])
{
    char mac[TOKEN_SIZE];

    int n = snprintf(token_out, SLASH_TOKEN_SIZE, "%s.%s.%s.%llx", from->hook, from->user,
                     from->run, (unsigned long long)from->expires_at_s);
    put_mac(token_out, (size_t)n, secret, mac);
    (void)snprintf(token_out + n, SLASH_TOKEN_SIZE - (size_t)n, ".%s", mac);
}

static bool take_id(const char **at, char id_out[ID_MAX + 1])
{
    size_t n = strcspn(*at, ".");

    if (n > ID_MAX || (*at)[n] != '.')
        return false;
    memcpy(id_out, *at, n);
    id_out[n] = '\0';
    *at += n + 1;
    return id_is_valid(id_out);
}

bool slash_token_read(const char *text, struct slash_token *out)
{
    const char *at = text;
    size_t digits;

    *out = (struct slash_token){0};
    if (strlen(text) >= SLASH_TOKEN_SIZE || !take_id(&at, out->hook) || !take_id(&at, out->user) ||
        !take_id(&at, out->run))
        return false;
    digits = strspn(at, "0123456789abcdef");
    if (digits == 0 || digits > 10 || at[digits] != '.' ||
        strlen(at + digits + 1) != TOKEN_SIZE - 1)
        return false;
    out->expires_at_s = (int64_t)strtoull(at, NULL, 16);
    return true;
}

bool slash_token_is_true(const char *text, const char *secret)
{
    const char *dot = strrchr(text, '.');
    char mac[TOKEN_SIZE];

    if (dot == NULL || strlen(dot + 1) != TOKEN_SIZE - 1)
        return false;
    put_mac(text, (size_t)(dot - text), secret, mac);
    return sodium_memcmp(mac, dot + 1, TOKEN_SIZE - 1) == 0;
}

/* -- uses -----------------------------------------------------------------------------------------
 */

struct use {
    UT_hash_handle hh;
    unsigned n;
    int64_t expires_at_s;
    char run[ID_MAX + 1];
};

struct slash_uses {
    pthread_mutex_t lock;
    struct use *uses;
    size_t max;
};

struct slash_uses *slash_uses_create(size_t max)
{
    struct slash_uses *u = mem_zalloc(sizeof(*u));

    (void)pthread_mutex_init(&u->lock, NULL);
    u->max = max;
    return u;
}

static void forget(struct slash_uses *u, int64_t now_s)
{
    struct use *use, *next;

    HASH_ITER(hh, u->uses, use, next)
    {
        if (use->expires_at_s > now_s)
            continue;
        HASH_DEL(u->uses, use);
        free(use);
    }
}

void slash_uses_destroy(struct slash_uses **uses)
{
    struct slash_uses *u = *uses;

    if (u == NULL)
        return;
    *uses = NULL;
    forget(u, INT64_MAX);
    (void)pthread_mutex_destroy(&u->lock);
    free(u);
}

static struct use *find(struct slash_uses *u, const char *run, int64_t expires_at_s, int64_t now_s)
{
    struct use *use;

    HASH_FIND_STR(u->uses, run, use);
    if (use != NULL)
        return use;
    if (HASH_COUNT(u->uses) >= u->max)
        forget(u, now_s);
    if (HASH_COUNT(u->uses) >= u->max)
        return NULL;
    use = mem_zalloc(sizeof(*use));
    (void)snprintf(use->run, sizeof(use->run), "%s", run);
    use->expires_at_s = expires_at_s;
    HASH_ADD_STR(u->uses, run, use);
    return use;
}

unsigned slash_uses_take(struct slash_uses *u, const struct slash_token *token, int64_t now_s)
{
    unsigned nth = 0;

    (void)pthread_mutex_lock(&u->lock);
    struct use *use = find(u, token->run, token->expires_at_s, now_s);
    if (use != NULL && use->n < SLASH_USES_MAX)
        nth = ++use->n;
    (void)pthread_mutex_unlock(&u->lock);
    return nth;
}

void slash_use_key(const struct slash_token *token, char key_out[SLASH_USE_KEY_SIZE])
{
    (void)snprintf(key_out, SLASH_USE_KEY_SIZE, "u:%s", token->run);
}

void slash_uses_hear(struct slash_uses *u, const char *key, int64_t now_s)
{
    if (strncmp(key, "u:", 2) != 0 || !id_is_valid(key + 2))
        return;
    (void)pthread_mutex_lock(&u->lock);
    /* no token that the server has made is good for longer */
    struct use *use = find(u, key + 2, now_s + SLASH_TOKEN_SECONDS, now_s);
    if (use != NULL && use->n < SLASH_USES_MAX)
        use->n++;
    (void)pthread_mutex_unlock(&u->lock);
}
