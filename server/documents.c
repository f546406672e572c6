#include "server/documents.h"

#include "base/buf.h"
#include "base/macros.h"
#include "protocol/describe.h"
#include "server/static_files.h"

static const struct {
    const char *path;
    const char *type;
    void (*write_text)(struct buf *out);
} documents[] = {
    {"/api/v1/openapi.json", "application/json", describe_openapi},
    {"/api/v1/asyncapi.json", "application/json", describe_asyncapi},
    {"/docs", "text/html; charset=utf-8", describe_reference_html},
    {"/docs.css", "text/css; charset=utf-8", describe_reference_css},
};

void documents_add(struct static_files *files)
{
    for (size_t i = 0; i < ARRAY_LEN(documents); i++) {
        struct buf text = {0};
        documents[i].write_text(&text);
        static_files_add(files, documents[i].path, documents[i].type, text.data, text.len);
        buf_free(&text);
    }
}
