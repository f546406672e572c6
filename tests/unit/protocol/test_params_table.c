/* Every command and every parameter of the table, with everything that can be wrong with it. */
#include "tests/unit/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "protocol/params.h"
#include "tests/unit/protocol/sample.h"

typedef void each_param_fn(const struct command *command, const struct param_spec *spec);

static void for_each_param(each_param_fn *fn)
{
    for (int id = 0; id < CMD_COUNT; id++) {
        const struct command *command = command_get((enum command_id)id);
        for (size_t i = 0; i < command->params_n; i++)
            fn(command, &command->params[i]);
    }
}

static enum err parse(const struct command *command, const json_t *call, struct problem *problem)
{
    struct params params;
    enum err err = params_parse(command, call, &params, problem);

    params_free(&params);
    return err;
}

static void assert_accepted(const struct command *command, json_t *call)
{
    struct problem problem = {0};
    enum err err = parse(command, call, &problem);

    if (err != ERR_OK)
        fail_msg("%s: %s %s", command->name, problem.field, problem.reason);
    json_decref(call);
}

static void assert_refused(const struct command *command, json_t *call, const char *field)
{
    struct problem problem = {0};
    char *text = json_dumps(call, JSON_COMPACT | JSON_ENCODE_ANY);

    if (parse(command, call, &problem) != ERR_INVALID_PARAMS)
        fail_msg("%s accepts %.300s", command->name, text != NULL ? text : "(not UTF-8)");
    if (strncmp(problem.field, field, strlen(field)) != 0)
        fail_msg("%s: %s was wrong, %s was named", command->name, field, problem.field);
    assert_true(strlen(problem.reason) > 5);
    free(text);
    json_decref(call);
}

/* A right call with SPEC's value replaced by VALUE (taken over). */
static json_t *call_with(const struct command *command, const struct param_spec *spec,
                         json_t *value)
{
    json_t *call = sample_call(command, false);

    assert_non_null(value);
    json_object_set_new_nocheck(call, spec->name, value);
    return call;
}

static void accept(const struct command *command, const struct param_spec *spec, json_t *value)
{
    assert_accepted(command, call_with(command, spec, value));
}

static void refuse(const struct command *command, const struct param_spec *spec, json_t *value)
{
    assert_refused(command, call_with(command, spec, value), spec->name);
}

static void every_command_accepts_all_its_parameters_and_only_the_required_ones(void **state)
{
    (void)state;
    for (int id = 0; id < CMD_COUNT; id++) {
        const struct command *command = command_get((enum command_id)id);
        assert_accepted(command, sample_call(command, false));
        assert_accepted(command, sample_call(command, true));
    }
}

static void every_command_names_an_unknown_parameter(void **state)
{
    (void)state;
    for (int id = 0; id < CMD_COUNT; id++) {
        const struct command *command = command_get((enum command_id)id);
        json_t *call = sample_call(command, false);
        json_object_set_new(call, "nonsense", json_null());
        assert_refused(command, call, "nonsense");
    }
}

static void every_command_refuses_parameters_that_are_no_object(void **state)
{
    (void)state;
    for (int id = 0; id < CMD_COUNT; id++) {
        const struct command *command = command_get((enum command_id)id);
        assert_refused(command, json_array(), "params");
        assert_refused(command, json_string("x"), "params");
        assert_refused(command, json_null(), "params");
    }
}

static void omit(const struct command *command, const struct param_spec *spec)
{
    json_t *call = sample_call(command, false);

    json_object_del(call, spec->name);
    if (spec->required)
        assert_refused(command, call, spec->name);
    else
        assert_accepted(command, call);
}

static void a_missing_parameter_is_named_if_it_is_required(void **state)
{
    (void)state;
    for_each_param(omit);
}

static bool is_right_type(const struct param_spec *spec, const json_t *value)
{
    switch (spec->type) {
    case PARAM_SEQ:
    case PARAM_INT:
        return json_is_integer(value);
    case PARAM_BOOL:
        return json_is_boolean(value);
    case PARAM_IDS:
    case PARAM_WORDS:
        return json_is_array(value);
    case PARAM_POSITIONS:
        return json_is_object(value);
    default:
        return json_is_string(value);
    }
}

static void give_other_types(const struct command *command, const struct param_spec *spec)
{
    json_t *values[] = {json_null(),   json_true(),  json_false(),  json_integer(3),
                        json_real(3.), json_array(), json_object(), json_string("3")};

    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        if (is_right_type(spec, values[i]))
            json_decref(values[i]);
        else
            refuse(command, spec, values[i]);
    }
}

static void a_value_of_another_type_is_refused(void **state)
{
    (void)state;
    for_each_param(give_other_types);
}

static void stretch(const struct command *command, const struct param_spec *spec)
{
    if (!sample_is_sized_string(spec))
        return;
    size_t min = (size_t)spec->min;
    size_t max = (size_t)spec->max;
    if (min > 0)
        refuse(command, spec, sample_string(spec, min - 1));
    if (spec->type != PARAM_STREAM)
        accept(command, spec, sample_string(spec, min));
    accept(command, spec, sample_string(spec, max));
    refuse(command, spec, sample_string(spec, max + 1));
    refuse(command, spec, sample_string(spec, 60000));
}

static void a_string_keeps_its_bounds_on_both_sides(void **state)
{
    (void)state;
    for_each_param(stretch);
}

static void count_up(const struct command *command, const struct param_spec *spec)
{
    if (!sample_is_integer(spec))
        return;
    accept(command, spec, json_integer(spec->min));
    accept(command, spec, json_integer(spec->max));
    refuse(command, spec, json_integer(spec->min - 1));
    refuse(command, spec, json_integer(spec->max + 1));
    refuse(command, spec, json_integer(-1));
    refuse(command, spec, json_integer(INT64_MAX));
    refuse(command, spec, json_integer(INT64_MIN));
    refuse(command, spec, json_real((double)spec->min));
    refuse(command, spec, json_string("1"));
    if (spec->min > 0)
        refuse(command, spec, json_integer(0));
}

static void an_integer_keeps_its_bounds_on_both_sides(void **state)
{
    (void)state;
    for_each_param(count_up);
}

static void say_words(const struct command *command, const struct param_spec *spec)
{
    if (spec->type != PARAM_ENUM)
        return;
    for (const char *word = spec->words; *word != '\0';) {
        size_t n = strcspn(word, "|");
        accept(command, spec, json_stringn(word, n));
        refuse(command, spec, json_stringn(word, n - 1));
        json_t *upper = json_stringn(word, n);
        ((char *)json_string_value(upper))[0] ^= 0x20;
        refuse(command, spec, upper);
        word += n + (word[n] == '|');
    }
    refuse(command, spec, json_string(""));
    refuse(command, spec, json_string("|"));
    refuse(command, spec, json_string(spec->words));
    refuse(command, spec, json_string("nonsense"));
}

static void a_word_must_be_one_of_those_in_the_row(void **state)
{
    (void)state;
    for_each_param(say_words);
}

static void corrupt(const struct command *command, const struct param_spec *spec)
{
    static const char *const bad[] = {"a\xff\xff", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                      "\xc0\xaf"};

    if (!sample_is_sized_string(spec) && spec->type != PARAM_ENUM)
        return;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        refuse(command, spec, json_string_nocheck(bad[i]));
    refuse(command, spec, json_stringn_nocheck("/a\0bcdefghij", 12));
    refuse(command, spec, json_stringn_nocheck("\0", 1));
}

static void no_string_may_be_invalid_utf8_or_hold_nul(void **state)
{
    (void)state;
    for_each_param(corrupt);
}

/* Strings of a right length that only free text and passwords may be. */
static void misspell(const struct command *command, const struct param_spec *spec)
{
    static const char *const bad[] = {"/a\nbcdefgh", "/\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f",
                                      "/\x1b[31mabcdefg"};
    bool free_text = spec->type == PARAM_TEXT || spec->type == PARAM_PASSWORD;

    if (!sample_is_sized_string(spec))
        return;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (free_text)
            accept(command, spec, json_string(bad[i]));
        else
            refuse(command, spec, json_string(bad[i]));
}

static void control_characters_are_for_texts_and_passwords_only(void **state)
{
    (void)state;
    for_each_param(misspell);
}

static void list_ids(const struct command *command, const struct param_spec *spec)
{
    if (spec->type != PARAM_IDS)
        return;
    json_t *most = json_array();
    for (int64_t i = 0; i < spec->max; i++)
        json_array_append_new(most, json_string("x"));
    json_t *more = json_deep_copy(most);
    json_array_append_new(more, json_string("x"));
    accept(command, spec, most);
    refuse(command, spec, more);
    refuse(command, spec, json_array());
    refuse(command, spec, json_pack("[s,i]", "x", 1));
    refuse(command, spec, json_pack("[s]", ""));
    refuse(command, spec, json_pack("[s]", "no spaces"));
    refuse(command, spec, json_pack("[s]", "0123456789012345678901234567890123456"));
    refuse(command, spec, json_pack("[[s]]", "x"));
    json_t *nul = json_array();
    json_array_append_new(nul, json_stringn_nocheck("x\0y", 3));
    refuse(command, spec, nul);
}

static void list_words(const struct command *command, const struct param_spec *spec)
{
    if (spec->type != PARAM_WORDS)
        return;
    size_t n = strcspn(spec->words, "|");
    json_t *most = json_array();
    for (int i = 0; i < PARAM_WORDS_MAX; i++)
        json_array_append_new(most, json_stringn(spec->words, n));
    json_t *more = json_deep_copy(most);
    json_array_append_new(more, json_stringn(spec->words, n));
    accept(command, spec, most);
    refuse(command, spec, more);
    refuse(command, spec, json_array());
    refuse(command, spec, json_pack("[s]", ""));
    refuse(command, spec, json_pack("[s]", spec->words));
    refuse(command, spec, json_pack("[i]", 1));
    refuse(command, spec, json_pack("[s]", "nonsense"));
    json_t *nul = json_array();
    json_array_append_new(nul, json_stringn_nocheck("admin\0x", 7));
    refuse(command, spec, nul);
}

static void a_list_of_words_holds_words_of_the_row_and_nothing_else(void **state)
{
    (void)state;
    for_each_param(list_words);
}

static void a_list_holds_so_many_ids_and_nothing_else(void **state)
{
    (void)state;
    for_each_param(list_ids);
}

static void check_row(const struct command *command, const struct param_spec *spec)
{
    if (spec->min > spec->max || (spec->has_default && spec->required) ||
        (spec->has_default && (spec->absent < spec->min || spec->absent > spec->max)))
        fail_msg("%s %s: the bounds contradict each other", command->name, spec->name);
    if ((spec->words != NULL) !=
        (spec->type == PARAM_ENUM || spec->type == PARAM_WORDS || spec->type == PARAM_ID_REF))
        fail_msg("%s %s: words are for enums, lists and references", command->name, spec->name);
    assert_true(strlen(spec->help) > 0);
    for (const struct param_spec *other = command->params; other < spec; other++)
        assert_string_not_equal(other->name, spec->name);
}

static void every_row_is_consistent(void **state)
{
    (void)state;
    for_each_param(check_row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_accepts_all_its_parameters_and_only_the_required_ones),
        cmocka_unit_test(every_command_names_an_unknown_parameter),
        cmocka_unit_test(every_command_refuses_parameters_that_are_no_object),
        cmocka_unit_test(a_missing_parameter_is_named_if_it_is_required),
        cmocka_unit_test(a_value_of_another_type_is_refused),
        cmocka_unit_test(a_string_keeps_its_bounds_on_both_sides),
        cmocka_unit_test(an_integer_keeps_its_bounds_on_both_sides),
        cmocka_unit_test(a_word_must_be_one_of_those_in_the_row),
        cmocka_unit_test(no_string_may_be_invalid_utf8_or_hold_nul),
        cmocka_unit_test(control_characters_are_for_texts_and_passwords_only),
        cmocka_unit_test(a_list_holds_so_many_ids_and_nothing_else),
        cmocka_unit_test(a_list_of_words_holds_words_of_the_row_and_nothing_else),
        cmocka_unit_test(every_row_is_consistent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
