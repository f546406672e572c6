#include "protocol/jsonrpc.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/json.h"

/* Written back as it came, so it must fit with its quotes. No control characters: nothing needs
 * them, and each would take six bytes. */
static bool id_from_string(const json_t *json, char id_out[RPC_ID_SIZE])
{
    const char *s = json_string_value(json);
    size_t n = json_string_length(json);
    size_t to = 0;

    if (n > LIMIT_RPC_ID_BYTES)
        return false;
    id_out[to++] = '"';
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c < ' ' || to > RPC_ID_SIZE - 4) /* an escape, the quote and the NUL must fit */
            return false;
        if (c == '"' || c == '\\')
            id_out[to++] = '\\';
        id_out[to++] = (char)c;
    }
    id_out[to++] = '"';
    id_out[to] = '\0';
    return true;
}

static bool read_id(const json_t *json, struct rpc_request *out)
{
    if (json_is_integer(json)) {
        (void)snprintf(out->id, sizeof(out->id), "%" PRId64, (int64_t)json_integer_value(json));
        return true;
    }
    if (json_is_string(json) && id_from_string(json, out->id))
        return true;
    out->id[0] = '\0';
    return false;
}

/* What is wrong with the request's envelope, or NULL. The id comes first, so that an answer can
 * carry it. */
static const char *read_envelope(struct rpc_request *out)
{
    if (!json_is_object(out->root))
        return json_is_array(out->root) ? "is a batch; send one request at a time"
                                        : "is not an object";
    const json_t *id = json_object_get(out->root, "id");
    if (id == NULL)
        return "has no id";
    out->has_id = read_id(id, out);
    if (!out->has_id)
        return "must have an integer or a string of at most 64 bytes as its id";
    const char *version = json_string_value(json_object_get(out->root, "jsonrpc"));
    if (version == NULL || strcmp(version, "2.0") != 0)
        return "must have \"jsonrpc\":\"2.0\"";
    const json_t *method = json_object_get(out->root, "method");
    if (!json_is_string(method))
        return "must have a string as its method";
    out->method = json_string_value(method);
    out->method_len = json_string_length(method);
    out->params = json_object_get(out->root, "params");
    if (out->params != NULL && !json_is_object(out->params) && !json_is_array(out->params))
        return "must have an object as its params";
    if (json_object_size(out->root) != (out->params != NULL ? 4u : 3u))
        return "must have nothing but jsonrpc, id, method and params";
    return NULL;
}

enum err rpc_parse(const char *text, size_t len, struct rpc_request *out, const char **reason_out)
{
    *out = (struct rpc_request){.root = json_parse_bounded(text, len, reason_out)};
    if (out->root == NULL)
        return ERR_PARSE_ERROR;
    const char *reason = read_envelope(out);
    if (reason == NULL)
        return ERR_OK;
    *reason_out = reason;
    return ERR_INVALID_REQUEST;
}

void rpc_request_free(struct rpc_request *request)
{
    json_decref(request->root);
    request->root = NULL;
    request->method = NULL;
    request->params = NULL;
}

void rpc_put_result(struct buf *out, const char *id, const char *result_json, size_t n)
{
    buf_puts(out, "{\"jsonrpc\":\"2.0\",\"id\":");
    buf_puts(out, id);
    buf_puts(out, ",\"result\":");
    buf_put(out, result_json, n);
    buf_putc(out, '}');
}

static void put_details(struct buf *out, const struct problem *problem, const char *detail,
                        int64_t retry_after_ms)
{
    buf_json_member_opt(out, "detail", detail);
    if (problem != NULL) {
        buf_json_member_opt(out, "field", problem->field);
        buf_json_member_opt(out, "reason", problem->reason);
    }
    if (retry_after_ms >= 0)
        buf_json_member_int(out, "retry_after_ms", retry_after_ms);
    if (problem != NULL)
        buf_json_member_opt(out, "id", problem->id);
}

void rpc_put_error_object(struct buf *out, enum err err, const struct problem *problem,
                          const char *detail, int64_t retry_after_ms)
{
    buf_putc(out, '{');
    buf_json_member_int(out, "code", err_rpc_code(err));
    buf_json_member(out, "message", err_title(err));
    buf_puts(out, ",\"data\":{");
    buf_json_member(out, "type", err_name(err));
    put_details(out, problem, detail, retry_after_ms);
    buf_puts(out, "}}");
}

void rpc_put_error(struct buf *out, const char *id, enum err err, const struct problem *problem,
                   const char *detail, int64_t retry_after_ms)
{
    buf_puts(out, "{\"jsonrpc\":\"2.0\",\"id\":");
    buf_puts(out, id != NULL && *id != '\0' ? id : "null");
    buf_puts(out, ",\"error\":");
    rpc_put_error_object(out, err, problem, detail, retry_after_ms);
    buf_putc(out, '}');
}

void problem_put(struct buf *out, enum err err, const struct problem *problem, const char *detail,
                 int64_t retry_after_ms, const char *request_id)
{
    buf_putc(out, '{');
    buf_json_member(out, "type", err_name(err));
    buf_json_member(out, "title", err_title(err));
    buf_json_member_int(out, "status", err_http_status(err));
    put_details(out, problem, detail, retry_after_ms);
    buf_json_member_opt(out, "request_id", request_id);
    buf_putc(out, '}');
}

#define BEFORE_METHOD "{\"jsonrpc\":\"2.0\",\"method\":\""
#define BEFORE_PARAMS "\",\"params\":"

/* Method names need no escapes. */
static void begin_notification(struct buf *out, const char *method)
{
    buf_puts(out, BEFORE_METHOD);
    buf_puts(out, method);
    buf_puts(out, BEFORE_PARAMS "{");
}

/* What rpc_put_event() begins with: stream names need no escapes either. */
static bool is_positioned(const char *params, size_t len)
{
    static const char before[] = "{\"stream\":\"";
    static const char between[] = "\",\"epoch\":\"";

    if (len < sizeof(before) || memcmp(params, before, sizeof(before) - 1) != 0)
        return false;
    const char *stream = params + sizeof(before) - 1;
    const char *quote = memchr(stream, '"', len - (sizeof(before) - 1));
    return quote != NULL && (size_t)(params + len - quote) >= sizeof(between) &&
           memcmp(quote, between, sizeof(between) - 1) == 0;
}

bool rpc_event_split(const char *json, size_t len, struct rpc_event *out)
{
    const size_t before = sizeof(BEFORE_METHOD) - 1;
    const size_t between = sizeof(BEFORE_PARAMS) - 1;

    if (len < before + between + 3 || memcmp(json, BEFORE_METHOD, before) != 0 ||
        memcmp(json + len - 2, "}}", 2) != 0)
        return false;
    out->method = json + before;
    const char *quote = memchr(out->method, '"', len - before);
    if (quote == NULL || (size_t)(json + len - quote) < between + 3 ||
        memcmp(quote, BEFORE_PARAMS, between) != 0)
        return false;
    out->method_len = (size_t)(quote - out->method);
    out->params = quote + between;
    out->params_len = (size_t)(json + len - 1 - out->params);
    out->positioned = is_positioned(out->params, out->params_len);
    return out->params[0] == '{';
}

/* A string without escapes after the text BEFORE. Returns what follows its last quote, or NULL. */
static const char *take_string(const char *at, const char *end, const char *before,
                               const char **string_out, size_t *len_out)
{
    size_t n = strlen(before);

    if ((size_t)(end - at) < n || memcmp(at, before, n) != 0)
        return NULL;
    const char *quote = memchr(at + n, '"', (size_t)(end - at) - n);
    *string_out = at + n;
    *len_out = quote == NULL ? 0 : (size_t)(quote - *string_out);
    return quote == NULL || memchr(*string_out, '\\', *len_out) != NULL ? NULL : quote + 1;
}

bool rpc_event_position(const struct rpc_event *event, struct rpc_position *out)
{
    static const char before_seq[] = ",\"seq\":";
    const size_t n = sizeof(before_seq) - 1;
    const char *end = event->params + event->params_len;
    const char *at =
        take_string(event->params, end, "{\"stream\":\"", &out->stream, &out->stream_len);

    if (at != NULL)
        at = take_string(at, end, ",\"epoch\":\"", &out->epoch, &out->epoch_len);
    if (at == NULL || (size_t)(end - at) <= n || memcmp(at, before_seq, n) != 0)
        return false;
    out->seq = 0;
    for (at += n; at < end && *at >= '0' && *at <= '9'; at++)
        out->seq = out->seq * 10 + (uint64_t)(*at - '0');
    return at < end && *at == ',';
}

void rpc_put_event(struct buf *out, const char *method, const char *stream, const char *epoch,
                   uint64_t seq, int64_t at_ms, const char *actor, const char *data,
                   size_t data_len)
{
    (void)buf_reserve(out, 256 + data_len);
    begin_notification(out, method);
    buf_json_member(out, "stream", stream);
    buf_json_member(out, "epoch", epoch);
    buf_json_key(out, "seq");
    buf_json_uint(out, seq);
    buf_json_member_time(out, "at", at_ms);
    buf_json_member_opt(out, "actor", actor);
    if (data_len > 0) {
        buf_putc(out, ',');
        buf_put(out, data, data_len);
    }
    buf_put(out, "}}", 2);
}

void rpc_put_ephemeral(struct buf *out, const char *method, const char *data, size_t data_len)
{
    begin_notification(out, method);
    buf_put(out, data, data_len);
    buf_put(out, "}}", 2);
}
