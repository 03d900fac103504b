/* The guest agent's client against scripted agents: polite, slow, late, lying, flooding. */
#include "unit/cm.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <linux/sockios.h>

#include "core/mem.h"
#include "fake/peer.h"
#include "kvm/agent.h"
#include "kvm/agent_wire.h"

#define SYNCED "\xff{\"return\": %ID}\n"
#define INFO                                                                               \
	"{\"return\": {\"version\": \"7.2.22\", \"supported_commands\": [{\"name\": "      \
	"\"guest-ping\", \"enabled\": true}, {\"name\": \"guest-shutdown\", \"enabled\": " \
	"false}]}}\n"
#define HELLO                                    \
	{"guest-sync-delimited", SYNCED, false}, \
	{                                        \
		"guest-info", INFO, false        \
	}

struct fixture {
	struct loop *loop;
	struct peer peer;
	struct agent *agent;
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

static void on_changed(void *arg)
{
	struct fixture *x = arg;
	buf_addf(
	    &x->log, "%s %s; ", agent_ready(x->agent) ? "ready" : "gone", agent_version(x->agent));
	note(x);
}

static void on_closed(void *arg, const char *why)
{
	struct fixture *x = arg;
	buf_addf(&x->log, "closed: %s; ", why);
	note(x);
}

static const struct agent_ops test_ops = {on_changed, on_closed};

static void on_reply(void *arg, struct json_object *result, const struct err *err)
{
	struct fixture *x = arg;
	if (err != NULL)
		buf_addf(&x->log, "error %d %s; ", (int)err->code, err->msg);
	else
		buf_addf(&x->log, "%s; ",
		    json_object_to_json_string_ext(result, JSON_C_TO_STRING_PLAIN));
	if (x->free_in_reply) {
		agent_free(x->agent);
		x->agent = NULL;
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
	x->peer.fd = -1;
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;
	agent_free(x->agent);
	peer_fini(&x->peer);
	event_free(x->deadline);
	loop_free(x->loop);
	buf_fini(&x->log);
	free(x);
	return 0;
}

static void begin(struct fixture *x, const struct peer_step *script, size_t n)
{
	x->agent = agent_new(x->loop, peer_open(&x->peer, x->loop, script, n), &test_ops, x);
	agent_present(x->agent, true);
}

static void run(struct fixture *x, unsigned entries)
{
	struct timeval tv = {20, 0};
	x->wanted = entries;
	evtimer_add(x->deadline, &tv);
	loop_run(x->loop);
	evtimer_del(x->deadline);
}

static void expect(struct fixture *x, const char *log)
{
	assert_string_equal(x->log.data == NULL ? "" : x->log.data, log);
	buf_clear(&x->log);
}

static void ask(struct fixture *x, const char *command, unsigned timeout_ms)
{
	agent_send(x->agent, command, NULL, 0, timeout_ms, on_reply, x);
}

static void greets_and_answers(void **state)
{
	static const struct peer_step script[] = {HELLO,
	    {"guest-ping", "{\"return\": {}}\n", false},
	    {"guest-get-users", "{\"return\": [1, 2]}\n", false}};
	struct fixture *x = *state;
	begin(x, script, ARRAY_LEN(script));
	assert_false(agent_ready(x->agent));
	run(x, 1);
	expect(x, "ready 7.2.22; ");
	assert_true(agent_supports(x->agent, "guest-ping"));
	assert_false(agent_supports(x->agent, "guest-shutdown")); /* disabled */
	assert_false(agent_supports(x->agent, "guest-fly"));
	ask(x, "guest-ping", 0);
	ask(x, "guest-get-users", 0);
	run(x, 2);
	expect(x, "{}; [1,2]; ");
	assert_true(agent_idle(x->agent));
	assert_int_equal(x->peer.surprises, 0);
	/* The mark before the synchronisation ends half a command of somebody else's. */
	assert_int_equal((unsigned char)x->peer.seen.data[0], 0xff);
}

static void absent_is_refused(void **state)
{
	struct fixture *x = *state;
	begin(x, NULL, 0);
	agent_present(x->agent, false);
	expect(x, "closed: QEMU guest agent is not connected; "); /* the greeting was owed */
	ask(x, "guest-ping", 0);
	run(x, 1);
	expect(x, "error 6 Guest agent is not responding: QEMU guest agent is not connected; ");
}

static void agents_errors(void **state)
{
	static const struct peer_step script[] = {HELLO,
	    {"guest-fly",
	        "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"no \x1b[31m wings\"}}\n",
	        false},
	    {"guest-ping", "{\"error\": {\"class\": \"GenericError\", \"desc\": 7}}\n", false}};
	struct fixture *x = *state;
	begin(x, script, ARRAY_LEN(script));
	ask(x, "guest-fly", 0);
	ask(x, "guest-ping", 0);
	run(x, 3);
	expect(x,
	    "ready 7.2.22; error 8 unable to execute QEMU agent command 'guest-fly': no \\x1b[31m "
	    "wings; error 1 unable to execute QEMU agent command 'guest-ping': no reason given; ");
}

/* The first command times out; its answer comes before the second's synchronisation, and is nobody's. */
static void late_answer_is_dropped(void **state)
{
	static const struct peer_step script[] = {HELLO, {"guest-slow", NULL, false},
	    {"guest-sync-delimited", "{\"return\": \"late\"}\n\xff{\"return\": 5}\n" SYNCED, false},
	    {"guest-ping", "{\"return\": \"mine\"}\n", false}};
	struct fixture *x = *state;
	begin(x, script, ARRAY_LEN(script));
	run(x, 1);
	ask(x, "guest-slow", 50);
	ask(x, "guest-ping", 0);
	run(x, 2);
	expect(x,
	    "ready 7.2.22; error 10 Guest agent is not responding: no answer to 'guest-slow' in "
	    "time; it may still do it; \"mine\"; ");
	assert_int_equal(x->peer.surprises, 0);
}

static void unasked_words_are_nobodys(void **state)
{
	static const struct peer_step script[] = {
	    {NULL, "{\"return\": \"early\"}\n{\"half\": ", false}, HELLO,
	    {"guest-ping", "{\"return\": 1}\n{\"return\": 2}\n{\"return\": 3}\n", false},
	    {"guest-ping", "{\"return\": 4}\n", false}};
	struct fixture *x = *state;
	begin(x, script, ARRAY_LEN(script));
	ask(x, "guest-ping", 0);
	run(x, 2);
	ask(x, "guest-ping", 0);
	run(x, 1);
	expect(x, "ready 7.2.22; 1; 4; ");
}

/* A synchronisation without the mark, or with another number, proves nothing. */
static void wrong_ids_are_not_believed(void **state)
{
	static const struct peer_step script[] = {
	    {"guest-sync-delimited",
	        "{\"return\": %ID}\n\xff{\"return\": 1%ID}\n\xff{\"return\": \"%ID\"}\n", false},
	    {"guest-ping", "{\"return\": 9}\n", false}};
	struct fixture *x = *state;
	begin(x, script, ARRAY_LEN(script));
	ask(x, "guest-ping", 500);
	run(x, 1);
	expect(x, "error 10 Guest agent is not responding: no answer to 'guest-ping' in time; ");
	assert_int_equal(x->peer.at, 1);
	assert_int_equal(x->peer.surprises, 0); /* it was never sent */
}

struct rubbish {
	const char *line, *why;
};

static void rubbish_ends_a_command(void **state)
{
	static const struct rubbish lines[] = {
	    {"hello\n", "is not a JSON object"},
	    {"{\"return\": \"\xc3\x28\"}\n", "is not UTF-8"},
	    {"{\"return\": {\n", "is not a JSON object"},
	    {"[1]\n", "is not a JSON object"},
	    {"{\"result\": 1}\n", "is neither a result nor an error"},
	    {"{\"return\": [[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]}\n", "is nested too deeply"},
	};
	struct fixture *x = *state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		const struct peer_step script[] = {HELLO, {"guest-ping", lines[i].line, false},
		    {"guest-sync-delimited", SYNCED, false},
		    {"guest-ping", "{\"return\": \"again\"}\n", false}};
		begin(x, script, ARRAY_LEN(script));
		ask(x, "guest-ping", 0);
		ask(x, "guest-ping", 0);
		run(x, 3);
		CLEANUP_FREE char *log = xasprintf(
		    "ready 7.2.22; error 1 the guest agent's answer to 'guest-ping' %s; \"again\"; ",
		    lines[i].why);
		expect(x, log);
		assert_int_equal(x->peer.surprises, 0);
		agent_free(x->agent);
		x->agent = NULL;
		peer_fini(&x->peer);
	}
}

static void silence_is_success_for_shutdown(void **state)
{
	static const struct peer_step script[] = {HELLO, {"guest-sync-delimited", SYNCED, false},
	    {"guest-shutdown", NULL, false}, {"guest-sync-delimited", SYNCED, false},
	    {"guest-shutdown", "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}}\n",
	        false}};
	struct fixture *x = *state;
	begin(x, script, ARRAY_LEN(script));
	run(x, 1);
	agent_send(
	    x->agent, "guest-shutdown", NULL, AGENT_SYNC_FIRST | AGENT_NO_ANSWER, 0, on_reply, x);
	run(x, 1);
	agent_send(
	    x->agent, "guest-shutdown", NULL, AGENT_SYNC_FIRST | AGENT_NO_ANSWER, 0, on_reply, x);
	run(x, 1);
	expect(x,
	    "ready 7.2.22; null; error 1 unable to execute QEMU agent command 'guest-shutdown': no; ");
	assert_int_equal(x->peer.surprises, 0);
}

static void leaving_is_success_for_shutdown(void **state)
{
	static const struct peer_step script[] = {
	    HELLO, {"guest-sync-delimited", SYNCED, false}, {"guest-shutdown", NULL, true}};
	struct fixture *x = *state;
	begin(x, script, ARRAY_LEN(script));
	run(x, 1);
	agent_send(
	    x->agent, "guest-shutdown", NULL, AGENT_SYNC_FIRST | AGENT_NO_ANSWER, 0, on_reply, x);
	run(x, 2);
	expect(x, "ready 7.2.22; null; closed: its channel was closed; ");
}

static void agent_restarts(void **state)
{
	static const struct peer_step script[] = {HELLO, HELLO};
	struct fixture *x = *state;
	begin(x, script, ARRAY_LEN(script));
	run(x, 1);
	agent_present(x->agent, false);
	agent_present(x->agent, true);
	run(x, 1);
	expect(x, "ready 7.2.22; gone 7.2.22; ready 7.2.22; ");
}

static void killed_between_question_and_answer(void **state)
{
	static const struct peer_step script[] = {HELLO, {"guest-ping", "{\"retu", true}};
	struct fixture *x = *state;
	begin(x, script, ARRAY_LEN(script));
	ask(x, "guest-ping", 0);
	run(x, 3);
	expect(x,
	    "ready 7.2.22; error 11 Guest agent is not responding: its channel was closed; closed: "
	    "its channel was closed; ");
}

static void freed_in_a_reply(void **state)
{
	static const struct peer_step script[] = {
	    HELLO, {"guest-ping", "{\"return\": 1}\n", false}};
	struct fixture *x = *state;
	begin(x, script, ARRAY_LEN(script));
	run(x, 1);
	x->free_in_reply = true;
	ask(x, "guest-ping", 0);
	ask(x, "guest-ping", 0);
	run(x, 2);
	expect(x,
	    "ready 7.2.22; 1; error 11 Guest agent is not responding: the connection to it was closed; ");
}

static void too_many_wait(void **state)
{
	static const struct peer_step script[] = {HELLO};
	struct fixture *x = *state;
	begin(x, script, ARRAY_LEN(script));
	run(x, 1);
	for (unsigned i = 0; i < AGENT_CALLS_MAX; i++)
		agent_send(x->agent, "guest-ping", NULL, 0, 0, NULL, NULL);
	ask(x, "guest-ping", 0);
	run(x, 1);
	expect(x,
	    "ready 7.2.22; error 6 Guest agent is not responding: too many commands wait for it; ");
}

/* --- a flood --- */

struct flood {
	int fd;
	atomic_bool stop, done;
	atomic_size_t written;
};

static void *pour(void *arg)
{
	struct flood *f = arg;
	char bytes[65536];
	memset(bytes, 'x', sizeof(bytes));
	while (!atomic_load(&f->stop)) {
		ssize_t n = send(f->fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
		if (n <= 0)
			break;
		atomic_fetch_add(&f->written, (size_t)n);
	}
	atomic_store(&f->done, true);
	return NULL;
}

struct beat {
	uint64_t last_ms, worst_ms;
	struct loop *loop;
	struct flood *dry; /* ends the loop when the flood is over and all of it was taken */
};

static void on_beat(evutil_socket_t fd, short what, void *arg)
{
	struct beat *b = arg;
	(void)fd, (void)what;
	uint64_t now = loop_now_ms();
	if (now - b->last_ms > b->worst_ms)
		b->worst_ms = now - b->last_ms;
	b->last_ms = now;
	int queued = 0;
	if (b->dry != NULL && atomic_load(&b->dry->done) &&
	    ioctl(b->dry->fd, SIOCOUTQ, &queued) == 0 && queued == 0)
		loop_stop(b->loop);
}

/* x for as long as the command waits: the loop beats on, little is kept, and not more is read than the rate allows. */
static void flood_is_drained_slowly(void **state)
{
	static const struct peer_step script[] = {HELLO, {"guest-ping", NULL, false},
	    {"guest-sync-delimited", "\n" SYNCED, false},
	    {"guest-ping", "{\"return\": \"dry\"}\n", false}};
	struct fixture *x = *state;
	struct timeval every = {0, 10000};
	struct beat beat = {loop_now_ms(), 0, x->loop, NULL};
	begin(x, script, ARRAY_LEN(script));
	run(x, 1);
	struct flood f = {.fd = x->peer.fd};
	pthread_t thread;
	struct event *ev = event_new(loop_base(x->loop), -1, EV_PERSIST, on_beat, &beat);
	size_t before = mallinfo2().uordblks;
	assert_int_equal(pthread_create(&thread, NULL, pour, &f), 0);
	event_add(ev, &every);
	beat.last_ms = loop_now_ms();
	uint64_t began = beat.last_ms;
	ask(x, "guest-ping", 1500);
	run(x, 1);
	uint64_t took = loop_now_ms() - began;
	size_t kept = mallinfo2().uordblks - before;
	atomic_store(&f.stop, true);
	assert_true(kept < 4u * AGENT_MESSAGE_MAX);
	assert_true(beat.worst_ms < 1000);
	size_t most = (size_t)(took + 1000) * (AGENT_RATE / 1000);
	assert_in_range(atomic_load(&f.written), 1, most);
	beat.dry = &f;
	run(x, 0);
	pthread_join(thread, NULL);
	event_free(ev);
	/* Dry again, it is found again. */
	ask(x, "guest-ping", 15000);
	run(x, 1);
	assert_non_null(strstr(x->log.data, "\"dry\"; "));
	assert_non_null(strstr(x->log.data, "no answer to 'guest-ping' in time"));
}

/* --- the wire alone --- */

static bool wire_message(void *arg, struct json_object *o, bool marked)
{
	buf_addf(arg, "%s%s ", marked ? "!" : "",
	    json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	return true;
}

static bool wire_rubbish(void *arg, const char *why)
{
	buf_addf(arg, "(%s) ", why);
	return true;
}

static const struct agent_wire_ops wire_test_ops = {wire_message, wire_rubbish};

static void feed(struct agent_wire *w, struct buf *log, const char *s, size_t n)
{
	agent_wire_feed(w, s, n, &wire_test_ops, log);
}

static void wire_splits_anywhere(void **state)
{
	static const char s[] =
	    "{\"a\":1}\n\n {\"b\\\"]\":\"\\\\\"}\r\n{\"lost\": \xff{\"c\":2}\n{\"d\":3}\n";
	(void)state;
	for (size_t piece = 1; piece < sizeof(s); piece++) {
		struct agent_wire w;
		CLEANUP_BUF struct buf log = BUF_INIT;
		agent_wire_init(&w);
		for (size_t at = 0; at < sizeof(s) - 1; at += piece) {
			size_t left = sizeof(s) - 1 - at;
			feed(&w, &log, s + at, left < piece ? left : piece);
		}
		assert_string_equal(
		    log.data, "{\"a\":1} {\"b\\\"]\":\"\\\\\"} !{\"c\":2} {\"d\":3} ");
		agent_wire_fini(&w);
	}
}

static void wire_limits(void **state)
{
	struct agent_wire w;
	CLEANUP_BUF struct buf log = BUF_INIT, big = BUF_INIT;
	(void)state;
	agent_wire_init(&w);
	buf_adds(&big, "{\"s\":\"");
	while (big.len < AGENT_MESSAGE_MAX)
		buf_adds(&big, "xxxxxxxxxxxxxxxx");
	buf_adds(&big, "\"}\n{\"next\":1}\n");
	feed(&w, &log, big.data, big.len);
	assert_true(w.line.cap < 1024); /* nothing is kept of it */
	buf_clear(&big);
	buf_adds(&big, "{\"v\":[0");
	for (unsigned i = 0; i < AGENT_VALUES_MAX; i++)
		buf_adds(&big, ",0");
	buf_adds(&big, "]}\n{\"next\":2}\n");
	feed(&w, &log, big.data, big.len);
	assert_string_equal(log.data,
	    "(is over the size limit) {\"next\":1} (holds too many values) {\"next\":2} ");
	agent_wire_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(greets_and_answers, setup, teardown),
	    cmocka_unit_test_setup_teardown(absent_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(agents_errors, setup, teardown),
	    cmocka_unit_test_setup_teardown(late_answer_is_dropped, setup, teardown),
	    cmocka_unit_test_setup_teardown(unasked_words_are_nobodys, setup, teardown),
	    cmocka_unit_test_setup_teardown(wrong_ids_are_not_believed, setup, teardown),
	    cmocka_unit_test_setup_teardown(rubbish_ends_a_command, setup, teardown),
	    cmocka_unit_test_setup_teardown(silence_is_success_for_shutdown, setup, teardown),
	    cmocka_unit_test_setup_teardown(leaving_is_success_for_shutdown, setup, teardown),
	    cmocka_unit_test_setup_teardown(agent_restarts, setup, teardown),
	    cmocka_unit_test_setup_teardown(killed_between_question_and_answer, setup, teardown),
	    cmocka_unit_test_setup_teardown(freed_in_a_reply, setup, teardown),
	    cmocka_unit_test_setup_teardown(too_many_wait, setup, teardown),
	    cmocka_unit_test_setup_teardown(flood_is_drained_slowly, setup, teardown),
	    cmocka_unit_test(wire_splits_anywhere),
	    cmocka_unit_test(wire_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
