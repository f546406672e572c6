#include "tests/unit/testing.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "server/outbound_target.h"

static struct sockaddr_storage addr_of(const char *text)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;

    if (strchr(text, ':') == NULL) {
        v4->sin_family = AF_INET;
        assert_int_equal(inet_pton(AF_INET, text, &v4->sin_addr), 1);
    } else {
        v6->sin6_family = AF_INET6;
        assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
    }
    return storage;
}

static bool is_public(const char *text)
{
    struct sockaddr_storage addr = addr_of(text);

    return outbound_address_is_public((const struct sockaddr *)&addr);
}

static void check_all(const char *const *texts, size_t n, bool expected)
{
    for (size_t i = 0; i < n; i++)
        if (is_public(texts[i]) != expected)
            fail_msg("%s is taken to be %spublic", texts[i], expected ? "not " : "");
}

static void addresses_of_the_internet_are_public(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.0.3.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2001:200::1",
        "2001:4860:4860::8888",
        "2606:4700:4700::1111",
        "2a00:1450:4001::1",
        "3ffe::1",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
    };
    check_all(texts, ARRAY_LEN(texts), true);
}

static void special_ipv4_addresses_are_not_public(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0.0.0.0",         "0.255.255.255",   "10.0.0.0",        "10.255.255.255",
        "100.64.0.0",      "100.127.255.255", "127.0.0.1",       "127.255.255.255",
        "169.254.0.1",     "169.254.169.254", "172.16.0.0",      "172.31.255.255",
        "192.0.0.1",       "192.0.2.1",       "192.88.99.1",     "192.168.0.0",
        "192.168.255.255", "198.18.0.0",      "198.19.255.255",  "198.51.100.7",
        "203.0.113.7",     "224.0.0.1",       "239.255.255.255", "240.0.0.1",
        "255.255.255.255",
    };
    check_all(texts, ARRAY_LEN(texts), false);
}

static void special_ipv6_addresses_are_not_public(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "::",        "::1",       "::7f00:1",        "100::1",    "1fff::1",     "2001::1",
        "2001:2::1", "2001:10::", "2001:1ff:ffff::", "3fff::1",   "2001:db8::1", "4000::1",
        "5f00::1",   "fc00::1",   "fdff::1",         "fe80::1",   "febf::1",     "fec0::1",
        "ff02::1",   "ff0e::1",   "64:ff9b:1::1",    "64:ff9a::1"};
    check_all(texts, ARRAY_LEN(texts), false);
}

static void ipv6_addresses_that_lead_to_a_special_ipv4_one_are_not_public(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "::ffff:127.0.0.1", "::ffff:10.1.2.3",     "::ffff:169.254.169.254",
        "::ffff:0.0.0.0",   "64:ff9b::127.0.0.1",  "64:ff9b::192.168.1.1",
        "64:ff9b::a00:1",   "64:ff9b::100.64.0.1", "2002:7f00:1::1",
        "2002:a00:1::1",    "2002:c0a8:101::1",    "2002:a9fe:a9fe::",
    };
    check_all(texts, ARRAY_LEN(texts), false);
}

static void what_is_no_internet_address_is_not_public(void **state)
{
    (void)state;
    struct sockaddr_storage local = {.ss_family = AF_UNIX};

    assert_false(outbound_address_is_public((const struct sockaddr *)&local));
}

static void a_block_that_is_allowed_can_be_connected_to(void **state)
{
    (void)state;
    struct net_block allow[2];
    struct sockaddr_storage inside = addr_of("10.1.2.3");
    struct sockaddr_storage mapped = addr_of("::ffff:10.1.2.3");
    struct sockaddr_storage outside = addr_of("10.2.2.3");
    struct sockaddr_storage loopback = addr_of("::1");
    struct sockaddr_storage public = addr_of("8.8.8.8");

    assert_true(net_block_parse("10.1.0.0/16", &allow[0]));
    assert_true(net_block_parse("::1", &allow[1]));
    assert_true(outbound_may_connect((struct sockaddr *)&inside, allow, 2));
    assert_true(outbound_may_connect((struct sockaddr *)&mapped, allow, 2));
    assert_true(outbound_may_connect((struct sockaddr *)&loopback, allow, 2));
    assert_true(outbound_may_connect((struct sockaddr *)&public, allow, 2));
    assert_false(outbound_may_connect((struct sockaddr *)&outside, allow, 2));
    assert_false(outbound_may_connect((struct sockaddr *)&loopback, allow, 1));
    assert_false(outbound_may_connect((struct sockaddr *)&inside, NULL, 0));
}

static void a_url_with_a_host_is_a_target(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "https://example.org",       "http://example.org/hooks?x=1&y=%20",
        "HTTPS://example.org:8443/", "http://[2001:db8::1]:80/a",
        "http://127.0.0.1:9/",       "https://xn--bcher-kva.example/",
    };

    for (size_t i = 0; i < ARRAY_LEN(urls); i++)
        if (outbound_url_problem(urls[i]) != NULL)
            fail_msg("%s %s", urls[i], outbound_url_problem(urls[i]));
}

static void what_is_no_target_says_why(void **state)
{
    (void)state;
    static const struct {
        const char *url, *why;
    } bad[] = {
        {"", "must begin with"},
        {"example.org/hook", "must begin with"},
        {"//example.org/hook", "must begin with"},
        {"ftp://example.org/", "must begin with"},
        {"file:///etc/passwd", "must begin with"},
        {"gopher://example.org:70/_x", "must begin with"},
        {"javascript:alert(1)", "must begin with"},
        {"http://", "is not a URL"},
        {"http:///path", "names no host"},
        {"http://user@example.org/", "user name or password"},
        {"http://user:word@example.org/", "user name or password"},
        {"http://:word@example.org/", "user name or password"},
        {"http://example.org:65536/", "port"},
        {"http://example.org:x/", "port"},
        {"http://exa mple.org/", "printable ASCII"},
        {"http://example.org/a b", "printable ASCII"},
        {"http://example.org/\r\nHost: x", "printable ASCII"},
        {"http://b\xc3\xbc"
         "cher.example/",
         "printable ASCII"},
        {"http://example.org/#part", "fragment"},
        {"http://[::1/", "is not a URL"},
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const char *problem = outbound_url_problem(bad[i].url);
        if (problem == NULL || strstr(problem, bad[i].why) == NULL)
            fail_msg("%s: %s", bad[i].url, problem == NULL ? "taken" : problem);
    }
}

static void a_url_is_bounded(void **state)
{
    (void)state;
    char url[OUTBOUND_URL_MAX + 2];

    memset(url, 'a', sizeof(url));
    memcpy(url, "http://example.org/", 19);
    url[OUTBOUND_URL_MAX + 1] = '\0';
    assert_string_equal(outbound_url_problem(url), "must not be longer than 2048 bytes");
    url[OUTBOUND_URL_MAX] = '\0';
    assert_null(outbound_url_problem(url));
    memset(url + 7, 'h', 300);
    assert_non_null(outbound_url_problem(url)); /* a host of more than 255 */
}

static void a_host_is_scheme_name_and_port(void **state)
{
    (void)state;
    char host[OUTBOUND_HOST_SIZE];

    assert_true(outbound_url_host("https://example.org/hook?a=b", host));
    assert_string_equal(host, "https://example.org:443");
    assert_true(outbound_url_host("http://[::1]:8080/", host));
    assert_string_equal(host, "http://[::1]:8080");
    assert_false(outbound_url_host("nonsense", host));
}

static void only_from_https_to_http_is_a_downgrade(void **state)
{
    (void)state;
    assert_true(outbound_url_downgrades("https://a.example/", "http://a.example/"));
    assert_true(outbound_url_downgrades("HTTPS://a.example/", "http://a.example/"));
    assert_false(outbound_url_downgrades("https://a.example/", "https://b.example/"));
    assert_false(outbound_url_downgrades("http://a.example/", "https://a.example/"));
    assert_false(outbound_url_downgrades("http://a.example/", "http://b.example/"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_of_the_internet_are_public),
        cmocka_unit_test(special_ipv4_addresses_are_not_public),
        cmocka_unit_test(special_ipv6_addresses_are_not_public),
        cmocka_unit_test(ipv6_addresses_that_lead_to_a_special_ipv4_one_are_not_public),
        cmocka_unit_test(what_is_no_internet_address_is_not_public),
        cmocka_unit_test(a_block_that_is_allowed_can_be_connected_to),
        cmocka_unit_test(a_url_with_a_host_is_a_target),
        cmocka_unit_test(what_is_no_target_says_why),
        cmocka_unit_test(a_url_is_bounded),
        cmocka_unit_test(a_host_is_scheme_name_and_port),
        cmocka_unit_test(only_from_https_to_http_is_a_downgrade),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
