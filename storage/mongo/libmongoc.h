/* libmongoc.h - the MongoDB driver's functions, loaded when a store in MongoDB is opened.
 *
 * With the two dozen libraries that it brings (ICU, the C++ library, SASL and its plugins), the
 * driver takes 3 MB of memory and a part of the time that a start takes: a server with SQLite does
 * not pay for them. The functions keep their names. For storage/mongo only; libbson is linked.
 *
 * Threading: any; after libmongoc_load() has returned NULL in any thread, the table does not
 * change.
 */
#ifndef STORAGE_MONGO_LIBMONGOC_H
#define STORAGE_MONGO_LIBMONGOC_H

#include <mongoc/mongoc.h>

#define LIBMONGOC_FUNCTIONS(X)                                                                     \
    X(bulk_operation_destroy)                                                                      \
    X(bulk_operation_execute)                                                                      \
    X(bulk_operation_insert_with_opts)                                                             \
    X(bulk_operation_remove_many_with_opts)                                                        \
    X(bulk_operation_update_one_with_opts)                                                         \
    X(client_command_simple)                                                                       \
    X(client_get_collection)                                                                       \
    X(client_pool_destroy)                                                                         \
    X(client_pool_new_with_error)                                                                  \
    X(client_pool_push)                                                                            \
    X(client_pool_set_error_api)                                                                   \
    X(client_pool_try_pop)                                                                         \
    X(client_select_server)                                                                        \
    X(client_write_command_with_opts)                                                              \
    X(collection_count_documents)                                                                  \
    X(collection_create_bulk_operation_with_opts)                                                  \
    X(collection_delete_many)                                                                      \
    X(collection_destroy)                                                                          \
    X(collection_find_with_opts)                                                                   \
    X(collection_insert_many)                                                                      \
    X(collection_insert_one)                                                                       \
    X(collection_update_one)                                                                       \
    X(cursor_destroy)                                                                              \
    X(cursor_error)                                                                                \
    X(cursor_next)                                                                                 \
    X(init)                                                                                        \
    X(log_set_handler)                                                                             \
    X(server_description_destroy)                                                                  \
    X(server_description_hello_response)                                                           \
    X(uri_destroy)                                                                                 \
    X(uri_get_appname)                                                                             \
    X(uri_get_auth_mechanism)                                                                      \
    X(uri_get_database)                                                                            \
    X(uri_get_hosts)                                                                               \
    X(uri_get_option_as_int32)                                                                     \
    X(uri_get_option_as_utf8)                                                                      \
    X(uri_get_srv_hostname)                                                                        \
    X(uri_get_tls)                                                                                 \
    X(uri_get_username)                                                                            \
    X(uri_has_option)                                                                              \
    X(uri_new_with_error)                                                                          \
    X(uri_set_appname)                                                                             \
    X(uri_set_option_as_bool)                                                                      \
    X(uri_set_option_as_int32)                                                                     \
    X(uri_set_write_concern)                                                                       \
    X(write_concern_destroy)                                                                       \
    X(write_concern_new)                                                                           \
    X(write_concern_set_journal)                                                                   \
    X(write_concern_set_wmajority)

/* Each under its name without mongoc_. */
struct libmongoc {
#define X(name) __typeof__(mongoc_##name) *name;
    LIBMONGOC_FUNCTIONS(X)
#undef X
};
extern struct libmongoc libmongoc;

/* Loads and starts the driver, once. NULL, or what is wrong and what to do. */
const char *libmongoc_load(void);

#define mongoc_bulk_operation_destroy libmongoc.bulk_operation_destroy
#define mongoc_bulk_operation_execute libmongoc.bulk_operation_execute
#define mongoc_bulk_operation_insert_with_opts libmongoc.bulk_operation_insert_with_opts
#define mongoc_bulk_operation_remove_many_with_opts libmongoc.bulk_operation_remove_many_with_opts
#define mongoc_bulk_operation_update_one_with_opts libmongoc.bulk_operation_update_one_with_opts
#define mongoc_client_command_simple libmongoc.client_command_simple
#define mongoc_client_get_collection libmongoc.client_get_collection
#define mongoc_client_pool_destroy libmongoc.client_pool_destroy
#define mongoc_client_pool_new_with_error libmongoc.client_pool_new_with_error
#define mongoc_client_pool_push libmongoc.client_pool_push
#define mongoc_client_pool_set_error_api libmongoc.client_pool_set_error_api
#define mongoc_client_pool_try_pop libmongoc.client_pool_try_pop
#define mongoc_client_select_server libmongoc.client_select_server
#define mongoc_client_write_command_with_opts libmongoc.client_write_command_with_opts
#define mongoc_collection_count_documents libmongoc.collection_count_documents
#define mongoc_collection_create_bulk_operation_with_opts                                          \
    libmongoc.collection_create_bulk_operation_with_opts
#define mongoc_collection_delete_many libmongoc.collection_delete_many
#define mongoc_collection_destroy libmongoc.collection_destroy
#define mongoc_collection_find_with_opts libmongoc.collection_find_with_opts
#define mongoc_collection_insert_many libmongoc.collection_insert_many
#define mongoc_collection_insert_one libmongoc.collection_insert_one
#define mongoc_collection_update_one libmongoc.collection_update_one
#define mongoc_cursor_destroy libmongoc.cursor_destroy
#define mongoc_cursor_error libmongoc.cursor_error
#define mongoc_cursor_next libmongoc.cursor_next
#define mongoc_init libmongoc.init
#define mongoc_log_set_handler libmongoc.log_set_handler
#define mongoc_server_description_destroy libmongoc.server_description_destroy
#define mongoc_server_description_hello_response libmongoc.server_description_hello_response
#define mongoc_uri_destroy libmongoc.uri_destroy
#define mongoc_uri_get_appname libmongoc.uri_get_appname
#define mongoc_uri_get_auth_mechanism libmongoc.uri_get_auth_mechanism
#define mongoc_uri_get_database libmongoc.uri_get_database
#define mongoc_uri_get_hosts libmongoc.uri_get_hosts
#define mongoc_uri_get_option_as_int32 libmongoc.uri_get_option_as_int32
#define mongoc_uri_get_option_as_utf8 libmongoc.uri_get_option_as_utf8
#define mongoc_uri_get_srv_hostname libmongoc.uri_get_srv_hostname
#define mongoc_uri_get_tls libmongoc.uri_get_tls
#define mongoc_uri_get_username libmongoc.uri_get_username
#define mongoc_uri_has_option libmongoc.uri_has_option
#define mongoc_uri_new_with_error libmongoc.uri_new_with_error
#define mongoc_uri_set_appname libmongoc.uri_set_appname
#define mongoc_uri_set_option_as_bool libmongoc.uri_set_option_as_bool
#define mongoc_uri_set_option_as_int32 libmongoc.uri_set_option_as_int32
#define mongoc_uri_set_write_concern libmongoc.uri_set_write_concern
#define mongoc_write_concern_destroy libmongoc.write_concern_destroy
#define mongoc_write_concern_new libmongoc.write_concern_new
#define mongoc_write_concern_set_journal libmongoc.write_concern_set_journal
#define mongoc_write_concern_set_wmajority libmongoc.write_concern_set_wmajority

#endif
