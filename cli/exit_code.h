/* exit_code.h - how parleyctl ends, for scripts. The manual's table is made from these rows. */
#ifndef CLI_EXIT_CODE_H
#define CLI_EXIT_CODE_H

/*    name             status  meaning */
#define EXIT_CODE_MAP(X)                                                                           \
    X(OK, 0, "It is done.")                                                                        \
    X(REFUSED, 1, "The server refused: a wrong value, a conflict, a job that failed.")             \
    X(USAGE, 2, "The command line or a file named on it is wrong; nothing was sent.")              \
    X(UNREACHABLE, 3, "No connection, or it was lost before the answer.")                          \
    X(UNAUTHENTICATED, 4, "The server wants a token, or the token is wrong or has expired.")       \
    X(FORBIDDEN, 5, "The account of the token may not do this.")                                   \
    X(NOT_FOUND, 6, "There is no such user, channel, session, invite or position.")                \
    X(TRY_LATER, 7, "The server is busy, draining or cannot write now; the same may work later.")  \
    X(BAD_ANSWER, 8, "The answer was not understood: is it a parleyd, and of this version?")       \
    X(LOCAL, 9, "Something failed on this side: a file, the terminal, a locked data directory.")

enum exit_code {
#define X(name, status, meaning) EXIT_CODE_##name = (status),
    EXIT_CODE_MAP(X)
#undef X
};

#endif
