#include "storage/mongo/address.h"

#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/macros.h"
#include "storage/mongo/tls_files.h"

enum { SELECTION_MS = 2000, CONNECT_MS = 2000, SOCKET_MS = 5000 };
enum { CODE_AUTHENTICATION = 18 };

/* -- what it says ------------------------------------------------------------------------------ */

static void set_default(mongoc_uri_t *uri, const char *option, int32_t value)
{
    if (!mongoc_uri_has_option(uri, option))
        (void)mongoc_uri_set_option_as_int32(uri, option, value);
}

/* Every write is acknowledged by a majority and journalled, whatever the address says; the driver
 * repeats nothing: the store looks for itself what became of a write, and a time-out is enough. */
static void harden(mongoc_uri_t *uri)
{
    mongoc_write_concern_t *durable = mongoc_write_concern_new();

    mongoc_write_concern_set_wmajority(durable, -1);
    mongoc_write_concern_set_journal(durable, true);
    mongoc_uri_set_write_concern(uri, durable);
    mongoc_write_concern_destroy(durable);
    (void)mongoc_uri_set_option_as_bool(uri, MONGOC_URI_RETRYWRITES, false);
    (void)mongoc_uri_set_option_as_bool(uri, MONGOC_URI_RETRYREADS, false);
    set_default(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, SELECTION_MS);
    set_default(uri, MONGOC_URI_CONNECTTIMEOUTMS, CONNECT_MS);
    set_default(uri, MONGOC_URI_SOCKETTIMEOUTMS, SOCKET_MS);
    if (mongoc_uri_get_appname(uri) == NULL)
        (void)mongoc_uri_set_appname(uri, "parley");
}

/* The hosts and the database, without user, password and options. */
static void describe(const mongoc_uri_t *uri, struct mg_backend *b)
{
    struct buf text = {0};
    const char *service = mongoc_uri_get_srv_hostname(uri);
    const char *db = mongoc_uri_get_database(uri);
    const char *mechanism = mongoc_uri_get_auth_mechanism(uri);
    int32_t pool_max = mongoc_uri_get_option_as_int32(uri, MONGOC_URI_MAXPOOLSIZE, 0);

    buf_puts(&text, service != NULL ? "mongodb+srv://" : "mongodb://");
    if (service != NULL)
        buf_puts(&text, service);
    for (const mongoc_host_list_t *h = mongoc_uri_get_hosts(uri); h != NULL; h = h->next)
        buf_printf(&text, "%s%s", h->host_and_port, h->next != NULL ? "," : "");
    (void)snprintf(b->db, sizeof(b->db), "%s", db != NULL && db[0] != '\0' ? db : "parley");
    (void)snprintf(b->address, sizeof(b->address), "%.*s/%s", (int)sizeof(b->address) - 80,
                   text.data, b->db);
    buf_free(&text);
    b->signs_in = mongoc_uri_get_username(uri) != NULL || mechanism != NULL;
    b->tls = mongoc_uri_get_tls(uri);
    b->own_cert = mongoc_uri_has_option(uri, MONGOC_URI_TLSCERTIFICATEKEYFILE);
    b->base.conns_max = pool_max > 0 ? (unsigned)pool_max : 0;
}

/* -- what is wrong with it --------------------------------------------------------------------- */

static enum err wrong(const char *what, char error_out[STORE_ERROR_SIZE])
{
    (void)snprintf(error_out, STORE_ERROR_SIZE,
                   "the address of the MongoDB store is not well-formed%s%.200s: use"
                   " \"mongodb://USER:PASSWORD@HOST:PORT/DATABASE\"",
                   what[0] != '\0' ? ": " : "", what);
    return ERR_INVALID_PARAMS;
}

/* Whether there is an "@" that does not end user and password. The driver would take what is behind
 * the first one for a host, and everybody who names that host would tell a part of the password. */
static bool has_stray_at(const char *url)
{
    const char *start = strstr(url, "://");
    const char *at = strchr(url, '@');

    if (start == NULL || at == NULL)
        return at != NULL;
    start += strlen("://");
    return at > start + strcspn(start, "/?") || strchr(at + 1, '@') != NULL;
}

static bool has_secret_options(const char *url)
{
    static const char *const secret[] = {"tlsCertificateKeyFilePassword",
                                         "sslClientCertificateKeyPassword",
                                         "authMechanismProperties"};
    const char *options = strchr(url, '?');

    for (size_t i = 0; options != NULL && i < ARRAY_LEN(secret); i++)
        if (strcasestr(options, secret[i]) != NULL)
            return true;
    return false;
}

/* The driver's complaint may quote what it complains of. It is made again without user and
 * password, and not at all of options that may hold a secret. */
static enum err complain(const char *url, char error_out[STORE_ERROR_SIZE])
{
    const char *at = strchr(url, '@');
    bson_error_t error;
    struct buf bare = {0};

    if (at != NULL) {
        buf_printf(&bare, "%.*s://%s", (int)strcspn(url, ":"), url, at + 1);
        mongoc_uri_t *uri = mongoc_uri_new_with_error(bare.data, &error);
        buf_free(&bare);
        if (uri != NULL) {
            mongoc_uri_destroy(uri);
            return wrong("there is no user, or user or password is not percent-encoded"
                         " (\":\" as %3A, \"%\" as %25)",
                         error_out);
        }
    } else {
        mongoc_uri_destroy(mongoc_uri_new_with_error(url, &error));
    }
    return wrong(has_secret_options(url) ? "" : error.message, error_out);
}

/* -- opening it -------------------------------------------------------------------------------- */

/* Without TLS the driver would crash over it. */
static enum err check_mechanism(const mongoc_uri_t *uri, const struct mg_backend *b,
                                char error_out[STORE_ERROR_SIZE])
{
    const char *mechanism = mongoc_uri_get_auth_mechanism(uri);

    if (mechanism == NULL || strcasecmp(mechanism, "MONGODB-X509") != 0 || (b->tls && b->own_cert))
        return ERR_OK;
    return wrong("MONGODB-X509 signs in with the certificate in tlsCertificateKeyFile, over TLS",
                 error_out);
}

static enum err make_pool(const mongoc_uri_t *uri, struct mg_backend *b,
                          char error_out[STORE_ERROR_SIZE])
{
    bson_error_t error;

    b->pool = mongoc_client_pool_new_with_error(uri, &error);
    if (b->pool != NULL) {
        (void)mongoc_client_pool_set_error_api(b->pool, MONGOC_ERROR_API_VERSION_2);
        return ERR_OK;
    }
    (void)snprintf(error_out, STORE_ERROR_SIZE, "%s: %.250s: %s", b->address, error.message,
                   mongoc_uri_get_srv_hostname(uri) != NULL
                       ? "see what the DNS has as SRV and TXT records of this name"
                       : "check the options in the address");
    return ERR_UNAVAILABLE;
}

enum err mg_address_open(const char *url, struct mg_backend *b, char error_out[STORE_ERROR_SIZE])
{
    if (has_stray_at(url))
        return wrong("\"@\" only ends user and password; anywhere else it is written \"%40\", "
                     "\"/\" in a password"
                     " \"%2F\" and \"?\" \"%3F\"",
                     error_out);
    bson_error_t error;
    mongoc_uri_t *uri = mongoc_uri_new_with_error(url, &error);
    if (uri == NULL)
        return complain(url, error_out);
    harden(uri);
    describe(uri, b);
    enum err err = check_mechanism(uri, b, error_out);
    if (err == ERR_OK && b->tls)
        err = tls_files_check(uri, error_out);
    if (err == ERR_OK)
        err = make_pool(uri, b, error_out);
    mongoc_uri_destroy(uri);
    return err;
}

/* -- where it leads ---------------------------------------------------------------------------- */

/* The driver has no codes for what OpenSSL says of a certificate, but puts OpenSSL's own number
 * into its text, and no code for a host that cannot be found or does not listen. */
static const char *why_unreachable(const struct mg_backend *b, const char *message)
{
    static const char verify[] = "certificate verify failed (";
    const char *number = strstr(message, verify);

    if (number != NULL) {
        switch (atoi(number + sizeof(verify) - 1)) {
        case X509_V_ERR_HOSTNAME_MISMATCH:
        case X509_V_ERR_IP_ADDRESS_MISMATCH:
            return "the server's certificate is for another name: use the one that is in it";
        case X509_V_ERR_CERT_HAS_EXPIRED:
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return "the server needs a certificate that is valid today; see also this machine's "
                   "clock";
        default:
            return "the server's certificate is not trusted: name the one of its authority as"
                   " tlsCAFile in the address";
        }
    }
    if (strstr(message, "Failed to resolve") != NULL ||
        strstr(message, "Failed to connect") != NULL)
        return "see that it runs and that this machine may connect to it";
    if (!b->tls)
        return "see that it runs and that this machine may connect to it, and whether it wants TLS"
               " (tls=true)";
    return b->own_cert
               ? "see that it runs, that it talks TLS, and that it accepts the certificate in"
                 " tlsCertificateKeyFile"
               : "see that it runs, that it talks TLS, and whether it wants a certificate"
                 " (tlsCertificateKeyFile)";
}

enum err mg_explain(const struct mg_backend *b, const bson_error_t *error,
                    char error_out[STORE_ERROR_SIZE])
{
    const char *remedy = "see that it may be written";
    enum err err = ERR_UNAVAILABLE;

    if (error->code == CODE_AUTHENTICATION ||
        (error->domain == MONGOC_ERROR_CLIENT && error->code == MONGOC_ERROR_CLIENT_AUTHENTICATE))
        remedy = "check user, password, authSource and authMechanism in the address";
    else if (error->code == MG_UNAUTHORIZED)
        remedy = b->signs_in ? "give its user the role readWrite on this database"
                             : "put a user and a password into the address";
    else if (error->code == MONGOC_ERROR_PROTOCOL_BAD_WIRE_VERSION &&
             error->domain == MONGOC_ERROR_PROTOCOL)
        remedy = "use MongoDB 6 or newer";
    else if (error->domain == MONGOC_ERROR_SERVER_SELECTION || error->domain == MONGOC_ERROR_STREAM)
        remedy = why_unreachable(b, error->message);
    else
        err = ERR_CONFLICT;
    (void)snprintf(error_out, STORE_ERROR_SIZE, "%s: %.220s: %s", b->address, error->message,
                   remedy);
    return err;
}
