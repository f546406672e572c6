/* fuzz_config.c - the configuration: the input is a file, and each of its lines is also a flag and
 * a variable. Whatever comes, there is an answer, and what was not refused is within its bounds.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <stdio.h>

#include "base/mem.h"
#include "server/config.h"

static void check(const struct config *config)
{
    if (config->listen.n == 0 || config->data[0] == '\0' || config->workers > 64 ||
        config->registration > REGISTRATION_CLOSED || config->log_level > LOG_LEVEL_DEBUG)
        abort();
    for (size_t i = 0; i < config->listen.n; i++)
        if (config->listen.items[i].len == 0)
            abort();
}

static void load(int argc, char *const argv[], char *const env[])
{
    struct config config;
    enum config_action action;
    char error[CONFIG_ERROR_SIZE];

    if (config_load(argc, argv, env, &config, &action, error))
        check(&config);
    else if (error[0] == '\0')
        abort();
    config_free(&config);
}

static void problem(void *arg, const char *text)
{
    (void)arg;
    if (text[0] == '\0')
        abort();
}

static void as_file(const uint8_t *data, size_t size)
{
    static char path[64];
    static int fd = -1;

    if (fd < 0) {
        fd = memfd_create("config", MFD_CLOEXEC);
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    }
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    char *argv[] = {(char *)"parleyd", (char *)"--config", path, NULL};
    load(3, argv, NULL);
    (void)config_file_check(path, problem, NULL);
}

static void as_words(const uint8_t *data, size_t size)
{
    enum { WORDS = 16 };
    char *argv[WORDS + 2] = {(char *)"parleyd"};
    char *env[WORDS + 1] = {NULL};
    int n = 0;
    char *rest;
    char *text = mem_strndup((const char *)data, size);

    for (char *line = strtok_r(text, "\n", &rest); line != NULL && n < WORDS;
         line = strtok_r(NULL, "\n", &rest)) {
        argv[1 + n] = line;
        env[n++] = line;
    }
    load(1 + n, argv, NULL);
    load(1, argv, env);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    as_file(data, size);
    as_words(data, size);
    return 0;
}
