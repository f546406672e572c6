/* outbound_transfer.h - one request of outbound.h on its way, and libcurl's part of it. For
 * outbound.c only.
 *
 * Threading: made by the poster, then the client's own thread. Ownership: the client's.
 */
#ifndef SERVER_OUTBOUND_TRANSFER_H
#define SERVER_OUTBOUND_TRANSFER_H

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "base/buf.h"
#include "server/libcurl.h"
#include "server/outbound.h"
#include "server/outbound_target.h"

/* Requests under way to one scheme, name and port. */
struct outbound_host {
    UT_hash_handle hh;
    size_t refs; /* transfers that know it */
    unsigned under_way[OUTBOUND_LANES];
    char name[OUTBOUND_HOST_SIZE];
};

struct transfer {
    struct transfer *prev, *next; /* of those that wait, or of those under way */
    const struct outbound_options *options;
    struct outbound_host *host; /* NULL: the URL was not looked at yet */
    char *url;
    struct curl_slist *headers;
    struct buf body;
    enum outbound_lane lane;
    uint64_t posted_ns, deadline_ns; /* monotonic */
    unsigned redirects;
    outbound_done_fn done;
    void *arg;

    CURL *easy; /* NULL: it waits */
    struct buf answer;
    size_t header_bytes;
    bool cut;       /* there is more than is read */
    bool refused;   /* an address was not allowed */
    bool connected; /* one was */
    char error[CURL_ERROR_SIZE];
};

struct transfer *transfer_make(const struct outbound_options *options,
                               const struct outbound_post *post, outbound_done_fn done, void *arg);
void transfer_free(struct transfer *transfer);

/* Makes transfer->easy, to be given to the multi handle; its time is what is left at NOW_NS. */
void transfer_begin(struct transfer *transfer, uint64_t now_ns);
/* What has come of it. True: it is over, ANSWER says how; its texts are good until the transfer is
 * freed. False: it is to be sent again, transfer->url has changed. The easy handle is gone only
 * when it is sent again or freed. */
bool transfer_ended(struct transfer *transfer, CURLcode code, struct outbound_answer *answer);

#endif
