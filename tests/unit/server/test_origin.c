#include "tests/unit/testing.h"

#include <string.h>

#include "server/origin.h"

static bool allowed(const char *origin, const char *host, bool tls)
{
    static char first[] = "https://chat.example.org";
    static char second[] = "http://[::1]:3000";
    char *const list[] = {first, second};

    return origin_is_allowed(origin, host, tls, list, 2);
}

static void a_page_of_the_host_itself_is_allowed(void **state)
{
    (void)state;
    assert_true(allowed("http://127.0.0.1:8080", "127.0.0.1:8080", false));
    assert_true(allowed("http://Example.com", "example.COM", false));
    assert_true(allowed("http://example.com", "example.com:80", false));
    assert_true(allowed("https://example.com:443", "example.com", true));
    assert_true(allowed("http://[::1]:80", "[::1]", false));
}

static void behind_a_proxy_that_ends_tls_https_is_allowed(void **state)
{
    (void)state;
    assert_true(allowed("https://example.com", "example.com", false));
    assert_false(allowed("http://example.com", "example.com", true));
}

static void another_host_port_or_scheme_is_not_allowed(void **state)
{
    (void)state;
    assert_false(allowed("http://evil.example", "example.com", false));
    assert_false(allowed("http://example.com:81", "example.com", false));
    assert_false(allowed("http://example.com.evil.example", "example.com", false));
    assert_false(allowed("http://example.com", "example.com:8080", false));
    assert_false(allowed("ws://example.com", "example.com", false));
    assert_false(allowed("null", "example.com", false));
    assert_false(allowed("", "example.com", false));
    assert_false(allowed("http://", "", false));
    assert_false(allowed("http://example.com/", "example.com", false));
    assert_false(allowed("http://user@example.com", "example.com", false));
    assert_false(allowed("http://example.com\t", "example.com", false));
}

static void no_origin_is_not_allowed(void **state)
{
    (void)state;
    assert_false(allowed(NULL, "example.com", false));
    assert_false(allowed("http://example.com", NULL, false));
}

static void listed_origins_are_allowed_with_their_scheme_and_port(void **state)
{
    (void)state;
    assert_true(allowed("https://chat.example.org", "10.0.0.1:8080", false));
    assert_true(allowed("https://CHAT.example.org:443", NULL, true));
    assert_true(allowed("http://[::1]:3000", "example.com", false));
    assert_false(allowed("http://chat.example.org", "10.0.0.1:8080", false));
    assert_false(allowed("https://chat.example.org:8443", "10.0.0.1:8080", false));
}

static void only_whole_origins_are_valid(void **state)
{
    (void)state;
    static const char *const bad[] = {"chat.example.org",      "https://",        "https://a:0",
                                      "https://a:65536",       "https://a:",      "https://a/",
                                      "https://a:1:2",         "https://[::1",    "https://[]",
                                      "https://[::1]x",        "https://a b",     "*",
                                      "https://*.example.org", "https://a:123456"};

    assert_true(origin_is_valid("https://chat.example.org"));
    assert_true(origin_is_valid("HTTP://localhost:65535"));
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (origin_is_valid(bad[i]))
            fail_msg("taken: %s", bad[i]);
}

static const char *cookie(const char *header)
{
    static char value[16];

    return cookie_find(header, "sid", value, sizeof(value)) ? value : NULL;
}

static void a_cookie_is_found_by_its_whole_name(void **state)
{
    (void)state;
    assert_string_equal(cookie("sid=abc"), "abc");
    assert_string_equal(cookie("a=1; sid=abc; b=2"), "abc");
    assert_string_equal(cookie("a=1;sid=abc ;b=2"), "abc");
    assert_string_equal(cookie("sid=\"abc\""), "abc");
    assert_string_equal(cookie("sid="), "");
    assert_string_equal(cookie("sid=a=b"), "a=b");
    assert_string_equal(cookie("sid=one; sid=two"), "one");
    assert_null(cookie("xsid=abc"));
    assert_null(cookie("sidx=abc"));
    assert_null(cookie("SID=abc"));
    assert_null(cookie("sid"));
    assert_null(cookie("x=sid=abc"));
    assert_null(cookie(""));
    assert_null(cookie(";;; ;"));
    assert_null(cookie(NULL));
}

static void a_cookie_that_does_not_fit_is_not_found(void **state)
{
    (void)state;
    assert_string_equal(cookie("sid=123456789012345"), "123456789012345");
    assert_null(cookie("sid=1234567890123456"));
}

static const char *bearer(const char *header)
{
    static char token[16];

    return bearer_find(header, token, sizeof(token)) ? token : NULL;
}

static void a_bearer_token_is_found_whatever_the_case_of_its_scheme(void **state)
{
    (void)state;
    assert_string_equal(bearer("Bearer abc-._~+/1"), "abc-._~+/1");
    assert_string_equal(bearer("bearer  abc== "), "abc==");
    assert_null(bearer("Basic abc"));
    assert_null(bearer("Bearerabc"));
    assert_null(bearer("Bearer"));
    assert_null(bearer("Bearer "));
    assert_null(bearer("Bearer a b"));
    assert_null(bearer("Bearer a,b"));
    assert_null(bearer("Bearer 1234567890123456"));
    assert_null(bearer(NULL));
}

static const char *client(const char *peer, const char *forwarded)
{
    static char address[ADDRESS_TEXT_SIZE];
    struct net_block trusted[2];

    assert_true(net_block_parse("10.0.0.0/8", &trusted[0]));
    assert_true(net_block_parse("::1", &trusted[1]));
    client_address(peer, forwarded, trusted, 2, address);
    return address;
}

static void only_a_trusted_proxy_is_believed_about_the_client(void **state)
{
    (void)state;
    assert_string_equal(client("10.0.0.1", "192.0.2.1"), "192.0.2.1");
    assert_string_equal(client("::1", "2001:db8::5"), "2001:db8::5");
    assert_string_equal(client("192.0.2.9", "192.0.2.1"), "192.0.2.9");
    assert_string_equal(client("10.0.0.1", NULL), "10.0.0.1");
    assert_string_equal(client("10.0.0.1", ""), "10.0.0.1");
}

static void of_several_the_last_that_is_no_proxy_is_the_client(void **state)
{
    (void)state;
    assert_string_equal(client("10.0.0.1", "203.0.113.1, 192.0.2.1"), "192.0.2.1");
    assert_string_equal(client("10.0.0.1", "203.0.113.1, 192.0.2.1 , 10.3.3.3"), "192.0.2.1");
    assert_string_equal(client("10.0.0.1", "10.9.9.9,10.3.3.3"), "10.9.9.9");
}

static void what_is_no_address_ends_the_search(void **state)
{
    (void)state;
    assert_string_equal(client("10.0.0.1", "192.0.2.1, unknown"), "10.0.0.1");
    assert_string_equal(client("10.0.0.1", "192.0.2.1, <script>, 10.3.3.3"), "10.3.3.3");
    assert_string_equal(client("10.0.0.1", ",,, ,"), "10.0.0.1");
    assert_string_equal(
        client("10.0.0.1",
               "11111111111111111111111111111111111111111111111111111111111111111111111111"),
        "10.0.0.1");
}

static bool secure(const char *peer, const char *proto)
{
    struct net_block trusted;

    assert_true(net_block_parse("10.0.0.0/8", &trusted));
    return client_is_secure(peer, proto, &trusted, 1);
}

static void only_a_trusted_proxy_is_believed_about_tls(void **state)
{
    (void)state;
    assert_true(secure("10.0.0.1", "https"));
    assert_true(secure("10.0.0.1", " HTTPS "));
    assert_true(secure("10.0.0.1", "https, http"));
    assert_false(secure("10.0.0.1", "http, https"));
    assert_false(secure("10.0.0.1", "http"));
    assert_false(secure("10.0.0.1", "httpsx"));
    assert_false(secure("10.0.0.1", ""));
    assert_false(secure("10.0.0.1", NULL));
    assert_false(secure("192.0.2.9", "https"));
    assert_false(secure("local", "https"));
}

/* What these clients send when they begin a session. */
static void a_socketio_client_in_javascript_is_known_by_its_handshake(void **state)
{
    static const char deflate[] = "permessage-deflate; client_max_window_bits";
    static const char chromium[] = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, "
                                   "like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36";
    static const struct {
        const char *client, *agent, *origin, *extensions;
        bool javascript;
    } rows[] = {
        {"Chromium, polling", chromium, "", NULL, true},
        {"Chromium, polling from elsewhere", chromium, "http://a.example", NULL, true},
        {"Chromium, WebSocket", chromium, "http://a.example", deflate, true},
        {"Node.js, polling", "node-XMLHttpRequest", "", NULL, true},
        {"Node.js, polling with fetch", "node", "", NULL, true},
        {"Node.js, WebSocket", "", "", deflate, true},
        {"Node.js, WebSocket, without headers", NULL, NULL, deflate, true},
        {"python-socketio, polling", "python-requests/2.28.1", "", NULL, false},
        {"python-socketio, WebSocket", "", "http://a.example", "", false},
        {"python-socketio, asyncio", "Python/3.11 aiohttp/3.8.4", "", NULL, false},
        {"python-socketio, asyncio, WebSocket", "Python/3.11 aiohttp/3.8.4", "", "", false},
        {"Java, polling", "okhttp/3.12.12", "", NULL, false},
        {"Java, WebSocket", "okhttp/3.12.12", "", "", false},
        {"Rust, polling", "", "", NULL, false},
        {"Rust, WebSocket", "", "", "", false},
        {"nothing, polling, an extension", "", "", NULL, false},
        {"an origin alone", "", "http://a.example", deflate, false},
        {"another extension", "", "", "permessage-deflate", false},
        {"one more extension", "", "", "permessage-deflate; client_max_window_bits, x", false},
        {"almost a browser", "Mozilla", "", deflate, false},
        {"called like one in a comment", "curl/8.0 (Mozilla/5.0)", "", deflate, false},
        {"almost Node.js", "node/1", "", deflate, false},
        {"almost Node.js, polling", "node-XMLHttpRequest/1", "", NULL, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        if (agent_is_javascript(rows[i].agent, rows[i].origin, rows[i].extensions) !=
            rows[i].javascript)
            fail_msg("%s", rows[i].client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_of_the_host_itself_is_allowed),
        cmocka_unit_test(behind_a_proxy_that_ends_tls_https_is_allowed),
        cmocka_unit_test(another_host_port_or_scheme_is_not_allowed),
        cmocka_unit_test(no_origin_is_not_allowed),
        cmocka_unit_test(listed_origins_are_allowed_with_their_scheme_and_port),
        cmocka_unit_test(only_whole_origins_are_valid),
        cmocka_unit_test(a_cookie_is_found_by_its_whole_name),
        cmocka_unit_test(a_cookie_that_does_not_fit_is_not_found),
        cmocka_unit_test(a_bearer_token_is_found_whatever_the_case_of_its_scheme),
        cmocka_unit_test(only_a_trusted_proxy_is_believed_about_the_client),
        cmocka_unit_test(of_several_the_last_that_is_no_proxy_is_the_client),
        cmocka_unit_test(what_is_no_address_ends_the_search),
        cmocka_unit_test(only_a_trusted_proxy_is_believed_about_tls),
        cmocka_unit_test(a_socketio_client_in_javascript_is_known_by_its_handshake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
