/* documents.h - what the server tells of itself, beside the web client's files.
 *
 * Threading: before threads start.
 */
#ifndef SERVER_DOCUMENTS_H
#define SERVER_DOCUMENTS_H

struct static_files;

/* Adds /api/v1/openapi.json and asyncapi.json, and the reference for people at /docs. */
void documents_add(struct static_files *files);

#endif
