/* address.h - the address of a MongoDB database: the pool of connections that it names, and what to
 * say when it leads nowhere.
 *
 * An address may hold a password. Nothing here hands out any part of it but hosts, the database and
 * the names of options and files; called while a database is opened and, for mg_explain(), by
 * whoever has a connection.
 */
#ifndef STORAGE_MONGO_ADDRESS_H
#define STORAGE_MONGO_ADDRESS_H

#include "storage/mongo/mongo.h"

/* Makes b->pool, with what no address may change (durable writes, no repetition by the driver) and
 * time-outs where it has none, and sets b->address, b->db and what else is known from it. Reads the
 * files that it names, and asks the DNS if it is mongodb+srv; connects to nobody.
 * ERR_INVALID_PARAMS: the address is wrong; ERR_UNAVAILABLE: the files or the DNS are. */
enum err mg_address_open(const char *url, struct mg_backend *b, char error_out[STORE_ERROR_SIZE]);

/* Why the database cannot be used, in one sentence with a remedy. ERR_CONFLICT: the server was
 * reached and has refused, which another try may change; else ERR_UNAVAILABLE. */
enum err mg_explain(const struct mg_backend *b, const bson_error_t *error,
                    char error_out[STORE_ERROR_SIZE]);

#endif
