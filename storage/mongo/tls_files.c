#include "storage/mongo/tls_files.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum err complain(const char *option, const char *file, const char *what,
                         char error_out[STORE_ERROR_SIZE])
{
    ERR_clear_error();
    (void)snprintf(error_out, STORE_ERROR_SIZE, "%s, %.200s: %s", option, file, what);
    return ERR_UNAVAILABLE;
}

static enum err check_authority(SSL_CTX *ctx, const char *file, char error_out[STORE_ERROR_SIZE])
{
    if (access(file, R_OK) != 0)
        return complain("tlsCAFile", file, strerror(errno), error_out);
    if (SSL_CTX_load_verify_locations(ctx, file, NULL) != 1)
        return complain("tlsCAFile", file, "there is no certificate in it: it has to be a PEM file",
                        error_out);
    return ERR_OK;
}

struct passphrase {
    const char *text; /* NULL: none */
    bool asked;
};

/* OpenSSL's own would ask the terminal. */
static int give_passphrase(char *out, int size, int writing, void *arg)
{
    struct passphrase *passphrase = arg;

    (void)writing;
    passphrase->asked = true;
    if (passphrase->text == NULL || strlen(passphrase->text) > (size_t)size)
        return -1;
    size_t n = strlen(passphrase->text);
    memcpy(out, passphrase->text, n);
    return (int)n;
}

static enum err check_own(SSL_CTX *ctx, const char *file, const char *text,
                          char error_out[STORE_ERROR_SIZE])
{
    static const char option[] = "tlsCertificateKeyFile";
    struct passphrase passphrase = {.text = text};

    if (access(file, R_OK) != 0)
        return complain(option, file, strerror(errno), error_out);
    if (SSL_CTX_use_certificate_chain_file(ctx, file) != 1)
        return complain(option, file,
                        "there is no certificate in it: it has to be a PEM file with the"
                        " certificate and its key",
                        error_out);
    SSL_CTX_set_default_passwd_cb(ctx, give_passphrase);
    SSL_CTX_set_default_passwd_cb_userdata(ctx, &passphrase);
    bool fine = SSL_CTX_use_PrivateKey_file(ctx, file, SSL_FILETYPE_PEM) == 1;
    if (fine)
        return ERR_OK;
    if (passphrase.asked)
        return complain(option, file,
                        text == NULL ? "its key is encrypted: add tlsCertificateKeyFilePassword"
                                     : "tlsCertificateKeyFilePassword does not open its key",
                        error_out);
    return complain(option, file,
                    "there is no key in it that belongs to its certificate: it has to be a PEM file"
                    " with both",
                    error_out);
}

enum err tls_files_check(const mongoc_uri_t *uri, char error_out[STORE_ERROR_SIZE])
{
    const char *ca = mongoc_uri_get_option_as_utf8(uri, MONGOC_URI_TLSCAFILE, NULL);
    const char *own = mongoc_uri_get_option_as_utf8(uri, MONGOC_URI_TLSCERTIFICATEKEYFILE, NULL);
    const char *passphrase =
        mongoc_uri_get_option_as_utf8(uri, MONGOC_URI_TLSCERTIFICATEKEYFILEPASSWORD, NULL);
    enum err err = ERR_OK;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    if (ctx == NULL) {
        ERR_clear_error();
        (void)snprintf(error_out, STORE_ERROR_SIZE, "OpenSSL cannot be used");
        return ERR_UNAVAILABLE;
    }
    if (ca != NULL)
        err = check_authority(ctx, ca, error_out);
    if (err == ERR_OK && own != NULL)
        err = check_own(ctx, own, passphrase, error_out);
    SSL_CTX_free(ctx);
    return err;
}
