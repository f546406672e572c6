#include "protocol/socketio.h"

#include <assert.h>
#include <string.h>

#include "protocol/json.h"
#include "protocol/limits.h"

/* What is still to be read. */
struct text {
    const char *at;
    size_t left;
};

static bool is_digit(const struct text *t)
{
    return t->left > 0 && *t->at >= '0' && *t->at <= '9';
}

static void skip(struct text *t, size_t n)
{
    t->at += n;
    t->left -= n;
}

/* Digits up to MAX; none leave *value_out alone. False: too large. */
static bool read_number(struct text *t, uint64_t max, bool *any_out, uint64_t *value_out)
{
    uint64_t value = 0;

    *any_out = is_digit(t);
    while (is_digit(t)) {
        value = value * 10 + (uint64_t)(*t->at - '0');
        if (value > max)
            return false;
        skip(t, 1);
    }
    if (*any_out)
        *value_out = value;
    return true;
}

static bool is_binary(enum sio_packet_type type)
{
    return type == SIO_BINARY_EVENT || type == SIO_BINARY_ACK;
}

static bool is_event(enum sio_packet_type type)
{
    return type == SIO_EVENT || type == SIO_BINARY_EVENT;
}

static bool is_ack(enum sio_packet_type type)
{
    return type == SIO_ACK || type == SIO_BINARY_ACK;
}

static const char *read_attachments(struct text *t, struct sio_packet *out)
{
    uint64_t n = 0;
    bool any;

    if (!is_binary(out->type))
        return NULL;
    if (!read_number(t, SIO_ATTACHMENTS_MAX, &any, &n))
        return "has too many attachments";
    if (n == 0 || t->left == 0 || *t->at != '-')
        return "does not say how many attachments it has";
    skip(t, 1);
    out->attachments = (unsigned)n;
    return NULL;
}

static const char *read_namespace(struct text *t, struct sio_packet *out)
{
    memcpy(out->nsp, "/", 2);
    if (t->left == 0 || *t->at != '/')
        return NULL;
    const char *comma = memchr(t->at, ',', t->left);
    size_t n = comma == NULL ? t->left : (size_t)(comma - t->at);
    if (n >= SIO_NAMESPACE_SIZE)
        return "names a namespace that is too long";
    if (memchr(t->at, '\0', n) != NULL)
        return "contains a NUL character";
    memcpy(out->nsp, t->at, n);
    out->nsp[n] = '\0';
    skip(t, comma == NULL ? n : n + 1);
    return NULL;
}

static const char *read_id(struct text *t, struct sio_packet *out)
{
    if (!read_number(t, (uint64_t)LIMIT_SEQ_MAX, &out->has_id, &out->id))
        return "has too large an ack id";
    if (is_ack(out->type) && !out->has_id)
        return "acknowledges nothing";
    if (!is_ack(out->type) && !is_event(out->type) && out->has_id)
        return "has an ack id that nothing answers";
    return NULL;
}

/* -- placeholders ----------------------------------------------------------------------------- */

static bool is_placeholder(const json_t *json)
{
    return json_is_true(json_object_get(json, "_placeholder"));
}

/* Marks which attachments JSON names. False: one twice, or one that is not there. The depth is
 * bounded by the parser. */
static bool mark_placeholders(const json_t *json, unsigned attachments, uint32_t *seen)
{
    if (is_placeholder(json)) {
        const json_t *num = json_object_get(json, "num");
        json_int_t n = json_is_integer(num) ? json_integer_value(num) : -1;
        if (json_object_size(json) != 2 || n < 0 || n >= (json_int_t)attachments ||
            (*seen >> n & 1u) != 0)
            return false;
        *seen |= UINT32_C(1) << n;
        return true;
    }
    if (json_is_array(json)) {
        for (size_t i = 0; i < json_array_size(json); i++)
            if (!mark_placeholders(json_array_get(json, i), attachments, seen))
                return false;
        return true;
    }
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)json, key, value)
    {
        if (!mark_placeholders(value, attachments, seen))
            return false;
    }
    return true;
}

static_assert(SIO_ATTACHMENTS_MAX < 32, "they are marked in 32 bits");

static const char *check_placeholders(const struct sio_packet *packet)
{
    uint32_t seen = 0;

    if (packet->attachments == 0)
        return NULL;
    if (!mark_placeholders(packet->data, packet->attachments, &seen) ||
        seen != (UINT32_C(1) << packet->attachments) - 1)
        return "does not name each attachment once";
    return NULL;
}

/* -- data ------------------------------------------------------------------------------------- */

bool sio_event_is_reserved(const char *name)
{
    static const char *const reserved[] = {"connect",       "connect_error", "disconnect",
                                           "disconnecting", "newListener",   "removeListener"};

    for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++)
        if (strcmp(name, reserved[i]) == 0)
            return true;
    return false;
}

static const char *check_event(const json_t *data)
{
    const json_t *name = json_array_get(data, 0); /* NULL unless it is an array with something */

    if (!json_is_string(name))
        return "must have an array that begins with the event's name";
    if (json_string_length(name) == 0 || json_string_length(name) > SIO_EVENT_NAME_MAX)
        return "has an event name that is empty or too long";
    if (sio_event_is_reserved(json_string_value(name)))
        return "has an event name that is reserved";
    return NULL;
}

static const char *check_data(const struct sio_packet *packet)
{
    if (is_event(packet->type))
        return check_event(packet->data);
    if (is_ack(packet->type))
        return json_is_array(packet->data) ? NULL : "must have an array as its data";
    if (packet->type == SIO_CONNECT)
        return packet->data == NULL || json_is_object(packet->data)
                   ? NULL
                   : "must have an object as its data";
    return packet->data == NULL ? NULL : "must have no data";
}

static const char *read_packet(struct text *t, struct sio_packet *out)
{
    const char *reason = NULL;

    if (!is_digit(t) || *t->at > '0' + SIO_BINARY_ACK || *t->at == '0' + SIO_CONNECT_ERROR)
        return "is of no type that a client sends";
    out->type = (enum sio_packet_type)(*t->at - '0');
    skip(t, 1);
    if ((reason = read_attachments(t, out)) != NULL || (reason = read_namespace(t, out)) != NULL ||
        (reason = read_id(t, out)) != NULL)
        return reason;
    if (t->left > 0) {
        out->data = json_parse_bounded(t->at, t->left, &reason);
        if (out->data == NULL)
            return reason;
    }
    reason = check_data(out);
    return reason != NULL ? reason : check_placeholders(out);
}

bool sio_packet_parse(const char *text, size_t len, struct sio_packet *out, const char **reason_out)
{
    struct text t = {.at = text, .left = len};

    *out = (struct sio_packet){.type = SIO_CONNECT};
    const char *reason = read_packet(&t, out);
    if (reason == NULL)
        return true;
    *reason_out = reason;
    sio_packet_free(out);
    return false;
}

void sio_packet_free(struct sio_packet *packet)
{
    json_decref(packet->data);
    packet->data = NULL;
}

void sio_put_head(struct buf *out, enum sio_packet_type type, unsigned attachments, const char *nsp,
                  const uint64_t *id)
{
    buf_putc(out, (char)('0' + type));
    if (attachments > 0)
        buf_printf(out, "%u-", attachments);
    if (strcmp(nsp, "/") != 0) {
        buf_puts(out, nsp);
        buf_putc(out, ',');
    }
    if (id != NULL)
        buf_json_uint(out, *id);
}
