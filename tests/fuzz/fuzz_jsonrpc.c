/* fuzz_jsonrpc.c - requests: whatever comes, the answer is JSON and carries the request's id. */
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "protocol/jsonrpc.h"

/* The answer must be JSON, and its id equal to that of the request. */
static void check_answer(const struct buf *answer, const struct rpc_request *request)
{
    json_t *json = json_loadb(answer->data, answer->len, JSON_REJECT_DUPLICATES, NULL);
    const json_t *id = json_object_get(json, "id");

    if (json == NULL || id == NULL)
        abort();
    if (request->has_id ? !json_equal(id, json_object_get(request->root, "id")) : !json_is_null(id))
        abort();
    json_decref(json);
}

static void check_request(const struct rpc_request *request)
{
    struct buf answer = {0};

    if (!request->has_id || request->method == NULL ||
        strlen(request->method) != request->method_len ||
        !utf8_is_valid(request->method, request->method_len))
        abort();
    rpc_put_result(&answer, request->id, "{}", 2);
    check_answer(&answer, request);
    buf_free(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rpc_request request;
    struct buf answer = {0};
    const char *reason = NULL;
    enum err err = rpc_parse((const char *)data, size, &request, &reason);

    if (err == ERR_OK) {
        check_request(&request);
    } else if ((err != ERR_PARSE_ERROR && err != ERR_INVALID_REQUEST) || reason == NULL ||
               strlen(request.id) >= sizeof(request.id)) {
        abort();
    }
    rpc_put_error(&answer, request.has_id ? request.id : NULL, err, NULL, reason, -1);
    check_answer(&answer, &request);
    buf_free(&answer);
    rpc_request_free(&request);
    return 0;
}
