#include "server/jobs.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "storage/store.h"

enum { REMEMBERED = 8 };

enum job_state { JOB_RUNNING, JOB_DONE, JOB_FAILED };

struct job {
    char id[ID_SIZE];
    enum job_state state;
    uint64_t done, total;
    const char *step, *unit; /* static */
    char error[512];
    char *path;
};

struct jobs {
    pthread_mutex_t lock;
    pthread_t thread;
    bool has_thread;
    bool stopping;
    struct store *store;
    struct job jobs[REMEMBERED]; /* a ring: the newest is at `newest` */
    size_t newest;
};

struct jobs *jobs_create(struct store *store)
{
    struct jobs *jobs = mem_zalloc(sizeof(*jobs));

    (void)pthread_mutex_init(&jobs->lock, NULL);
    jobs->store = store;
    return jobs;
}

void jobs_destroy(struct jobs **jobs)
{
    struct jobs *j = *jobs;

    if (j == NULL)
        return;
    *jobs = NULL;
    (void)pthread_mutex_lock(&j->lock);
    j->stopping = true;
    (void)pthread_mutex_unlock(&j->lock);
    if (j->has_thread)
        (void)pthread_join(j->thread, NULL);
    for (size_t i = 0; i < REMEMBERED; i++)
        free(j->jobs[i].path);
    (void)pthread_mutex_destroy(&j->lock);
    free(j);
}

static bool progress(void *arg, const char *step, const char *unit, uint64_t done, uint64_t total)
{
    struct jobs *jobs = arg;
    struct job *job = &jobs->jobs[jobs->newest];

    (void)pthread_mutex_lock(&jobs->lock);
    job->step = step;
    job->unit = unit;
    job->done = done;
    job->total = total;
    bool go_on = !jobs->stopping;
    (void)pthread_mutex_unlock(&jobs->lock);
    return go_on;
}

static void *run_backup(void *arg)
{
    struct jobs *jobs = arg;
    struct job *job = &jobs->jobs[jobs->newest];
    char error[512] = "";

    (void)pthread_setname_np(pthread_self(), "job");
    enum err err = store_backup(jobs->store, job->path, progress, jobs, error);
    (void)pthread_mutex_lock(&jobs->lock);
    job->state = err == ERR_OK ? JOB_DONE : JOB_FAILED;
    memcpy(job->error, error, sizeof(error));
    (void)pthread_mutex_unlock(&jobs->lock);
    if (err == ERR_OK)
        log_info("backup made", LOG_STR("path", job->path));
    else
        log_error("backup failed", LOG_STR("path", job->path), LOG_STR("reason", error));
    return NULL;
}

enum err jobs_backup(struct jobs *jobs, const char *path, char id_out[ID_SIZE])
{
    enum err err = ERR_CONFLICT;

    (void)pthread_mutex_lock(&jobs->lock);
    bool running = jobs->has_thread && jobs->jobs[jobs->newest].state == JOB_RUNNING;
    if (!running && !jobs->stopping) {
        if (jobs->has_thread)
            (void)pthread_join(jobs->thread, NULL); /* it has said its last word */
        jobs->newest = (jobs->newest + 1) % REMEMBERED;
        struct job *job = &jobs->jobs[jobs->newest];
        free(job->path);
        memset(job, 0, sizeof(*job));
        id_make(job->id);
        memcpy(id_out, job->id, ID_SIZE);
        job->path = mem_strdup(path);
        job->state = JOB_RUNNING;
        job->step = "starting";
        job->unit = "bytes";
        jobs->has_thread = pthread_create(&jobs->thread, NULL, run_backup, jobs) == 0;
        if (!jobs->has_thread)
            job->state = JOB_FAILED;
        err = jobs->has_thread ? ERR_OK : ERR_UNAVAILABLE;
    }
    (void)pthread_mutex_unlock(&jobs->lock);
    return err;
}

enum err jobs_put(struct jobs *jobs, const char *id, struct buf *out)
{
    static const char *const states[] = {"running", "done", "failed"};
    enum err err = ERR_NOT_FOUND;

    (void)pthread_mutex_lock(&jobs->lock);
    for (size_t i = 0; i < REMEMBERED; i++) {
        const struct job *job = &jobs->jobs[i];
        if (job->id[0] == '\0' || strcmp(job->id, id) != 0)
            continue;
        buf_json_member(out, "job", job->id);
        buf_json_member(out, "kind", "backup");
        buf_json_member(out, "state", states[job->state]);
        buf_json_member(out, "step", job->step);
        buf_json_member_int(out, "done", (int64_t)job->done);
        buf_json_member_int(out, "total", (int64_t)job->total);
        buf_json_member(out, "unit", job->unit);
        if (job->state == JOB_FAILED)
            buf_json_member(out, "error", job->error);
        err = ERR_OK;
    }
    (void)pthread_mutex_unlock(&jobs->lock);
    return err;
}
