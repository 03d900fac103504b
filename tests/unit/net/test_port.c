#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/port.h"

#define FIRST 47300

static int bind_to(unsigned port)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_return_code(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
	assert_return_code(listen(fd, 1), 0);
	return fd;
}

static void test_kept(void **state)
{
	(void)state;
	struct err err = {0};
	unsigned a = 0, b = 0, c = 0;
	int one = port_keep("127.0.0.1", FIRST, FIRST + 50, &a, &err);
	int two = port_keep("127.0.0.1", FIRST, FIRST + 50, &b, &err);
	assert_true(one >= 0 && two >= 0);
	assert_true(b > a);
	/* What is kept can be bound to, by the one it is kept for. */
	int server = bind_to(a);
	close(one);
	int three = port_keep("127.0.0.1", FIRST, FIRST + 50, &c, &err);
	assert_true(three >= 0 && c > b); /* a is in use, b is kept */
	close(server);
	close(two);
	close(three);
	one = port_keep("127.0.0.1", FIRST, FIRST + 50, &c, &err);
	assert_true(one >= 0 && c == a);
	close(one);
}

static void test_none(void **state)
{
	(void)state;
	struct err err = {0};
	unsigned port = 0;
	int server = bind_to(FIRST + 60);
	assert_int_equal(port_keep("127.0.0.1", FIRST + 60, FIRST + 60, &port, &err), -1);
	assert_int_equal(err.code, ERR_BUSY);
	assert_string_equal(err.msg, "no port from 47360 to 47360 is free on 127.0.0.1");
	close(server);
	/* 192.0.2.0/24 is nobody's: RFC 5737. */
	assert_int_equal(port_keep("192.0.2.1", FIRST, FIRST + 9, &port, &err), -1);
	assert_non_null(strstr(err.msg, "cannot listen on 192.0.2.1: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kept), cmocka_unit_test(test_none)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
