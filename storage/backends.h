/* backends.h - which databases there are. */
#ifndef STORAGE_BACKENDS_H
#define STORAGE_BACKENDS_H

#include "storage/store_ops.h"

/* The backend of a URL and what it is to open: what follows "sqlite:", or the whole address of
 * another database; NULL: unknown. */
const struct store_ops *backend_find(const char *url, const char **path_out);
/* Open the database at URL. */
enum err backend_open(const char *url, enum store_open_mode mode, struct store_backend **out,
                      char error_out[STORE_ERROR_SIZE]);

#endif
