/* tls_files.h - the certificates and keys that an address of MongoDB names, looked at before the
 * driver does: that one would say what is wrong with them only to its log, each time that it
 * connects, and ask for a passphrase on the terminal. No state; any thread.
 */
#ifndef STORAGE_MONGO_TLS_FILES_H
#define STORAGE_MONGO_TLS_FILES_H

#include "base/err.h"
#include "storage/mongo/libmongoc.h"
#include "storage/store_ops.h"

/* tlsCAFile has certificates, and tlsCertificateKeyFile a certificate with its key, which
 * tlsCertificateKeyFilePassword opens. ERR_UNAVAILABLE: one does not; ERROR_OUT names it, and no
 * passphrase. */
enum err tls_files_check(const mongoc_uri_t *uri, char error_out[STORE_ERROR_SIZE]);

#endif
