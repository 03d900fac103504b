/* control.sock's server, asked by the real client and by strangers. */
#include "unit/cm.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>

#include "core/buf.h"
#include "core/jsonl.h"
#include "core/rpc.h"
#include "core/sock.h"
#include "kvm/control.h"

struct fixture {
	char *dir;
	struct home home;
	struct loop *loop;
	struct control *control;
	struct control_req *held; /* a request that is answered later */
	bool hold;
	int stop[2];
	struct event *stopper;
	pthread_t thread;
};

static void operate(void *arg, enum machine_event ev, struct control_req *r)
{
	struct fixture *x = arg;
	struct err err;
	if (x->hold) {
		x->held = r;
	} else if (ev == EV_DO_SUSPEND) {
		control_reply(r, NULL, NULL);
		control_event(x->control, "lifecycle", "Suspended Paused", NULL);
	} else {
		err_set(&err, ERR_STATE, "not now: \"%d\"", (int)ev);
		control_reply(r, NULL, &err);
	}
}

static void raw_qmp(
    void *arg, const char *command, struct json_object *args, int fd, struct control_req *r)
{
	(void)arg, (void)args;
	/* The descriptor that came along is told by what can be read from it. */
	char word[16] = "";
	if (fd >= 0 && read(fd, word, sizeof(word) - 1) > 0) {
		control_reply(r, json_object_new_string(word), NULL);
		return;
	}
	control_reply(r, json_object_new_string(command), NULL);
}

static void status(void *arg, struct json_object *o)
{
	(void)arg;
	json_object_object_add(o, "state", json_object_new_string("running"));
}

static void echo(void *arg, struct json_object *params, struct control_req *r)
{
	(void)arg;
	control_reply(r, json_object_get(params), NULL);
}

static const struct control_method methods[] = {
    {"agent", CONTROL_COMMAND, echo}, {"peek", CONTROL_READS, echo}, {0}};

static const struct control_ops ops = {operate, raw_qmp, status, methods};

static void on_stop(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	loop_stop(((struct fixture *)arg)->loop);
}

static void *serve(void *arg)
{
	loop_run(((struct fixture *)arg)->loop);
	return NULL;
}

static int setup(void **state)
{
	struct fixture *x = xcalloc(1, sizeof(*x));
	struct err err;
	x->dir = cm_mkdtemp();
	setenv("HVMUX_HOME", x->dir, 1);
	CLEANUP_FREE char *run = NULL;
	if (home_init(&x->home, NULL, &err) < 0 || pipe(x->stop) < 0)
		return -1;
	run = home_run_dir(&x->home, "a");
	if (home_mkdir(&x->home, run, &err) < 0)
		return -1;
	x->loop = loop_new();
	x->control = control_new(x->loop, &x->home, "a", &ops, x, &err);
	x->stopper = event_new(loop_base(x->loop), x->stop[0], EV_READ, on_stop, x);
	event_add(x->stopper, NULL);
	*state = x;
	return x->control == NULL ? -1 : 0;
}

static void begin(struct fixture *x)
{
	assert_int_equal(pthread_create(&x->thread, NULL, serve, x), 0);
}

static void end(struct fixture *x)
{
	assert_int_equal(write(x->stop[1], "x", 1), 1);
	pthread_join(x->thread, NULL);
}

static int teardown(void **state)
{
	struct fixture *x = *state;
	control_free(x->control);
	event_free(x->stopper);
	loop_free(x->loop);
	close(x->stop[0]);
	close(x->stop[1]);
	home_fini(&x->home);
	cm_rmdir(x->dir);
	free(x);
	return 0;
}

static void test_requests(void **state)
{
	struct fixture *x = *state;
	struct err err;
	struct json_object *result = NULL;
	begin(x);
	struct rpc_client *c = rpc_connect(&x->home, "a", 10000, &err);
	assert_non_null(c);
	assert_int_equal(rpc_call(c, "suspend", NULL, 10000, NULL, &err), 0);
	assert_int_equal(rpc_call(c, "reset", NULL, 10000, NULL, &err), -1);
	assert_int_equal(err.code, ERR_STATE);
	assert_non_null(strstr(err.msg, "not now"));
	assert_int_equal(rpc_call(c, "status", NULL, 10000, &result, &err), 0);
	assert_string_equal(json_get_str(result, "state"), "running");
	json_object_put(result);
	assert_int_equal(rpc_call(c, "no-such", NULL, 10000, NULL, &err), -1);
	assert_non_null(strstr(err.msg, "no such method"));
	struct json_object *params = json_object_new_object();
	json_object_object_add(params, "execute", json_object_new_string("query-name"));
	assert_int_equal(rpc_call(c, "qmp", params, 10000, &result, &err), 0);
	assert_string_equal(json_object_get_string(result), "query-name");
	json_object_put(result);
	params = json_object_new_object();
	json_object_object_add(params, "execute", json_object_new_string("set_link"));
	assert_int_equal(rpc_call(c, "qmp", params, 10000, NULL, &err), 0);
	params = json_object_new_object();
	json_object_object_add(params, "execute", json_object_new_string("guest-exec"));
	assert_int_equal(rpc_call(c, "agent", params, 10000, &result, &err), 0);
	assert_string_equal(json_get_str(result, "execute"), "guest-exec");
	json_object_put(result);
	assert_int_equal(rpc_call(c, "agent", NULL, 10000, NULL, &err), -1);
	/* A descriptor reaches the request that it came with, and no other. */
	int word[2];
	assert_int_equal(pipe(word), 0);
	assert_int_equal(write(word[1], "inside", 6), 6);
	params = json_object_new_object();
	json_object_object_add(params, "execute", json_object_new_string("query-name"));
	assert_int_equal(
	    rpc_call_fd(c, "qmp", json_object_get(params), word[0], 10000, &result, &err), 0);
	assert_string_equal(json_object_get_string(result), "inside");
	json_object_put(result);
	assert_int_equal(rpc_call(c, "qmp", params, 10000, &result, &err), 0);
	assert_string_equal(json_object_get_string(result), "query-name");
	json_object_put(result);
	close(word[0]);
	close(word[1]);
	assert_int_equal(rpc_call(c, "peek", NULL, 10000, NULL, &err), 0);
	assert_int_equal(rpc_call(c, "qmp", NULL, 10000, NULL, &err), -1);
	params = json_object_new_object();
	json_object_object_add(params, "execute", json_object_new_string("quit result=ok"));
	assert_int_equal(rpc_call(c, "qmp", params, 10000, NULL, &err), -1);
	rpc_free(c);
	end(x);
	CLEANUP_BUF struct buf audit = BUF_INIT;
	CLEANUP_FREE char *path = home_log_file(&x->home, "a", "audit.log");
	assert_int_equal(file_read(path, 1u << 20, &audit, &err), 0);
	assert_non_null(strstr(audit.data, "what=suspend result=ok"));
	assert_non_null(strstr(audit.data, "what=qmp:set_link result=ok"));
	assert_non_null(strstr(audit.data, "what=agent:guest-exec result=ok"));
	assert_null(strstr(audit.data, "query-name")); /* it only looks */
	assert_null(strstr(audit.data, "peek"));
	assert_non_null(strstr(audit.data, "what=reset result=not now"));
	assert_null(strstr(audit.data, "what=status"));
	assert_null(strstr(audit.data, "qmp:quit"));
}

/* `echo … | socat`: the question ends the sending, the answer comes later. */
static void test_half_closed(void **state)
{
	struct fixture *x = *state;
	struct err err;
	static const char question[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"reset\"}\n";
	CLEANUP_FREE char *path = home_run_file(&x->home, "a", "control.sock");
	char got[4096];
	size_t n = 0;
	ssize_t k;
	x->hold = true;
	int fd = sock_connect(path, &err);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, question, sizeof(question) - 1), (ssize_t)sizeof(question) - 1);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	for (int i = 0; i < 20; i++) /* long enough for the request and for the end behind it */
		event_base_loop(loop_base(x->loop), EVLOOP_NONBLOCK);
	assert_non_null(x->held);
	control_reply(x->held, NULL, NULL);
	event_base_loop(loop_base(x->loop), EVLOOP_NONBLOCK);
	while ((k = read(fd, got + n, sizeof(got) - 1 - n)) > 0)
		n += (size_t)k;
	assert_int_equal(k, 0); /* and then the server hangs up */
	got[n] = '\0';
	assert_non_null(strstr(got, "\"id\":7,\"result\""));
	close(fd);
}

static void test_events_reach_subscribers_only(void **state)
{
	struct fixture *x = *state;
	struct err err;
	begin(x);
	struct rpc_client *hears = rpc_connect(&x->home, "a", 10000, &err);
	struct rpc_client *deaf = rpc_connect(&x->home, "a", 10000, &err);
	assert_int_equal(rpc_call(hears, "subscribe", NULL, 10000, NULL, &err), 0);
	assert_int_equal(rpc_call(deaf, "suspend", NULL, 10000, NULL, &err), 0);
	struct json_object *note = rpc_next(hears, 10000, &err);
	assert_non_null(note);
	struct json_object *p = json_get_obj(note, "params");
	assert_string_equal(json_get_str(p, "event"), "lifecycle");
	assert_string_equal(json_get_str(p, "detail"), "Suspended Paused");
	assert_string_equal(json_get_str(p, "domain"), "a");
	json_object_put(note);
	assert_null(rpc_next(deaf, 50, &err));
	rpc_free(hears);
	rpc_free(deaf);
	end(x);
}

/* Sends bytes as a stranger would and returns what came back until the answer with `until`, or the end. */
static char *talk(struct fixture *x, const char *bytes, const char *until)
{
	struct buf b = BUF_INIT;
	CLEANUP_FREE char *path = home_run_file(&x->home, "a", "control.sock");
	CLEANUP_CLOSE int fd = sock_connect(path, NULL);
	assert_true(fd >= 0);
	fd_set_nonblock(fd, false);
	struct timeval tv = {20, 0};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	fd_write_all(fd, bytes, strlen(bytes));
	for (;;) {
		ssize_t n = read(fd, buf_reserve(&b, 4096), 4095);
		if (n <= 0)
			break;
		b.len += (size_t)n;
		b.data[b.len] = '\0';
		if (strstr(b.data, until) != NULL)
			break;
	}
	return buf_take(&b);
}

static void test_strangers(void **state)
{
	static const struct {
		const char *bytes, *answer;
	} cases[] = {
	    {"{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"method\":\"status\"}\n",
	        "\"id\":\"x\",\"result\":{\"state\":\"running\"}"},
	    {"{\"method\":\"status\",\"id\":1}\n", "-32600"},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":[]}\n", "-32600"},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"qmp\",\"params\":[]}\n", "-32602"},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\"}\n", "-32601"},
	};
	struct fixture *x = *state;
	begin(x);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP_FREE char *got = talk(x, cases[i].bytes, cases[i].answer);
		if (strstr(got, cases[i].answer) == NULL)
			fail_msg("%s: %s", cases[i].bytes, got);
	}
	/* rubbish ends the connection, and only that */
	free(talk(x, "rubbish\n", "never"));
	free(talk(x, "[1]\n", "never"));
	CLEANUP_FREE char *got =
	    talk(x, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"status\"}\n", "running");
	assert_non_null(strstr(got, "\"id\":2"));
	end(x);
}

static void test_unanswered_requests_are_limited(void **state)
{
	struct fixture *x = *state;
	CLEANUP_BUF struct buf b = BUF_INIT;
	x->hold = true;
	begin(x);
	for (int i = 0; i < CONTROL_REQUESTS_MAX + 1; i++)
		buf_addf(&b, "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"destroy\"}\n", i);
	CLEANUP_FREE char *got = talk(x, b.data, "-32005");
	assert_non_null(strstr(got, "too many requests"));
	end(x);
	/* its client has left: the late answer goes nowhere, and the rest is freed with the server */
	control_reply(x->held, NULL, NULL);
}

static void test_too_many_clients(void **state)
{
	struct fixture *x = *state;
	int fds[CONTROL_CLIENTS_MAX];
	CLEANUP_FREE char *path = home_run_file(&x->home, "a", "control.sock");
	begin(x);
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		char hello[4096];
		fds[i] = sock_connect(path, NULL);
		assert_true(fds[i] >= 0);
		fd_set_nonblock(fds[i], false);
		assert_true(read(fds[i], hello, sizeof(hello)) > 0);
	}
	CLEANUP_FREE char *got = talk(x, "", "too many clients");
	assert_non_null(strstr(got, "too many clients"));
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
		close(fds[i]);
	end(x);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_requests),
	    T(test_half_closed),
	    T(test_events_reach_subscribers_only),
	    T(test_strangers),
	    T(test_unanswered_requests_are_limited),
	    T(test_too_many_clients),
	};
	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
