/* limits.h - the bounds that clients are told. */
#ifndef SERVER_HANDLERS_LIMITS_H
#define SERVER_HANDLERS_LIMITS_H

struct buf;
struct config;

/* Appends the member "limits". */
void put_limits(struct buf *out, const struct config *config);

#endif
