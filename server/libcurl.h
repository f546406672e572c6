/* libcurl.h - libcurl's functions, loaded when the first request goes out.
 *
 * With the two dozen libraries that it brings, libcurl takes 5 MB of memory: a server without
 * outgoing webhooks and slash commands does not pay for them. For outbound*.c only.
 *
 * Threading: any; after libcurl_load() has returned true in any thread, the table does not change.
 */
#ifndef SERVER_LIBCURL_H
#define SERVER_LIBCURL_H

#define CURL_DISABLE_TYPECHECK /* its macros name the functions that are not linked */
#include <curl/curl.h>
#include <stdbool.h>

#define LIBCURL_FUNCTIONS(X)                                                                       \
    X(easy_cleanup)                                                                                \
    X(easy_getinfo)                                                                                \
    X(easy_init)                                                                                   \
    X(easy_setopt)                                                                                 \
    X(easy_strerror)                                                                               \
    X(free)                                                                                        \
    X(global_init)                                                                                 \
    X(multi_add_handle)                                                                            \
    X(multi_cleanup)                                                                               \
    X(multi_info_read)                                                                             \
    X(multi_init)                                                                                  \
    X(multi_perform)                                                                               \
    X(multi_poll)                                                                                  \
    X(multi_remove_handle)                                                                         \
    X(multi_setopt)                                                                                \
    X(multi_wakeup)                                                                                \
    X(slist_append)                                                                                \
    X(slist_free_all)                                                                              \
    X(url)                                                                                         \
    X(url_cleanup)                                                                                 \
    X(url_get)                                                                                     \
    X(url_set)

/* Each under its name without curl_. */
struct libcurl {
#define X(name) __typeof__(curl_##name) *name;
    LIBCURL_FUNCTIONS(X)
#undef X
};
extern struct libcurl libcurl;

/* False: it is not installed, or does not work; logged the first time. Takes some milliseconds the
 * first time. */
bool libcurl_load(void);

#endif
