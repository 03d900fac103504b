#include "unit/cm.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "core/rpc.h"
#include "core/sock.h"

struct peer {
	char *dir;
	struct home home;
	pid_t pid;
};

/* A peer in a process of its own: says the first text at once and the second after one request,
 * then waits to be ended. */
static void peer_start(struct peer *p, const char *first, const char *second)
{
	struct err err = {0};
	memset(p, 0, sizeof(*p));
	p->dir = cm_mkdtemp();
	setenv("HVMUX_HOME", p->dir, 1);
	assert_int_equal(home_init(&p->home, NULL, &err), 0);
	CLEANUP_FREE char *run = home_run_dir(&p->home, "a");
	CLEANUP_FREE char *path = home_run_file(&p->home, "a", "control.sock");
	assert_int_equal(home_mkdir(&p->home, run, &err), 0);
	int l = sock_listen(path, 0600, &err);
	assert_true(l >= 0);
	p->pid = fork();
	if (p->pid == 0) {
		char line[1000];
		fd_set_nonblock(l, false);
		int fd = accept(l, NULL, NULL);
		fd_write_all(fd, first, strlen(first));
		if (second && read(fd, line, sizeof(line)) > 0)
			fd_write_all(fd, second, strlen(second));
		shutdown(fd, second && !*second ? SHUT_RDWR : SHUT_RD);
		pause();
	}
	close(l);
}

static void peer_stop(struct peer *p)
{
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
	home_fini(&p->home);
	cm_rmdir(p->dir);
}

#define HELLO \
	"{\"jsonrpc\":\"2.0\",\"method\":\"hello\",\"params\":{\"hvmux\":\"0\",\"protocol\":1}}\n"

static void test_call(void **state)
{
	(void)state;
	struct peer p;
	struct err err = {0};
	peer_start(&p, HELLO,
	    "{\"method\":\"event\",\"params\":{\"event\":\"stopped\"}}\n"
	    "{\"id\":77,\"result\":{}}\n{\"id\":1,\"result\":{\"x\":5}}\n");
	struct rpc_client *c = rpc_connect(&p.home, "a", 5000, &err);
	assert_non_null(c);
	struct json_object *r = NULL, *v = NULL;
	assert_int_equal(rpc_call(c, "status", NULL, 5000, &r, &err), 0);
	assert_true(json_object_object_get_ex(r, "x", &v));
	assert_int_equal(json_object_get_int(v), 5);
	json_object_put(r);
	r = rpc_next(c, 0, &err);
	assert_non_null(r);
	json_object_put(r);
	assert_null(rpc_next(c, 20, &err));
	assert_int_equal(err.code, ERR_TIMEOUT);
	rpc_free(c);
	peer_stop(&p);
}

static void test_error(void **state)
{
	(void)state;
	struct peer p;
	struct err err = {0};
	char answer[200];
	snprintf(answer, sizeof(answer),
	    "{\"id\":1,\"error\":{\"code\":%d,\"message\":\"domain is not running\"}}\n",
	    RPC_ERR_BASE - ERR_STATE);
	peer_start(&p, HELLO, answer);
	struct rpc_client *c = rpc_connect(&p.home, "a", 5000, &err);
	assert_non_null(c);
	assert_int_equal(rpc_call(c, "suspend", NULL, 5000, NULL, &err), -1);
	assert_string_equal(err.msg, "domain is not running");
	assert_int_equal(err.code, ERR_STATE);
	rpc_free(c);
	peer_stop(&p);
}

static void check_no_hello(const char *first, enum err_code code)
{
	struct peer p;
	struct err err = {0};
	peer_start(&p, first, NULL);
	assert_null(rpc_connect(&p.home, "a", 100, &err));
	assert_int_equal(err.code, code);
	peer_stop(&p);
}

static void test_bad_hello(void **state)
{
	(void)state;
	check_no_hello("", ERR_TIMEOUT);
	check_no_hello("rubbish\n", ERR_INVALID);
	check_no_hello("{\"method\":\"hello\",\"params\":{\"protocol\":2}}\n", ERR_UNSUPPORTED);
}

static void test_lost(void **state)
{
	(void)state;
	struct peer p;
	struct err err = {0};
	peer_start(&p, HELLO, "");
	struct rpc_client *c = rpc_connect(&p.home, "a", 5000, &err);
	assert_non_null(c);
	assert_int_equal(rpc_call(c, "status", NULL, 5000, NULL, &err), -1);
	assert_non_null(strstr(err.msg, "closed the connection"));
	rpc_free(c);
	assert_null(rpc_connect(&p.home, "b", 100, &err));
	assert_int_equal(err.code, ERR_NOT_FOUND);
	peer_stop(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_call),
	    cmocka_unit_test(test_error),
	    cmocka_unit_test(test_bad_hello),
	    cmocka_unit_test(test_lost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
