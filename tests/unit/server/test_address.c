#include "tests/unit/testing.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "server/address.h"

static void an_ipv4_address_with_its_port_is_parsed(void **state)
{
    (void)state;
    struct listen_addr addr;

    assert_true(listen_addr_parse("127.0.0.1:8080", &addr));
    assert_int_equal(addr.addr.ss_family, AF_INET);
    assert_int_equal(addr.len, sizeof(struct sockaddr_in));
    assert_int_equal(ntohs(((struct sockaddr_in *)&addr.addr)->sin_port), 8080);
    assert_string_equal(addr.text, "127.0.0.1:8080");
}

static void an_ipv6_address_stands_in_brackets(void **state)
{
    (void)state;
    struct listen_addr addr;

    assert_true(listen_addr_parse("[::1]:0", &addr));
    assert_int_equal(addr.addr.ss_family, AF_INET6);
    assert_string_equal(addr.text, "[::1]:0");
    assert_true(listen_addr_parse("[2001:DB8:0::1]:65535", &addr));
    assert_string_equal(addr.text, "[2001:db8::1]:65535");
    assert_false(listen_addr_parse("::1:80", &addr));
}

static void what_is_no_address_with_a_port_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "8080",
        ":8080",
        "localhost:80",
        "1.2.3:80",
        "1.2.3.4",
        "1.2.3.4:",
        "1.2.3.4:65536",
        "1.2.3.4:99999999",
        "1.2.3.4:-1",
        "1.2.3.4:8x",
        "1.2.3.4: 80",
        "[]:80",
        "[::1]",
        "[::1:80",
        "[1.2.3.4]:8",
        "[::g]:80",
        "256.1.1.1:80",
        "[::1%nosuch0]:80",
        " 1.2.3.4:80",
        "111111111111111111111111111111111111111111111111111111111111111111111111111:80",
    };
    struct listen_addr addr;

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        if (listen_addr_parse(bad[i], &addr))
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(addr.len, 0);
    }
}

static bool loopback(const char *text)
{
    struct listen_addr addr;

    assert_true(listen_addr_parse(text, &addr));
    return listen_addr_is_loopback(&addr);
}

static void loopback_is_recognised_in_every_form(void **state)
{
    (void)state;
    assert_true(loopback("127.0.0.1:1"));
    assert_true(loopback("127.255.3.4:1"));
    assert_true(loopback("[::1]:1"));
    assert_true(loopback("[::ffff:127.0.0.1]:1"));
    assert_false(loopback("0.0.0.0:1"));
    assert_false(loopback("[::]:1"));
    assert_false(loopback("[::2]:1"));
    assert_false(loopback("128.0.0.1:1"));
}

static void a_peer_is_written_without_port_and_mapped_ones_as_ipv4(void **state)
{
    (void)state;
    struct listen_addr addr;
    struct sockaddr other = {.sa_family = AF_UNIX};
    char text[ADDRESS_TEXT_SIZE];

    assert_true(listen_addr_parse("[::ffff:192.0.2.7]:1", &addr));
    address_format_host((struct sockaddr *)&addr.addr, text);
    assert_string_equal(text, "192.0.2.7");
    assert_true(listen_addr_parse("[2001:db8::7]:1", &addr));
    address_format_host((struct sockaddr *)&addr.addr, text);
    assert_string_equal(text, "2001:db8::7");
    address_format_host(&other, text);
    assert_string_equal(text, "unknown");
    address_format(&other, text);
    assert_string_equal(text, "unknown");
}

static bool contains(const char *block_text, const char *host)
{
    struct net_block block;

    assert_true(net_block_parse(block_text, &block));
    return net_block_contains(&block, host);
}

static void a_block_contains_the_addresses_that_share_its_bits(void **state)
{
    (void)state;
    assert_true(contains("10.0.0.0/8", "10.255.1.2"));
    assert_false(contains("10.0.0.0/8", "11.0.0.0"));
    assert_true(contains("192.0.2.128/25", "192.0.2.129"));
    assert_false(contains("192.0.2.128/25", "192.0.2.127"));
    assert_true(contains("192.0.2.1", "192.0.2.1"));
    assert_false(contains("192.0.2.1", "192.0.2.2"));
    assert_true(contains("0.0.0.0/0", "203.0.113.9"));
    assert_false(contains("0.0.0.0/0", "2001:db8::1"));
    assert_true(contains("2001:db8::/33", "2001:db8:7fff::1"));
    assert_false(contains("2001:db8::/33", "2001:db8:8000::1"));
    assert_true(contains("10.0.0.0/8", "::ffff:10.1.2.3"));
    assert_false(contains("0.0.0.0/0", "nonsense"));
    assert_false(contains("::/0", "unknown"));
}

static void what_is_no_block_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",         "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1",
                                      "/8",       "host/8",      "::/129",    "10.0.0.0/8x",
                                      "10.0.0/8", "::1/"};
    struct net_block block;

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (net_block_parse(bad[i], &block))
            fail_msg("taken: %s", bad[i]);
}

static void ipv6_neighbours_count_as_one(void **state)
{
    (void)state;
    char group[ADDRESS_TEXT_SIZE];

    address_group("2001:db8:1:2:3:4:5:6", group);
    assert_string_equal(group, "2001:db8:1:2::/64");
    address_group("192.0.2.1", group);
    assert_string_equal(group, "192.0.2.1");
    address_group("::ffff:192.0.2.1", group);
    assert_string_equal(group, "192.0.2.1");
    address_group("something else", group);
    assert_string_equal(group, "something else");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ipv4_address_with_its_port_is_parsed),
        cmocka_unit_test(an_ipv6_address_stands_in_brackets),
        cmocka_unit_test(what_is_no_address_with_a_port_is_refused),
        cmocka_unit_test(loopback_is_recognised_in_every_form),
        cmocka_unit_test(a_peer_is_written_without_port_and_mapped_ones_as_ipv4),
        cmocka_unit_test(a_block_contains_the_addresses_that_share_its_bits),
        cmocka_unit_test(what_is_no_block_is_refused),
        cmocka_unit_test(ipv6_neighbours_count_as_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
