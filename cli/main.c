/* main.c - parleyctl, the admin tool. Everything is in run.c, where tests can link it. */
#include "cli/run.h"

int main(int argc, char **argv)
{
    return cli_run(argc, argv);
}
