#include "server/password.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/log.h"
#include "base/mem.h"

static_assert((int)PASSWORD_HASH_SIZE == (int)crypto_pwhash_STRBYTES, "hashes are libsodium's");

enum { NICE = 5 };

struct job {
    struct job *next;
    password_done_fn done;
    void *arg;
    bool verify;
    bool unknown; /* there is no hash: verify against the dummy */
    char hash[PASSWORD_HASH_SIZE];
    size_t password_n;
    char password[];
};

struct password_pool {
    pthread_mutex_t lock; /* of all below that changes */
    pthread_cond_t work;
    struct job *head;
    struct job **tail;
    size_t queued;
    size_t queue_max;
    bool stopping;
    unsigned long long passes;
    size_t memory;
    pthread_mutex_t dummy_lock;
    char dummy[PASSWORD_HASH_SIZE]; /* made by the first thread, before any job runs */
    size_t threads_n;
    pthread_t threads[];
};

static bool make_hash(const struct password_pool *pool, const char *password, size_t n,
                      char hash_out[PASSWORD_HASH_SIZE])
{
    if (crypto_pwhash_str_alg(hash_out, password, n, pool->passes, pool->memory,
                              crypto_pwhash_ALG_ARGON2ID13) == 0)
        return true;
    log_error("a password cannot be hashed: not enough memory",
              LOG_INT("kib", pool->memory / 1024));
    return false;
}

static void job_free(struct job *job)
{
    sodium_memzero(job->password, job->password_n);
    sodium_memzero(job->hash, sizeof(job->hash));
    free(job);
}

static void run_verify(const struct password_pool *pool, const struct job *job,
                       struct password_result *result)
{
    const char *hash = job->unknown ? pool->dummy : job->hash;
    bool matches = crypto_pwhash_str_verify(hash, job->password, job->password_n) == 0;

    result->matches = matches && !job->unknown;
    result->needs_rehash =
        result->matches && crypto_pwhash_str_needs_rehash(hash, pool->passes, pool->memory) != 0;
}

static void run_job(const struct password_pool *pool, struct job *job)
{
    struct password_result result = {.err = ERR_OK};

    if (job->verify)
        run_verify(pool, job, &result);
    else if (!make_hash(pool, job->password, job->password_n, result.hash))
        result.err = ERR_INTERNAL;
    job->done(job->arg, &result);
    job_free(job);
    sodium_memzero(&result, sizeof(result));
}

/* A hash that no password is known for, with today's parameters. Threads come here first. */
static void make_dummy(struct password_pool *pool)
{
    char random[32];

    (void)pthread_mutex_lock(&pool->dummy_lock);
    if (pool->dummy[0] == '\0') {
        randombytes_buf(random, sizeof(random));
        (void)make_hash(pool, random, sizeof(random), pool->dummy);
        sodium_memzero(random, sizeof(random));
    }
    (void)pthread_mutex_unlock(&pool->dummy_lock);
}

/* The next job; NULL when there will be none. */
static struct job *take_job(struct password_pool *pool)
{
    struct job *job = NULL;

    (void)pthread_mutex_lock(&pool->lock);
    while (pool->head == NULL && !pool->stopping)
        (void)pthread_cond_wait(&pool->work, &pool->lock);
    if (!pool->stopping) {
        job = pool->head;
        pool->head = job->next;
        if (pool->head == NULL)
            pool->tail = &pool->head;
        pool->queued--;
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return job;
}

static void *thread_main(void *arg)
{
    struct password_pool *pool = arg;
    struct job *job;

    /* On Linux a thread has a nice value of its own: event loops and the store go first. */
    (void)setpriority(PRIO_PROCESS, 0, NICE);
    make_dummy(pool);
    while ((job = take_job(pool)) != NULL)
        run_job(pool, job);
    return NULL;
}

struct password_pool *password_pool_create(const struct password_options *options)
{
    size_t n = options->threads > 0 ? options->threads : 1;
    struct password_pool *pool = mem_zalloc(sizeof(*pool) + n * sizeof(pool->threads[0]));

    if (sodium_init() < 0)
        abort();
    (void)pthread_mutex_init(&pool->lock, NULL);
    (void)pthread_mutex_init(&pool->dummy_lock, NULL);
    (void)pthread_cond_init(&pool->work, NULL);
    pool->tail = &pool->head;
    pool->passes = options->passes > 0 ? options->passes : 2;
    pool->memory = (size_t)(options->memory_kib > 0 ? options->memory_kib : 19456) * 1024;
    pool->queue_max = options->queue_max > 0 ? options->queue_max : 256;
    for (; pool->threads_n < n; pool->threads_n++)
        if (pthread_create(&pool->threads[pool->threads_n], NULL, thread_main, pool) != 0)
            break;
    if (pool->threads_n == 0) {
        log_error("no thread can be started to hash passwords");
        abort();
    }
    return pool;
}

void password_pool_destroy(struct password_pool **pool_ref)
{
    static const struct password_result refused = {.err = ERR_UNAVAILABLE};
    struct password_pool *pool = *pool_ref;

    if (pool == NULL)
        return;
    *pool_ref = NULL;
    (void)pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    (void)pthread_cond_broadcast(&pool->work);
    (void)pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->threads_n; i++)
        (void)pthread_join(pool->threads[i], NULL);
    while (pool->head != NULL) {
        struct job *job = pool->head;
        pool->head = job->next;
        job->done(job->arg, &refused);
        job_free(job);
    }
    (void)pthread_cond_destroy(&pool->work);
    (void)pthread_mutex_destroy(&pool->dummy_lock);
    (void)pthread_mutex_destroy(&pool->lock);
    free(pool);
}

static struct job *job_make(const char *password, password_done_fn done, void *arg)
{
    size_t n = strlen(password);
    struct job *job = mem_zalloc(sizeof(*job) + n + 1);

    memcpy(job->password, password, n);
    job->password_n = n;
    job->done = done;
    job->arg = arg;
    return job;
}

static enum err submit(struct password_pool *pool, struct job *job)
{
    (void)pthread_mutex_lock(&pool->lock);
    bool taken = pool->queued < pool->queue_max && !pool->stopping;
    if (taken) {
        *pool->tail = job;
        pool->tail = &job->next;
        pool->queued++;
        (void)pthread_cond_signal(&pool->work);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    if (!taken)
        job_free(job);
    return taken ? ERR_OK : ERR_UNAVAILABLE;
}

enum err password_hash_async(struct password_pool *pool, const char *password,
                             password_done_fn done, void *arg)
{
    return submit(pool, job_make(password, done, arg));
}

enum err password_verify_async(struct password_pool *pool, const char *password, const char *hash,
                               password_done_fn done, void *arg)
{
    struct job *job = job_make(password, done, arg);

    job->verify = true;
    job->unknown = hash == NULL || strlen(hash) >= sizeof(job->hash);
    if (!job->unknown)
        memcpy(job->hash, hash, strlen(hash));
    return submit(pool, job);
}

size_t password_queue_depth(struct password_pool *pool)
{
    (void)pthread_mutex_lock(&pool->lock);
    size_t depth = pool->queued;
    (void)pthread_mutex_unlock(&pool->lock);
    return depth;
}
