#include "tests/unit/testing.h"

#include <bson/bson.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/macros.h"
#include "server/bus/envelope.h"

static const char json[] = "{\"jsonrpc\":\"2.0\",\"method\":\"message.created\"}";

static struct envelope sample(void)
{
    return (struct envelope){
        .node = "01m891bf71e8gt8kb3fafjsgq5",
        .stream = "c:general",
        .epoch = "0123456789abcdef",
        .seq = 9007199254740991,
        .json = json,
        .json_len = sizeof(json) - 1,
        .type = STORE_EVENT_MEMBER_JOINED,
        .subject = "ann",
        .subject_seq = 7,
    };
}

static struct buf bytes_of(const struct envelope *e)
{
    struct buf bytes = {0};

    envelope_put(&bytes, e);
    return bytes;
}

static enum envelope_fault fault_of(const struct envelope *e)
{
    struct envelope out;
    struct buf bytes = bytes_of(e);
    enum envelope_fault fault = envelope_read(bytes.data, bytes.len, &out);

    buf_free(&bytes);
    return fault;
}

static void what_is_put_is_read_again(void **state)
{
    struct envelope e = sample();
    struct buf bytes = bytes_of(&e);
    struct envelope out;

    (void)state;
    assert_int_equal(envelope_read(bytes.data, bytes.len, &out), ENVELOPE_OK);
    assert_string_equal(out.node, e.node);
    assert_string_equal(out.stream, e.stream);
    assert_string_equal(out.epoch, e.epoch);
    assert_true(out.seq == e.seq);
    assert_int_equal(out.flags, 0);
    assert_int_equal(out.json_len, e.json_len);
    assert_string_equal(out.json, json);
    assert_int_equal(out.type, STORE_EVENT_MEMBER_JOINED);
    assert_string_equal(out.subject, "ann");
    assert_int_equal(out.subject_seq, 7);
    assert_string_equal(out.except, "");
    buf_free(&bytes);
}

static void an_ephemeral_one_has_no_place_in_the_stream(void **state)
{
    struct envelope e = {.node = "n",
                         .stream = "u:ann",
                         .flags = ENVELOPE_EPHEMERAL,
                         .json = json,
                         .json_len = sizeof(json) - 1,
                         .except = "bob"};

    (void)state;
    assert_int_equal(fault_of(&e), ENVELOPE_OK);
    e.seq = 1;
    assert_int_equal(fault_of(&e), ENVELOPE_MALFORMED);
    e = sample();
    e.seq = 0;
    assert_int_equal(fault_of(&e), ENVELOPE_MALFORMED);
}

static void what_is_out_of_range_is_malformed(void **state)
{
    static const char *const streams[] = {"",
                                          "general",
                                          "x:general",
                                          "c:",
                                          "c:a b",
                                          "c:a\n",
                                          "c:0123456789012345678901234567890123456"};
    static const char *const texts[] = {"", "{", "[]", "\"x\"", "{\"a\":\"\xff\"}"};
    struct envelope e;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
        e = sample();
        e.stream = streams[i];
        assert_int_equal(fault_of(&e), ENVELOPE_MALFORMED);
    }
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        e = sample();
        e.json = texts[i];
        e.json_len = strlen(texts[i]);
        assert_int_equal(fault_of(&e), ENVELOPE_MALFORMED);
    }
    e = sample();
    e.type = STORE_EVENT_TYPES;
    assert_int_equal(fault_of(&e), ENVELOPE_MALFORMED);
    e = sample();
    e.epoch = "0123456789abcdefg";
    assert_int_equal(fault_of(&e), ENVELOPE_MALFORMED);
    e = sample();
    e.node = "no id";
    assert_int_equal(fault_of(&e), ENVELOPE_MALFORMED);
    e = sample();
    e.seq = UINT64_MAX;
    assert_int_equal(fault_of(&e), ENVELOPE_MALFORMED);
}

static void a_text_with_a_nul_inside_is_malformed(void **state)
{
    struct envelope e = sample();
    struct buf bytes = bytes_of(&e);
    struct envelope out;
    char *at = memmem(bytes.data, bytes.len, "general", 7);

    (void)state;
    assert_non_null(at);
    at[3] = '\0';
    assert_int_equal(envelope_read(bytes.data, bytes.len, &out), ENVELOPE_MALFORMED);
    buf_free(&bytes);
}

static void a_document_that_is_cut_or_longer_is_malformed(void **state)
{
    struct envelope e = sample();
    struct buf bytes = bytes_of(&e);
    struct envelope out;

    (void)state;
    for (size_t n = 0; n < bytes.len; n++) {
        char *copy = malloc(n + 1); /* so that a sanitizer sees a read past the end */
        memcpy(copy, bytes.data, n);
        char *exact = realloc(copy, n == 0 ? 1 : n);
        assert_int_equal(envelope_read(exact, n, &out), ENVELOPE_MALFORMED);
        free(exact);
    }
    buf_putc(&bytes, '\0');
    assert_int_equal(envelope_read(bytes.data, bytes.len, &out), ENVELOPE_MALFORMED);
    buf_free(&bytes);
}

static void another_version_is_told_from_nonsense(void **state)
{
    bson_t doc;
    struct envelope out;
    struct control control;

    (void)state;
    bson_init(&doc);
    bson_append_int32(&doc, "v", -1, 2);
    bson_append_double(&doc, "stream", -1, 1.5);
    assert_int_equal(envelope_read(bson_get_data(&doc), doc.len, &out), ENVELOPE_OTHER_VERSION);
    assert_int_equal(control_read(bson_get_data(&doc), doc.len, &control), ENVELOPE_OTHER_VERSION);
    bson_destroy(&doc);
    bson_init(&doc);
    bson_append_utf8(&doc, "v", -1, "1", 1);
    assert_int_equal(envelope_read(bson_get_data(&doc), doc.len, &out), ENVELOPE_MALFORMED);
    bson_destroy(&doc);
}

static void what_is_not_known_is_skipped(void **state)
{
    struct envelope e = sample();
    struct buf bytes = bytes_of(&e);
    struct envelope out;
    bson_t doc;

    (void)state;
    assert_true(bson_init_static(&doc, (const uint8_t *)bytes.data, bytes.len));
    bson_t *more = bson_copy(&doc);
    bson_append_utf8(more, "later", -1, "version", 7);
    assert_int_equal(envelope_read(bson_get_data(more), more->len, &out), ENVELOPE_OK);
    bson_destroy(more);
    buf_free(&bytes);
}

static void what_is_too_large_is_not_looked_at(void **state)
{
    struct envelope e = sample();
    size_t n = ENVELOPE_BYTES_MAX;
    char *large = malloc(n);

    (void)state;
    memset(large, ' ', n);
    large[0] = '{';
    large[n - 1] = '}';
    e.json = large;
    e.json_len = n;
    assert_int_equal(fault_of(&e), ENVELOPE_OVERSIZE);
    free(large);
}

static struct control control_sample(void)
{
    return (struct control){.kind = CONTROL_REVOKE, .node = "n"};
}

static enum envelope_fault control_fault(const struct control *c, struct control *out)
{
    static struct buf bytes;

    buf_clear(&bytes);
    control_put(&bytes, c);
    return control_read(bytes.data, bytes.len, out);
}

static void control_messages_come_back(void **state)
{
    struct control *c = calloc(1, sizeof(*c));
    struct control *out = calloc(1, sizeof(*out));

    (void)state;
    *c = control_sample();
    c->user = "ann";
    c->except = "s1";
    assert_int_equal(control_fault(c, out), ENVELOPE_OK);
    assert_int_equal(out->kind, CONTROL_REVOKE);
    assert_string_equal(out->user, "ann");
    assert_string_equal(out->session, "");
    assert_string_equal(out->except, "s1");
    *c = control_sample();
    c->kind = CONTROL_PRESENCE;
    c->seq = 12;
    c->states = "o-";
    c->list[0] = "ann";
    c->list[1] = "bob";
    c->list_n = 2;
    assert_int_equal(control_fault(c, out), ENVELOPE_OK);
    assert_int_equal(out->seq, 12);
    assert_int_equal(out->list_n, 2);
    assert_string_equal(out->list[1], "bob");
    assert_string_equal(out->states, "o-");
    free(c);
    free(out);
}

static void control_messages_are_checked(void **state)
{
    struct control *c = calloc(1, sizeof(*c));
    struct control *out = calloc(1, sizeof(*out));

    (void)state;
    *c = control_sample();
    c->kind = CONTROL_PRESENCE;
    c->states = "o";
    assert_int_equal(control_fault(c, out), ENVELOPE_MALFORMED); /* a letter too many */
    c->list[0] = "no id";
    c->list_n = 1;
    assert_int_equal(control_fault(c, out), ENVELOPE_MALFORMED);
    *c = control_sample();
    c->kind = CONTROL_ROLE;
    assert_int_equal(control_fault(c, out), ENVELOPE_MALFORMED); /* whose? */
    c->user = "ann";
    c->role = (enum store_role)99;
    assert_int_equal(control_fault(c, out), ENVELOPE_MALFORMED);
    *c = control_sample();
    c->kind = CONTROL_EPHEMERAL;
    c->list[0] = "nonsense";
    c->list_n = 1;
    c->json = json;
    c->json_len = sizeof(json) - 1;
    assert_int_equal(control_fault(c, out), ENVELOPE_MALFORMED);
    *c = control_sample();
    c->node = "";
    assert_int_equal(control_fault(c, out), ENVELOPE_MALFORMED);
    free(c);
    free(out);
}

static void a_node_describes_itself(void **state)
{
    struct buf bytes = {0};
    struct node_info out;

    (void)state;
    node_info_put(&bytes, &(struct node_info){.id = "n1",
                                              .name = "chat-1",
                                              .version = "0.1.0",
                                              .started_ms = 1,
                                              .uptime_ms = 2,
                                              .beat = 3,
                                              .connections = 4,
                                              .lag_ns = 5,
                                              .draining = true});
    assert_int_equal(node_info_read(bytes.data, bytes.len, &out), ENVELOPE_OK);
    assert_string_equal(out.id, "n1");
    assert_string_equal(out.name, "chat-1");
    assert_string_equal(out.version, "0.1.0");
    assert_int_equal(out.started_ms, 1);
    assert_int_equal(out.uptime_ms, 2);
    assert_int_equal(out.beat, 3);
    assert_int_equal(out.connections, 4);
    assert_int_equal(out.lag_ns, 5);
    assert_true(out.draining);
    buf_clear(&bytes);
    node_info_put(&bytes, &(struct node_info){.id = "n1"});
    assert_int_equal(node_info_read(bytes.data, bytes.len, &out), ENVELOPE_MALFORMED);
    buf_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_put_is_read_again),
        cmocka_unit_test(an_ephemeral_one_has_no_place_in_the_stream),
        cmocka_unit_test(what_is_out_of_range_is_malformed),
        cmocka_unit_test(a_text_with_a_nul_inside_is_malformed),
        cmocka_unit_test(a_document_that_is_cut_or_longer_is_malformed),
        cmocka_unit_test(another_version_is_told_from_nonsense),
        cmocka_unit_test(what_is_not_known_is_skipped),
        cmocka_unit_test(what_is_too_large_is_not_looked_at),
        cmocka_unit_test(control_messages_come_back),
        cmocka_unit_test(control_messages_are_checked),
        cmocka_unit_test(a_node_describes_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
