/* server.c - server.info */
#include <stdatomic.h>

#include "protocol/limits.h"
#include "server/account.h"
#include "server/handlers/limits.h"
#include "server/node.h"
#include "server/request.h"
#include "server/version.h"

void put_limits(struct buf *out, const struct config *config)
{
    buf_json_key(out, "limits");
    buf_putc(out, '{');
    buf_json_member_int(out, "text_bytes", LIMIT_TEXT_BYTES);
    buf_json_member_int(out, "frame_bytes", config->frame_bytes);
    buf_json_member_int(out, "queue_bytes", config->queue_bytes);
    buf_json_member_int(out, "resume_events", config->resume_events);
    buf_putc(out, '}');
}

static enum err put_info(struct request *req)
{
    static const char *const registrations[] = {"open", "invite", "closed"};
    const struct node *node = req->node;
    const char *setup = atomic_load(&node->has_accounts) ? "none"
                        : node->setup_code[0] != '\0'    ? "code"
                                                         : "open";

    buf_json_member(&req->result, "name", "parley");
    buf_json_member(&req->result, "version", PARLEY_VERSION);
    buf_json_member(&req->result, "node", node->id);
    buf_json_member(&req->result, "registration", registrations[node->config.registration]);
    buf_json_member(&req->result, "setup", setup);
    put_limits(&req->result, &node->config);
    return ERR_OK;
}

enum err handle_server_info(struct request *req)
{
    return account_look_for_any(req, put_info);
}
