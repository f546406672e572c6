/* The same bed as the unit tests'. */
#include "tests/unit/storage/bed.c"
