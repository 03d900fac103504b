/* What changes the host's devices is tried by tests/qemu/net.sh; here, what is told of them and refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "net/link.h"
#include "net/tap.h"

static void test_facts(void **state)
{
	(void)state;
	assert_true(link_exists("lo"));
	assert_false(link_exists(""));
	assert_false(link_exists("../lo"));
	assert_false(link_exists("hvmux-none0"));
	assert_false(link_is_bridge("lo"));
	assert_false(link_is_macvtap("lo"));
	assert_true(link_has_mac("lo", "00:00:00:00:00:00"));
	assert_false(link_has_mac("lo", "52:54:00:00:00:01"));
	assert_false(link_has_mac("lo", ""));
	assert_false(link_has_mac("hvmux-none0", "00:00:00:00:00:00"));
	assert_true(link_mtu("lo") > 0);
	assert_int_equal(link_mtu("hvmux-none0"), -1);
}

static void test_refused(void **state)
{
	(void)state;
	struct err err = {0};
	char name[LINK_NAME_MAX] = "";
	assert_int_equal(link_join_bridge("hvmux-none0", "lo", &err), -1);
	assert_non_null(strstr(err.msg, "there is no bridge 'hvmux-none0' on this host"));
	assert_int_equal(link_join_bridge("lo", "lo", &err), -1);
	assert_string_equal(err.msg, "'lo' is no Linux bridge");
	assert_int_equal(link_add_macvtap("hvmux-none0", "bridge", NULL, name, &err), -1);
	assert_string_equal(err.msg, "there is no network device 'hvmux-none0' on this host");
	strcpy(name, "hvmux-none0");
	const struct tap_wish wish = {.theirs = true};
	assert_int_equal(tap_open(name, &wish, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_facts), cmocka_unit_test(test_refused)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
