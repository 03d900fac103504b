/* expect: waits for patterns on a console and types answers: automation in one line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/attach.h"
#include "cli/out.h"
#include "cli/port.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/vm.h"
#include "serial/console_client.h"
#include "serial/console_type.h"
#include "serial/expect.h"

#define TIMEOUT_S 60
#define RETRY_MS 200  /* between looks for the supervisor that follows one that was killed */
#define TIMED_OUT 124 /* as timeout(1) */

struct session {
	struct cli *c;
	char *name;
	unsigned index;
	struct loop *loop;
	struct console_client *client;
	struct console_place place; /* where to go on after a loss */
	struct expect *expect;
	enum expect_from from;
	struct console_typist *typist;
	struct buf typing; /* behind what the typist types */
	struct event *late, *again;
	bool over;
	int status;
};

static void over(struct session *s, int status)
{
	if (!s->over)
		s->status = status;
	s->over = true;
	loop_stop(s->loop);
}

static void fail(struct session *s, const struct err *err)
{
	if (!s->over)
		out_error("%s", err->msg);
	over(s, CLI_FAILED);
}

static void over_if_done(struct session *s)
{
	if (expect_done(s->expect) && !s->typist && s->typing.len == 0)
		over(s, CLI_DONE);
}

/* Each pattern has the whole time. */
static void restart_clock(struct session *s)
{
	struct timeval tv = {.tv_sec = (time_t)cli_number(s->c, "timeout", TIMEOUT_S)};
	event_add(s->late, &tv);
}

/* --- typing --- */

static void type_next(struct session *s);

static void on_typed(void *arg, const struct err *why)
{
	struct session *s = arg;
	console_typist_free(s->typist);
	s->typist = NULL;
	if (why)
		fail(s, why);
	else
		type_next(s);
	over_if_done(s);
}

static void type_next(struct session *s)
{
	struct err err = {0};
	if (s->typist || s->typing.len == 0)
		return;
	const struct console_keys keys = {
	    .p = s->typing.data, .n = s->typing.len, .force = cli_flag(s->c, "force")};
	s->typist = console_type(s->loop, &s->c->home, s->name, s->index, &keys, on_typed, s, &err);
	buf_clear(&s->typing);
	if (!s->typist)
		fail(s, &err);
}

static void on_send(void *arg, const char *p, size_t n)
{
	struct session *s = arg;
	buf_add(&s->typing, p, n);
	type_next(s);
}

static void on_matched(void *arg, unsigned step, const char *line)
{
	struct session *s = arg;
	(void)step;
	printf("%s\n", line);
	fflush(stdout);
	restart_clock(s);
}

/* --- from the console --- */

static void look(struct session *s)
{
	if (console_client_live(s->client))
		expect_begin(s->expect, s->from);
	over_if_done(s);
}

static void on_data(void *arg, uint64_t offset, const uint8_t *p, size_t n, bool live)
{
	struct session *s = arg;
	(void)offset;
	/* The first of the news: all before it is history, of which a callback of its own may not have been the last. */
	if (live)
		expect_begin(s->expect, s->from);
	if (!s->over)
		expect_feed(s->expect, p, n);
	look(s);
}

static void on_gap(void *arg, uint64_t from, uint64_t to)
{
	struct session *s = arg;
	(void)from, (void)to;
	expect_break(s->expect, false);
	look(s);
}

static void on_note(void *arg, const struct ring_note *n)
{
	struct session *s = arg;
	if (n->kind == RING_NOTE_BOOT)
		expect_break(s->expect, true);
}

static void on_who(void *arg, const struct console_who *w)
{
	(void)w;
	look(arg);
}

/* The VM is off, or only its supervisor is gone: then the console comes back where it stood. */
static void on_closed(void *arg, const char *why)
{
	struct session *s = arg;
	struct timeval tv = {.tv_usec = RETRY_MS * 1000};
	struct err err = {0};
	struct vm vm;
	bool refused = s->client && console_client_refused(s->client);
	CLEANUP_FREE char *words = xstrdup(why); /* the client's */
	if (s->client)
		s->place = console_client_place(s->client);
	console_client_free(s->client);
	s->client = NULL;
	if (vm_probe(&s->c->home, s->name, &vm, &err) < 0) {
		fail(s, &err);
		return;
	}
	bool live = vm.live;
	if (vm.orphan)
		vm_adopt_all(&s->c->home, &vm, 1);
	if (!live) {
		const char *reason =
		    vm.head ? vm_reason_name((enum vm_reason)vm.head->reason) : "gone";
		expect_end(s->expect);
		over_if_done(s);
		err_set(&err, ERR_STATE, "'%s' is off (%s)%s%s%s", s->name, reason,
		    expect_pattern(s->expect) ? ": nothing matched '" : "",
		    expect_pattern(s->expect) ? expect_pattern(s->expect) : "",
		    expect_pattern(s->expect) ? "'" : "");
		fail(s, &err);
	} else if (refused) {
		err_set(&err, ERR_BUSY, "the console of '%s' cannot be had: %s", s->name, words);
		fail(s, &err);
	} else
		event_add(s->again, &tv);
	vm_fini(&vm);
}

static int attach(struct session *s, struct err *err)
{
	static const struct console_client_ops ops = {
	    .data = on_data, .gap = on_gap, .note = on_note, .who = on_who, .closed = on_closed};
	s->client = console_client_open(s->loop, &s->c->home, s->name, s->index,
	    s->from == EXPECT_NEW ? CONSOLE_NO_REPLAY : 0, s->place.run ? &s->place : NULL, &ops, s,
	    err);
	return s->client ? 0 : -1;
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;
	struct err err = {0};
	(void)fd, (void)what;
	if (attach(s, &err) < 0)
		on_closed(s, err.msg);
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;
	(void)fd, (void)what;
	expect_end(s->expect);
	over_if_done(s);
	if (s->over)
		return;
	const char *pattern = expect_pattern(s->expect), *last = expect_last_line(s->expect);
	CLEANUP_FREE char *line = str_printable(last, strlen(last), 200);
	if (s->typist)
		out_error("'%s' took no input for %llu s", s->name,
		    (unsigned long long)cli_number(s->c, "timeout", TIMEOUT_S));
	else if (pattern)
		out_error("nothing matched '%s' within %llu s; the console%s%s", pattern,
		    (unsigned long long)cli_number(s->c, "timeout", TIMEOUT_S),
		    *line ? "'s last line is: " : " said nothing", line);
	over(s, TIMED_OUT);
}

/* --- the command line --- */

/* Patterns and texts in the order in which they were given. */
static int add_steps(struct session *s, struct err *err)
{
	unsigned n, n_texts, k = 0;
	const char *const *patterns = cli_values(s->c, "pattern", &n);
	const char *const *texts = cli_values(s->c, "send", &n_texts);
	const unsigned *at = cli_places(s->c, "pattern"), *text_at = cli_places(s->c, "send");
	for (unsigned i = 0; i <= n; i++) {
		for (; k < n_texts && (i == n || text_at[k] < at[i]); k++)
			if (expect_add_text(s->expect, texts[k], err) < 0)
				return -1;
		if (i < n && expect_add(s->expect, patterns[i], err) < 0)
			return -1;
	}
	return 0;
}

static int prepare(struct session *s, struct err *err)
{
	if (cli_flag(s->c, "since-boot") && cli_flag(s->c, "new"))
		return err_set(
		    err, ERR_USAGE, "Options --since-boot and --new are mutually exclusive");
	s->from = cli_flag(s->c, "since-boot") ? EXPECT_ALL
	          : cli_flag(s->c, "new")      ? EXPECT_NEW
	                                       : EXPECT_LAST_LINE;
	if (cli_number(s->c, "timeout", TIMEOUT_S) == 0)
		return err_set(err, ERR_USAGE, "--timeout is a number of seconds from 1");
	if (add_steps(s, err) < 0)
		return -1;
	s->name = vm_resolve(&s->c->home, cli_value(s->c, "domain"), err);
	if (!s->name || port_option(s->c, s->name, &s->index, err) < 0 ||
	    attach_check(s->c, s->name, s->index, err) < 0)
		return -1;
	if (attach(s, err) < 0)
		on_closed(s, err->msg); /* its supervisor has just been made */
	return 0;
}

int verb_expect(struct cli *c)
{
	static const struct expect_ops ops = {.matched = on_matched, .send = on_send};
	struct err err = {0};
	struct session s = {.c = c, .loop = loop_new()};
	c->bare = true;
	s.late = evtimer_new(loop_base(s.loop), on_late, &s);
	s.again = evtimer_new(loop_base(s.loop), on_again, &s);
	s.expect = expect_new(&ops, &s);
	if (prepare(&s, &err) == 0) {
		restart_clock(&s);
		loop_run(s.loop);
	} else {
		out_error("%s", err.msg);
		s.status = out_status(&err);
	}
	console_typist_free(s.typist);
	console_client_free(s.client);
	event_free(s.late);
	event_free(s.again);
	expect_free(s.expect);
	buf_fini(&s.typing);
	loop_free(s.loop);
	free(s.name);
	return s.status;
}
