#include "server/outbound_transfer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "server/version.h"

enum { HEADERS_MAX = 65536 }; /* bytes of an answer's headers, of informational answers too */

struct transfer *transfer_make(const struct outbound_options *options,
                               const struct outbound_post *post, outbound_done_fn done, void *arg)
{
    struct transfer *t = mem_zalloc(sizeof(*t));

    t->options = options;
    t->url = mem_strdup(post->url);
    for (size_t i = 0; i < post->headers_n; i++)
        t->headers = libcurl.slist_append(t->headers, post->headers[i]);
    t->headers =
        libcurl.slist_append(t->headers, "Expect:"); /* the body goes without being asked for */
    buf_put(&t->body, post->body, post->body_n);
    t->lane = post->lane;
    t->posted_ns = clock_monotonic_ns();
    t->deadline_ns = t->posted_ns + (uint64_t)post->timeout_ms * 1000000u;
    t->done = done;
    t->arg = arg;
    return t;
}

void transfer_free(struct transfer *t)
{
    libcurl.easy_cleanup(t->easy);
    libcurl.slist_free_all(t->headers);
    buf_free(&t->body);
    buf_free(&t->answer);
    free(t->url);
    free(t);
}

/* -- what libcurl calls ---------------------------------------------------------------------------
 */

/* Here, where the connection is made, and nowhere else is it decided whether it may be. */
static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct transfer *t = arg;

    if (purpose != CURLSOCKTYPE_IPCXN ||
        !outbound_may_connect(&to->addr, t->options->allow, t->options->allow_n)) {
        t->refused = true;
        return CURL_SOCKET_BAD;
    }
    t->connected = true;
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static size_t on_header(char *bytes, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;

    (void)bytes;
    t->header_bytes += size * n;
    return t->header_bytes <= HEADERS_MAX ? size * n : 0;
}

/* Less than was given ends the transfer. */
static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    size_t room = t->options->answer_max - t->answer.len;
    size_t take = size * n < room ? size * n : room;

    buf_put(&t->answer, bytes, take);
    t->cut = take < size * n;
    return take;
}

/* -- the request ----------------------------------------------------------------------------------
 */

static void set_rules(CURL *easy, struct transfer *t)
{
    const struct outbound_options *o = t->options;

    (void)libcurl.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    (void)libcurl.easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* do not wait for a name at the end */
    (void)libcurl.easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)libcurl.easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)libcurl.easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    (void)libcurl.easy_setopt(easy, CURLOPT_PROXY, "");
    (void)libcurl.easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    (void)libcurl.easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    (void)libcurl.easy_setopt(easy, CURLOPT_OPENSOCKETDATA, t);
    (void)libcurl.easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    (void)libcurl.easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    if (o->ca_file != NULL && o->ca_file[0] != '\0') {
        (void)libcurl.easy_setopt(easy, CURLOPT_CAINFO, o->ca_file);
        (void)libcurl.easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    (void)libcurl.easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)o->connect_timeout_ms);
}

void transfer_begin(struct transfer *t, uint64_t now_ns)
{
    uint64_t left_ms = (t->deadline_ns - now_ns) / 1000000u + 1;

    t->easy = libcurl.easy_init();
    if (t->easy == NULL)
        abort(); /* without memory */
    t->cut = t->refused = t->connected = false;
    t->header_bytes = 0;
    t->error[0] = '\0';
    buf_clear(&t->answer);
    set_rules(t->easy, t);
    (void)libcurl.easy_setopt(t->easy, CURLOPT_PRIVATE, t);
    (void)libcurl.easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->error);
    (void)libcurl.easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)left_ms);
    (void)libcurl.easy_setopt(t->easy, CURLOPT_URL, t->url);
    (void)libcurl.easy_setopt(t->easy, CURLOPT_USERAGENT, "Parley/" PARLEY_VERSION);
    (void)libcurl.easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
    (void)libcurl.easy_setopt(t->easy, CURLOPT_POST, 1L);
    (void)libcurl.easy_setopt(t->easy, CURLOPT_POSTFIELDS,
                              t->body.data == NULL ? "" : t->body.data);
    (void)libcurl.easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->body.len);
    (void)libcurl.easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
    (void)libcurl.easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
    (void)libcurl.easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
    (void)libcurl.easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
}

/* -- the answer -----------------------------------------------------------------------------------
 */

static void failed(const struct transfer *t, CURLcode code, struct outbound_answer *answer)
{
    answer->outcome = OUTBOUND_FAILED;
    if (code == CURLE_OPERATION_TIMEDOUT) {
        answer->outcome = OUTBOUND_TIMED_OUT;
        answer->reason = "did not answer in time";
    } else if (t->refused && !t->connected) {
        answer->outcome = OUTBOUND_REFUSED;
        answer->reason = "has an address that is not public; outbound_allow may allow it";
    } else if (t->header_bytes > HEADERS_MAX) {
        answer->reason = "answered with headers that are too large";
    } else {
        answer->reason = t->error[0] != '\0' ? t->error : libcurl.easy_strerror(code);
    }
}

/* Why the redirection is not followed; NULL: it is, from transfer->url on. */
static const char *redirect(struct transfer *t, long status)
{
    char *location = NULL;

    (void)libcurl.easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &location);
    if (status != 307 && status != 308)
        return "answered with a redirection that does not keep the request";
    if (location == NULL)
        return "answered with a redirection to nowhere";
    if (++t->redirects > OUTBOUND_REDIRECTS_MAX)
        return "redirects too often";
    char *to = mem_strndup(location, strcspn(location, "#"));
    const char *reason = NULL;
    if (outbound_url_problem(to) != NULL)
        reason = "redirects to a URL that is not allowed";
    else if (outbound_url_downgrades(t->url, to))
        reason = "redirects from https to http";
    if (reason == NULL) {
        free(t->url);
        t->url = to;
    } else {
        free(to);
    }
    return reason;
}

bool transfer_ended(struct transfer *t, CURLcode code, struct outbound_answer *answer)
{
    long status = 0;
    char *type = NULL;
    curl_off_t retry_after = 0;

    *answer = (struct outbound_answer){.body = "", .content_type = "", .reason = ""};
    (void)libcurl.easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK && !(t->cut && code == CURLE_WRITE_ERROR)) {
        failed(t, code, answer);
        return true;
    }
    answer->status = (int)status;
    if (status >= 300 && status < 400) {
        answer->outcome = OUTBOUND_REDIRECTED;
        answer->reason = redirect(t, status);
        if (answer->reason != NULL)
            return true;
        libcurl.easy_cleanup(t->easy);
        t->easy = NULL;
        return false;
    }
    (void)libcurl.easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type);
    (void)libcurl.easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &retry_after);
    answer->outcome = OUTBOUND_ANSWERED;
    answer->body = t->answer.data == NULL ? "" : t->answer.data;
    answer->body_n = t->answer.len;
    answer->cut = t->cut;
    answer->content_type = type == NULL ? "" : type;
    answer->retry_after_s = retry_after > 0 && retry_after < 86400 ? (uint32_t)retry_after : 0;
    return true;
}
