/* sample.h - values that fit a parameter's row, and values that do not, made from the row. */
#ifndef TESTS_UNIT_PROTOCOL_SAMPLE_H
#define TESTS_UNIT_PROTOCOL_SAMPLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "protocol/command.h"

/* Whether SPEC's value is a string whose length its bounds count. */
bool sample_is_sized_string(const struct param_spec *spec);
/* Whether SPEC's value is an integer. */
bool sample_is_integer(const struct param_spec *spec);
/* A string of SIZE (in what the bounds count) that is right in everything else. New reference. */
json_t *sample_string(const struct param_spec *spec, size_t size);
/* A right value of SPEC. New reference. */
json_t *sample_value(const struct param_spec *spec);
/* A right call: all parameters, or the required ones. New reference. */
json_t *sample_call(const struct command *command, bool only_required);
/* {"c:0": {"epoch": "e", "seq": 0}, ...} with N streams. New reference. */
json_t *sample_positions(size_t n);

#endif
