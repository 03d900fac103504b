/* The QMP client against a scripted QEMU, polite and hostile. */
#include "unit/cm.h"

#include "core/mem.h"
#include "fake/peer.h"
#include "kvm/qmp.h"

struct fixture {
	struct loop *loop;
	struct peer peer;
	struct qmp *qmp;
	struct event *deadline;
	struct buf log;
	unsigned wanted; /* the loop ends after so many log entries */
	bool free_in_reply;
};

static void note(struct fixture *x)
{
	if (x->wanted > 0 && --x->wanted == 0)
		loop_stop(x->loop);
}

static void on_ready(void *arg, unsigned version)
{
	struct fixture *x = arg;
	buf_addf(&x->log, "ready %u; ", version);
	note(x);
}

static void on_event(void *arg, const char *name, struct json_object *data, uint64_t ns)
{
	struct fixture *x = arg;
	buf_addf(&x->log, "event %s %s %llu; ", name,
	    data == NULL ? "-" : json_object_to_json_string(data), (unsigned long long)ns);
	note(x);
}

static void on_closed(void *arg, const char *why)
{
	struct fixture *x = arg;
	buf_addf(&x->log, "closed: %s; ", why);
	note(x);
}

static const struct qmp_ops qmp_test_ops = {on_ready, on_event, on_closed};

static void on_reply(void *arg, struct json_object *result, const struct err *err)
{
	struct fixture *x = arg;
	if (err != NULL)
		buf_addf(&x->log, "error %d %s; ", (int)err->code, err->msg);
	else
		buf_addf(&x->log, "%s; ",
		    json_object_to_json_string_ext(result, JSON_C_TO_STRING_PLAIN));
	if (x->free_in_reply) {
		qmp_free(x->qmp);
		x->qmp = NULL;
	}
	note(x);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct fixture *x = arg;
	(void)fd, (void)what;
	buf_adds(&x->log, "DEADLINE; ");
	loop_stop(x->loop);
}

static int setup(void **state)
{
	struct fixture *x = xcalloc(1, sizeof(*x));
	x->loop = loop_new();
	x->deadline = evtimer_new(loop_base(x->loop), on_deadline, x);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;
	qmp_free(x->qmp);
	peer_fini(&x->peer);
	event_free(x->deadline);
	loop_free(x->loop);
	buf_fini(&x->log);
	free(x);
	return 0;
}

static void play(struct fixture *x, const struct peer_step *script, size_t n)
{
	x->qmp = qmp_new(x->loop, peer_open(&x->peer, x->loop, script, n), &qmp_test_ops, x);
}

static void run(struct fixture *x, unsigned entries)
{
	struct timeval tv = {20, 0};
	x->wanted = entries;
	event_add(x->deadline, &tv);
	loop_run(x->loop);
	event_del(x->deadline);
}

static void expect(struct fixture *x, const char *want)
{
	CLEANUP_FREE char *got = buf_take(&x->log);
	assert_string_equal(got, want);
}

#define HELLO                                                             \
	{NULL, PEER_GREETING, false},                                     \
	{                                                                 \
		"qmp_capabilities", "{\"return\":{},\"id\":%ID}\n", false \
	}

static void test_greeting(void **state)
{
	static const struct peer_step script[] = {HELLO};
	struct fixture *x = *state;
	play(x, script, 2);
	assert_int_not_equal(qmp_owed_since(x->qmp), 0); /* the greeting is owed */
	run(x, 1);
	expect(x, "ready 70222; ");
	assert_int_equal(qmp_owed_since(x->qmp), 0);
}

static void test_answers_by_id(void **state)
{
	static const struct peer_step script[] = {HELLO, {"\"one\"", NULL, false},
	    {"\"two\"", "{\"return\":2,\"id\":3}\n{\"return\":1,\"id\":2}\n", false}};
	struct fixture *x = *state;
	play(x, script, 4);
	run(x, 1);
	qmp_send(x->qmp, "one", NULL, 0, on_reply, x);
	struct json_object *args = json_object_new_object();
	json_object_object_add(args, "quote\"d", json_object_new_string("a\nb"));
	qmp_send(x->qmp, "two", args, 0, on_reply, x);
	assert_int_not_equal(qmp_owed_since(x->qmp), 0);
	run(x, 2);
	expect(x, "ready 70222; 2; 1; ");
	assert_non_null(strstr(x->peer.seen.data, "\"arguments\":{\"quote\\\"d\":\"a\\nb\"}"));
	assert_int_equal(qmp_owed_since(x->qmp), 0);
}

static void test_error(void **state)
{
	static const struct peer_step script[] = {HELLO,
	    {"nonsense",
	        "{\"id\":%ID,\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"The command nonsense\\u001b[2J has not been found\"}}\n",
	        false}};
	struct fixture *x = *state;
	play(x, script, 3);
	run(x, 1);
	qmp_send(x->qmp, "nonsense", NULL, 0, on_reply, x);
	run(x, 1);
	expect(x,
	    "ready 70222; error 8 QEMU refused 'nonsense': The command nonsense\\x1b[2J has not been found; ");
}

static void test_events(void **state)
{
	static const struct peer_step script[] = {HELLO,
	    {NULL,
	        "{\"event\":\"STOP\",\"timestamp\":{\"seconds\":1795259664,\"microseconds\":467443}}\n"
	        "{\"event\":\"RESET\",\"data\":{\"guest\":true},\"timestamp\":{\"seconds\":-1,\"microseconds\":-1}}\n"
	        "{\"event\":\"X\",\"timestamp\":{\"seconds\":9223372036854775807,\"microseconds\":5}}\n",
	        false}};
	struct fixture *x = *state;
	play(x, script, 3);
	run(x, 4);
	expect(x,
	    "ready 70222; event STOP - 1795259664467443000; event RESET { \"guest\": true } 0; event X - 0; ");
}

static void test_timeout_and_late_answer(void **state)
{
	static const struct peer_step script[] = {HELLO, {"stop", NULL, false},
	    {"query-status", "{\"return\":\"late\",\"id\":2}\n{\"return\":\"now\",\"id\":%ID}\n",
	        false}};
	struct fixture *x = *state;
	play(x, script, 4);
	run(x, 1);
	qmp_send(x->qmp, "stop", NULL, 20, on_reply, x);
	run(x, 1);
	expect(x,
	    "ready 70222; error 10 QEMU has not answered 'stop' in time: its process is stopped or overloaded; it may still do it later; ");
	assert_int_not_equal(qmp_owed_since(x->qmp), 0);
	qmp_send(x->qmp, "query-status", NULL, 0, on_reply, x);
	run(x, 1);
	expect(x, "\"now\"; ");
	assert_int_equal(qmp_owed_since(x->qmp), 0);
}

static void test_hang_up_fails_what_is_owed(void **state)
{
	static const struct peer_step script[] = {HELLO, {"quit", NULL, true}};
	struct fixture *x = *state;
	play(x, script, 3);
	run(x, 1);
	qmp_send(x->qmp, "quit", NULL, 0, on_reply, x);
	run(x, 2);
	char *log = buf_take(&x->log);
	assert_non_null(strstr(log, "error 11 QEMU did not answer 'quit': "));
	assert_non_null(strstr(log, "; closed: "));
	free(log);
	qmp_send(x->qmp, "stop", NULL, 0, on_reply, x);
	run(x, 1);
	expect(x, "error 11 'stop' was not sent: QEMU's monitor is not connected; ");
}

static void test_freed_in_its_own_callback(void **state)
{
	static const struct peer_step script[] = {HELLO, {"one", NULL, false},
	    {"two", "{\"return\":1,\"id\":2}\n{\"return\":2,\"id\":3}\n", false}};
	struct fixture *x = *state;
	play(x, script, 4);
	run(x, 1);
	x->free_in_reply = true;
	qmp_send(x->qmp, "one", NULL, 10000, on_reply, x);
	qmp_send(x->qmp, "two", NULL, 10000, on_reply, x);
	run(x, 2);
	expect(x,
	    "ready 70222; 1; error 11 QEMU did not answer 'two': the connection to QEMU's monitor was closed; ");
}

static void test_too_many_calls(void **state)
{
	static const struct peer_step script[] = {HELLO};
	struct fixture *x = *state;
	play(x, script, 2);
	run(x, 1);
	for (unsigned i = 0; i < QMP_CALLS_MAX; i++)
		qmp_send(x->qmp, "slow", NULL, 0, NULL, NULL);
	qmp_send(x->qmp, "one-more", NULL, 0, on_reply, x);
	run(x, 1);
	expect(
	    x, "ready 70222; error 11 'one-more' was not sent: QEMU owes 1024 answers already; ");
}

/* Whatever comes instead of QMP ends in `closed` and nothing worse. */
static void test_hostile(void **state)
{
	static const char *const rubbish[] = {
	    "\n\n\nhello\n",
	    "{\"QMP\":17}\n",
	    "{\"QMP\":{\"version\":{\"qemu\":null}}}\n",
	    "{\"return\":{},\"id\":1}\n",
	    "[]\n",
	    "{\"QMP\":{\"version\":{\"qemu\":{\"major\":-5}}}}\n{\"return\":\n",
	    PEER_GREETING "{\"error\":{\"class\":5,\"desc\":[]},\"id\":1}\n",
	    PEER_GREETING
	    "{\"return\":{},\"id\":\"1\"}\n{\"x\":1}\n{\"event\":{}}\n{\"return\":1,\"id\":99}\n\xff\xfe\n",
	};
	struct fixture *x = *state;
	for (size_t i = 0; i < ARRAY_LEN(rubbish); i++) {
		struct peer_step script[] = {{NULL, rubbish[i], false}};
		play(x, script, 1);
		run(x, 1);
		CLEANUP_FREE char *log = buf_take(&x->log);
		if (strncmp(log, "closed: ", 8) != 0)
			fail_msg("after %s: %s", rubbish[i], log);
		qmp_free(x->qmp);
		x->qmp = NULL;
		peer_fini(&x->peer);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_greeting),
	    T(test_answers_by_id),
	    T(test_error),
	    T(test_events),
	    T(test_timeout_and_late_answer),
	    T(test_hang_up_fails_what_is_owed),
	    T(test_freed_in_its_own_callback),
	    T(test_too_many_calls),
	    T(test_hostile),
	};
	return cmocka_run_group_tests_name("qmp", tests, NULL, NULL);
}
