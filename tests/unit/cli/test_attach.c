/* Bytes between standard streams and a console's socket. */
#include "unit/cm.h"

#include <pthread.h>
#include <pty.h>
#include <sys/socket.h>
#include <termios.h>

#include "cli/attach.h"

#define MUCH (8u << 20)

struct pump {
	int in, out, sock, rc;
	bool watch;
	struct err err;
	pthread_t thread;
};

static void *run_pump(void *arg)
{
	struct pump *p = arg;
	p->rc = attach_pump(p->in, p->out, p->sock, p->watch, &p->err);
	return NULL;
}

static void start_pump(struct pump *p, int in, int out, int sock, bool watch)
{
	memset(p, 0, sizeof(*p));
	p->in = in;
	p->out = out;
	p->sock = sock;
	p->watch = watch;
	assert_int_equal(pthread_create(&p->thread, NULL, run_pump, p), 0);
}

static void end_pump(struct pump *p)
{
	pthread_join(p->thread, NULL);
	assert_int_equal(p->rc, 0);
}

static void expect_bytes(int fd, const char *want)
{
	char got[64];
	size_t at = 0, n = strlen(want);
	while (at < n) {
		ssize_t k = read(fd, got + at, n - at);
		assert_true(k > 0);
		at += (size_t)k;
	}
	assert_memory_equal(got, want, n);
}

static void test_both_ways_until_the_console_ends(void **state)
{
	int sock[2], in[2], out[2];
	struct pump p;
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sock), 0);
	fd_set_nonblock(sock[1], false);
	assert_int_equal(pipe(in) | pipe(out), 0);
	start_pump(&p, in[0], out[1], sock[0], false);
	assert_int_equal(write(in[1], "root\x1d\n", 6), 6);
	expect_bytes(sock[1], "root\x1d\n"); /* not a terminal: Ctrl+] is a byte like any other */
	close(in[1]);                        /* the input's end is not the console's */
	assert_int_equal(write(sock[1], "login: ", 7), 7);
	expect_bytes(out[0], "login: ");
	close(sock[1]);
	end_pump(&p);
	close(in[0]);
	close(out[0]);
	close(out[1]);
	close(sock[0]);
}

static void detach_from_a_terminal(bool watch)
{
	int sock[2], out[2], master, slave;
	struct termios raw;
	struct pump p;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sock), 0);
	fd_set_nonblock(sock[1], false);
	assert_int_equal(pipe(out), 0);
	cfmakeraw(memset(&raw, 0, sizeof(raw)));
	raw.c_cc[VMIN] = 1;
	assert_int_equal(openpty(&master, &slave, NULL, &raw, NULL), 0);
	start_pump(&p, slave, out[1], sock[0], watch);
	assert_int_equal(write(master,
	                     "ab\x1d"
	                     "c",
	                     4),
	    4);
	end_pump(&p);
	if (!watch)
		expect_bytes(sock[1], "ab"); /* what was typed before it has arrived */
	char more;
	assert_int_equal(recv(sock[1], &more, 1, MSG_DONTWAIT), -1);
	close(master);
	close(slave);
	close(out[0]);
	close(out[1]);
	close(sock[0]);
	close(sock[1]);
}

static void test_detach_from_a_terminal(void **state)
{
	(void)state;
	detach_from_a_terminal(false);
}

/* The guest takes nothing, more waits for it than any buffer holds: Ctrl+] is heard all the same. */
static void test_detach_from_a_guest_that_takes_nothing(void **state)
{
	(void)state;
	int sock[2], out[2], master, slave;
	struct termios raw;
	struct pump p;
	CLEANUP_FREE char *paste = xmalloc(1 << 20);
	memset(paste, 'x', 1 << 20);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sock), 0);
	assert_int_equal(pipe(out), 0);
	cfmakeraw(memset(&raw, 0, sizeof(raw)));
	raw.c_cc[VMIN] = 1;
	assert_int_equal(openpty(&master, &slave, NULL, &raw, NULL), 0);
	start_pump(&p, slave, out[1], sock[0], false);
	assert_int_equal(fd_write_all(master, paste, 1 << 20), 0);
	assert_int_equal(write(master, "\x1d", 1), 1);
	end_pump(&p);
	for (int i = 0; i < 2; i++) {
		close(out[i]);
		close(sock[i]);
	}
	close(master);
	close(slave);
}

static void test_a_spectator_types_nothing_and_detaches(void **state)
{
	(void)state;
	detach_from_a_terminal(true);
}

static void *flood(void *arg)
{
	int fd = *(int *)arg;
	char *data = xmalloc(MUCH);
	for (unsigned i = 0; i < MUCH; i++)
		data[i] = (char)(i % 251);
	fd_write_all(fd, data, MUCH);
	free(data);
	close(fd);
	return NULL;
}

static void test_much_output_arrives_whole(void **state)
{
	int sock[2], out[2];
	struct pump p;
	pthread_t writer;
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sock), 0);
	fd_set_nonblock(sock[1], false);
	assert_int_equal(pipe(out), 0);
	start_pump(&p, -1, out[1], sock[0], false);
	assert_int_equal(pthread_create(&writer, NULL, flood, &sock[1]), 0);
	char piece[4096];
	unsigned at = 0;
	while (at < MUCH) {
		ssize_t n = read(out[0], piece, sizeof(piece));
		assert_true(n > 0);
		for (ssize_t i = 0; i < n; i++, at++)
			if (piece[i] != (char)(at % 251))
				fail_msg("byte %u is wrong", at);
	}
	pthread_join(writer, NULL);
	end_pump(&p);
	close(out[0]);
	close(out[1]);
	close(sock[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_both_ways_until_the_console_ends),
	    cmocka_unit_test(test_detach_from_a_terminal),
	    cmocka_unit_test(test_detach_from_a_guest_that_takes_nothing),
	    cmocka_unit_test(test_a_spectator_types_nothing_and_detaches),
	    cmocka_unit_test(test_much_output_arrives_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
