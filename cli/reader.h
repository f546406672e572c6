/* reader.h - taking values out of an answer, each checked for its type.
 *
 *     struct reader r = {.command = "admin.user.list"};
 *     const char *name = reader_string(&r, item, "name");
 *     ...
 *     if (!reader_ok(&r)) return EXIT_CODE_BAD_ANSWER;
 *
 * The first member that is missing or of a wrong type is remembered; the value is then "" or 0,
 * safe to use. The _opt forms allow a missing or null member (NULL or 0), not a wrong type.
 * Ownership: what comes back lives as long as the JSON. Threading: none of its own.
 */
#ifndef CLI_READER_H
#define CLI_READER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum { READER_NAME_MAX = 64 };

struct reader {
    const char *command;
    bool failed;
    char member[READER_NAME_MAX];
    const char *wanted;
};

const char *reader_string(struct reader *r, const json_t *object, const char *key);
const char *reader_string_opt(struct reader *r, const json_t *object, const char *key);
/* Not negative. */
uint64_t reader_uint(struct reader *r, const json_t *object, const char *key);
uint64_t reader_uint_opt(struct reader *r, const json_t *object, const char *key);
bool reader_bool_opt(struct reader *r, const json_t *object, const char *key);
/* An empty one when it is not there. */
const json_t *reader_array(struct reader *r, const json_t *object, const char *key);
const json_t *reader_object(struct reader *r, const json_t *object, const char *key);

/* False, once reported on stderr, when something was wrong. */
bool reader_ok(const struct reader *r);

#endif
