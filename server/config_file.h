/* config_file.h - the INI syntax of the configuration file, with line numbers, and files that hold
 * one value. For config.c.
 */
#ifndef SERVER_CONFIG_FILE_H
#define SERVER_CONFIG_FILE_H

#include <stddef.h>

/* The whole file (at most 1 MiB), NUL-terminated; release with free(). 0, or an errno. */
int config_file_read(const char *path, char **text_out, size_t *len_out);

/* The one value that the file PATH is, without the newline at its end; release with free(). NULL,
 * or why not: what to say after the file's name. */
const char *config_file_value(const char *path, char **value_out);

/* NAME NULL: the line is not understood, VALUE says why in a sentence. */
typedef void (*config_line_fn)(void *arg, unsigned line, const char *section, const char *name,
                               const char *value);
/* Calls LINE for each `name = value` in order. Comments begin with # or ; at the start of a line or
 * with ; after a blank; an indented line goes on with the value above. */
void config_file_parse(const char *text, size_t len, config_line_fn line, void *arg);

#endif
