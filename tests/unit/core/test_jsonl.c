#include "unit/cm.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "core/jsonl.h"

struct side {
	struct loop *loop;
	struct jsonl *j;
	int messages;
	int64_t last;
	char why[200];
	bool free_in_message;
};

static void on_message(void *arg, struct json_object *msg)
{
	struct side *s = arg;
	s->messages++;
	s->last = json_get_int(msg, "n", -1);
	if (s->free_in_message) {
		jsonl_free(s->j);
		s->j = NULL;
		loop_stop(s->loop);
	}
	if (s->last == 99)
		loop_stop(s->loop);
}

static void on_closed(void *arg, const char *why)
{
	struct side *s = arg;
	snprintf(s->why, sizeof(s->why), "%s", why);
	loop_stop(s->loop);
}

static const struct jsonl_ops ops = {on_message, on_closed};

static int open_side(struct side *s, size_t max)
{
	int fds[2];
	memset(s, 0, sizeof(*s));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	fd_set_nonblock(fds[0], true);
	s->loop = loop_new();
	s->j = jsonl_new(s->loop, fds[0], max, &ops, s);
	return fds[1];
}

static void close_side(struct side *s, int fd)
{
	jsonl_free(s->j);
	loop_free(s->loop);
	close(fd);
}

static void send_text(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void test_messages_in_pieces(void **state)
{
	(void)state;
	struct side s;
	int fd = open_side(&s, 1000);
	send_text(fd, "{\"n\": 1}\r\n\n{\"n\"");
	event_base_loop(loop_base(s.loop), EVLOOP_ONCE);
	assert_int_equal(s.messages, 1);
	send_text(fd, ": 99}\n{\"n\": 3}\n");
	loop_run(s.loop);
	assert_int_equal(s.messages, 3);
	close_side(&s, fd);
}

static void test_held_messages_go_together(void **state)
{
	(void)state;
	struct side s;
	char text[64] = "";
	int fd = open_side(&s, 1000);
	struct json_object *o = json_object_new_object();
	jsonl_hold(s.j, true);
	jsonl_send(s.j, o);
	jsonl_send(s.j, o);
	assert_int_equal(recv(fd, text, sizeof(text), MSG_DONTWAIT), -1);
	jsonl_hold(s.j, false);
	assert_int_equal(recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT), 6);
	assert_string_equal(text, "{}\n{}\n");
	jsonl_send(s.j, o);
	assert_int_equal(recv(fd, text, sizeof(text), MSG_DONTWAIT), 3);
	json_object_put(o);
	close_side(&s, fd);
}

static void check_refused(const char *text, size_t max, const char *words)
{
	struct side s;
	int fd = open_side(&s, max);
	send_text(fd, text);
	loop_run(s.loop);
	assert_non_null(strstr(s.why, words));
	close_side(&s, fd);
}

static void test_refused(void **state)
{
	(void)state;
	check_refused("[1]\n", 1000, "not a JSON object");
	check_refused("{\"n\":\n", 1000, "not a JSON object");
	check_refused("{} {}\n", 1000, "not a JSON object");
	check_refused("\x01\x02\xff\n", 1000, "not a JSON object");
	check_refused("{\"n\": 123456789012345678901234567890}", 20, "size limit");
	char deep[2 * JSONL_DEPTH_MAX + 200];
	size_t n = 0;
	n += (size_t)sprintf(deep, "{\"a\":");
	memset(deep + n, '[', JSONL_DEPTH_MAX + 10);
	n += JSONL_DEPTH_MAX + 10;
	strcpy(deep + n, "\n");
	check_refused(deep, 1000, "not a JSON object");
}

static void test_peer_closes(void **state)
{
	(void)state;
	struct side s;
	int fd = open_side(&s, 1000);
	shutdown(fd, SHUT_WR);
	loop_run(s.loop);
	assert_non_null(strstr(s.why, "closed"));
	close_side(&s, fd);
}

static void test_free_inside_message(void **state)
{
	(void)state;
	struct side s;
	int fd = open_side(&s, 1000);
	s.free_in_message = true;
	send_text(fd, "{\"n\":1}\n{\"n\":2}\n");
	loop_run(s.loop);
	assert_int_equal(s.messages, 1);
	close_side(&s, fd);
}

static void test_peer_that_does_not_read(void **state)
{
	(void)state;
	struct side s;
	int fd = open_side(&s, 1000);
	CLEANUP_FREE char *big = xmalloc(1 << 20);
	memset(big, 'x', (1 << 20) - 1);
	big[(1 << 20) - 1] = '\0';
	struct json_object *o = json_object_new_object();
	json_object_object_add(o, "s", json_object_new_string(big));
	for (int i = 0; i < 20; i++)
		jsonl_send(s.j, o);
	assert_string_equal(s.why, ""); /* never from inside send */
	loop_run(s.loop);
	assert_non_null(strstr(s.why, "does not read"));
	json_object_put(o);
	close_side(&s, fd);
}

static void test_descriptor(void **state)
{
	(void)state;
	struct side s;
	int fd = open_side(&s, 1000);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct json_object *o = json_object_new_object();
	jsonl_send_fd(s.j, o, null);
	json_object_put(o);
	char text[16] = "", control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {text, sizeof(text)};
	struct msghdr m = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof(control)};
	assert_true(recvmsg(fd, &m, 0) > 0);
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	assert_non_null(c);
	assert_int_equal(c->cmsg_type, SCM_RIGHTS);
	int got;
	memcpy(&got, CMSG_DATA(c), sizeof(got));
	assert_true(fcntl(got, F_GETFD) >= 0);
	close(got);
	close(null);
	close_side(&s, fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_messages_in_pieces),
	    cmocka_unit_test(test_held_messages_go_together),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_peer_closes),
	    cmocka_unit_test(test_free_inside_message),
	    cmocka_unit_test(test_peer_that_does_not_read),
	    cmocka_unit_test(test_descriptor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
