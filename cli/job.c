#include "cli/job.h"

#include <string.h>

#include "cli/progress.h"
#include "cli/reader.h"
#include "cli/report.h"
#include "cli/retry.h"
#include "cli/text.h"

enum { POLL_MS = 200 };

struct job {
    struct cli *cli;
    struct progress bar;
    bool bar_started;
    char step[32], unit[32];
};

static void copy_safe(char *to, size_t size, const char *from)
{
    struct buf safe = {0};

    text_escape(&safe, from);
    (void)snprintf(to, size, "%s", safe.data != NULL ? safe.data : "");
    buf_free(&safe);
}

/* A job may have several steps, each with a bar of its own. */
static void show(struct job *job, struct reader *r, const json_t *state)
{
    const char *step = reader_string(r, state, "step");
    const char *unit = reader_string(r, state, "unit");
    uint64_t done = reader_uint(r, state, "done");
    uint64_t total = reader_uint(r, state, "total");
    char safe[sizeof(job->step)];

    if (r->failed || total == 0)
        return; /* not begun */
    copy_safe(safe, sizeof(safe), step);
    if (!job->bar_started || strcmp(safe, job->step) != 0) {
        if (job->bar_started)
            progress_end(&job->bar, monotonic_ms());
        memcpy(job->step, safe, sizeof(safe));
        copy_safe(job->unit, sizeof(job->unit), unit);
        progress_start(&job->bar, stderr, job->cli->err, job->step, job->unit, monotonic_ms());
        job->bar_started = true;
    }
    progress_update(&job->bar, done, total, monotonic_ms());
}

static enum exit_code finish(struct job *job, struct reader *r, const json_t *state)
{
    const char *error = reader_string_opt(r, state, "error");

    if (strcmp(reader_string(r, state, "state"), "done") == 0) {
        if (job->bar_started)
            progress_end(&job->bar, monotonic_ms());
        return EXIT_CODE_OK;
    }
    if (job->bar_started)
        progress_clear(&job->bar);
    report_error("the %s failed: %s", reader_string(r, state, "kind"),
                 error != NULL ? error : "parleyd's log says why");
    return EXIT_CODE_REFUSED;
}

enum exit_code job_wait(struct cli *cli, const struct reply *started, struct reply *reply)
{
    struct reader r = {.command = "admin.job"};
    struct job job = {.cli = cli};
    const char *id = reader_string(&r, started->json, "job");

    for (;;) {
        struct buf params = {0};
        buf_json_member(&params, "job", id);
        enum exit_code code = r.failed ? EXIT_CODE_OK : cli_call(cli, "admin.job", &params, reply);
        if (code != EXIT_CODE_OK) {
            report_hint("The job %s goes on if the server does.", id);
            return code;
        }
        const char *state = reader_string(&r, reply->json, "state");
        bool running = strcmp(state, "running") == 0;
        show(&job, &r, reply->json);
        if (r.failed) {
            if (job.bar_started)
                progress_clear(&job.bar);
            (void)reader_ok(&r);
            return EXIT_CODE_BAD_ANSWER;
        }
        if (!running)
            return finish(&job, &r, reply->json);
        pause_ms(POLL_MS);
    }
}
