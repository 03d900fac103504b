/* trigger: what matches, how lines are put together, what a flood may cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/buf.h"
#include "core/mem.h"
#include "core/str.h"
#include "serial/trigger.h"

static uint64_t now_ns;
static uint64_t step_ns; /* by which the clock goes on whenever it is read */

static uint64_t clock_fake(void)
{
	return now_ns += step_ns;
}

struct rig {
	struct trigger_set *set;
	struct trigger_watch *w;
	struct buf said; /* "name: line\n" */
	bool refuse;
	unsigned n;
};

static bool on_match(void *arg, unsigned rule, const char *line)
{
	struct rig *r = arg;

	buf_addf(&r->said, "%s: %s\n", trigger_set_rule(r->set, rule)->name, line);
	r->n++;
	assert_true(strlen(line) <= TRIGGER_LINE_MAX);
	assert_true(str_utf8_valid(line, strlen(line)));
	return !r->refuse;
}

static void rig_init(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	now_ns = 1000000000000ull;
	step_ns = 0;
	r->set = trigger_set_new();
	trigger_set_clock(r->set, clock_fake);
}

static void rig_add(struct rig *r, const char *name, const char *pattern, bool once)
{
	const struct trigger_rule rule = {.name = name, .pattern = pattern, .once = once};
	struct err err = {0};

	if (trigger_set_add(r->set, &rule, &err) < 0)
		fail_msg("%s", err.msg);
}

static void rig_defaults(struct rig *r)
{
	for (unsigned i = 0; i < trigger_n_defaults; i++)
		assert_int_equal(trigger_set_add(r->set, &trigger_defaults[i], NULL), i);
}

static void rig_watch(struct rig *r)
{
	r->w = trigger_watch_new(r->set, "serial0", on_match, r);
}

static void rig_fini(struct rig *r)
{
	trigger_watch_free(r->w);
	trigger_set_free(r->set);
	buf_fini(&r->said);
}

static bool feed(struct rig *r, const char *text)
{
	return trigger_watch_feed(r->w, text, strlen(text));
}

static void expect(struct rig *r, const char *said)
{
	assert_string_equal(r->said.data ? r->said.data : "", said);
	buf_clear(&r->said);
}

static void test_defaults(void **state)
{
	static const struct {
		const char *line, *name;
	} cases[] = {
	    {"[    9.1] Kernel panic - not syncing: sysrq triggered crash", "kernel panic"},
	    {"[ 12.3] sh invoked oom-killer: gfp_mask=0x1, order=0", "oom-killer"},
	    {"Out of memory: Killed process 712 (java)", "oom-killer"},
	    {"blk_update_request: I/O error, dev vda, sector 99 op 0x0:(READ)", "I/O error"},
	    {"Buffer I/O error on dev sda1, logical block 0", "I/O error"},
	    {"EXT4-fs error (device vda1): ext4_find_entry:1455", "I/O error"},
	    {"XFS (vda1): metadata I/O error in \"xfs_trans_read\"", "I/O error"},
	    {"\033[0;1;31mYou are in emergency mode\033[0m. After logging in", "emergency shell"},
	    {"Give root password for maintenance", "emergency shell"},
	    {"(initramfs) ", "emergency shell"},
	    {"watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [sh:1]", "soft lockup"},
	    {"rcu: INFO: rcu_sched self-detected stall on CPU", "soft lockup"},
	    {"INFO: task sync:99 blocked for more than 120 seconds.", "hung task"},
	    {"web1 login: ", "login"},
	    {"we\033[1mb1 lo\033[0mgin:\033[0m ", "login"},
	    {"blk_update_request: I/O error, dev fd0, sector 0", NULL},
	    {"Last login: Mon Nov 21 from 10.0.0.1", NULL},
	    {"everything is fine", NULL},
	    {"no kernel panics here", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct rig r;

		rig_init(&r);
		rig_defaults(&r);
		rig_watch(&r);
		feed(&r, "before\r\n");
		feed(&r, cases[i].line);
		feed(&r, "\r\nafter\r\n");
		assert_int_equal(r.n, cases[i].name ? 1 : 0);
		if (cases[i].name && !str_prefix(r.said.data, cases[i].name))
			fail_msg("'%s' is taken for %s", cases[i].line, r.said.data);
		rig_fini(&r);
	}
}

/* The same whatever the cuts, and each line once. */
static void test_cuts(void **state)
{
	static const char text[] = "one\r\nx Kernel panic - not syncing: y\r\n"
	                           "the sh invoked oom-killer: z\r\nweb1 login: ";

	(void)state;
	for (size_t cut = 1; cut < sizeof(text); cut++) {
		struct rig r;
		bool rest = false;

		rig_init(&r);
		rig_defaults(&r);
		rig_watch(&r);
		for (size_t at = 0; at < sizeof(text) - 1; at += cut) {
			size_t n = sizeof(text) - 1 - at < cut ? sizeof(text) - 1 - at : cut;
			rest = trigger_watch_feed(r.w, text + at, n);
		}
		assert_true(rest);
		trigger_watch_pause(r.w);
		trigger_watch_pause(r.w);
		feed(&r, "root\r\n");
		expect(&r, "kernel panic: x Kernel panic - not syncing: y\n"
		           "oom-killer: the sh invoked oom-killer: z\nlogin: web1 login:\n");
		rig_fini(&r);
	}
}

/* A prompt with its blank; once in a boot; again when it could not be answered. */
static void test_prompt(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r);
	rig_add(&r, "boot", "^boot: $", true);
	rig_watch(&r);
	r.refuse = true;
	assert_true(feed(&r, "LILO\r\nboot: "));
	expect(&r, "");
	trigger_watch_pause(r.w);
	expect(&r, "boot: boot:\n");
	r.refuse = false;
	feed(&r, "\r\nboot: ");
	trigger_watch_pause(r.w);
	expect(&r, "boot: boot:\n"); /* at the line's end; not once more at the next prompt */
	now_ns += 3600000000000ull;
	feed(&r, "\r\nboot: ");
	trigger_watch_pause(r.w);
	expect(&r, "");
	trigger_watch_boot(r.w);
	feed(&r, "boot: ");
	trigger_watch_pause(r.w);
	expect(&r, "boot: boot:\n");
	trigger_watch_boot(r.w);
	trigger_watch_spent(r.w, 0);
	feed(&r, "boot: ");
	trigger_watch_pause(r.w);
	expect(&r, "");
	rig_fini(&r);
}

static void test_rest(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r);
	rig_add(&r, "a", "alpha", false);
	rig_add(&r, "b", "beta[0-9]", false);
	rig_watch(&r);
	feed(&r, "alpha\nalpha\nbeta1\nalpha beta2\n");
	expect(&r, "a: alpha\nb: beta1\n");
	now_ns += TRIGGER_EVERY_MS * 1000000ull + 1;
	feed(&r, "alpha beta2\n");
	expect(&r, "a: alpha beta2\nb: alpha beta2\n");
	rig_fini(&r);
}

static void test_port(void **state)
{
	struct rig r;
	const struct trigger_rule rule = {.name = "x", .pattern = "xxx", .port = "serial1"};

	(void)state;
	rig_init(&r);
	trigger_set_add(r.set, &rule, NULL);
	rig_watch(&r);
	feed(&r, "xxx\n");
	expect(&r, "");
	trigger_watch_free(r.w);
	r.w = trigger_watch_new(r.set, "serial1", on_match, &r);
	feed(&r, "xxx\n");
	expect(&r, "x: xxx\n");
	rig_fini(&r);
}

static void test_set_limits(void **state)
{
	struct rig r;
	const struct trigger_rule bad = {.name = "x", .pattern = "(a"};
	struct err err = {0};

	(void)state;
	rig_init(&r);
	assert_int_equal(trigger_set_add(r.set, &bad, &err), -1);
	assert_non_null(strstr(err.msg, "trigger 'x'"));
	for (unsigned i = 0; i < TRIGGER_RULES_MAX; i++)
		rig_add(&r, "n", "(a|b)c|ddd|eee|fff", false);
	assert_int_equal(trigger_set_add(r.set, &trigger_defaults[0], &err), -1);
	rig_fini(&r);
}

/* A line of a megabyte: what stands in it is found once, and what is told of it is short. */
static void test_long_line(void **state)
{
	for (unsigned block = 1000; block <= 65536; block *= 8) {
		struct rig r;
		size_t n = 1u << 20;
		char *text = xmalloc(n);

		(void)state;
		rig_init(&r);
		rig_defaults(&r);
		rig_add(&r, "all", "z[0-9]+z", false); /* without a literal */
		rig_watch(&r);
		memset(text, 'x', n);
		memcpy(text + n / 2, "\xe2\x80\xae Kernel panic - not syncing\033]0;a", 35);
		for (size_t at = 0; at < n; at += block)
			trigger_watch_feed(r.w, text + at, n - at < block ? n - at : block);
		feed(&r, "\n");
		assert_int_equal(r.n, 1);
		assert_null(strchr(r.said.data, 033));
		free(text);
		rig_fini(&r);
	}
}

/* A pattern without a literal, and one whose literal is everywhere: their time is used up, the others still look. */
static void test_flood(void **state)
{
	struct rig r;
	unsigned lines = 0;

	(void)state;
	rig_init(&r);
	rig_defaults(&r);
	rig_add(&r, "everything", "^[a-z]+z[0-9]$", false);
	rig_add(&r, "often", "spam.*z[0-9]$", false);
	rig_watch(&r);
	step_ns = 20000; /* a look at the clock costs 20 us: reads are a measure of work */
	uint64_t began = now_ns;
	for (; lines < 20000; lines++)
		feed(&r, "spam spam \033[1mspam\033[0m\n");
	feed(&r, "Kernel panic - not syncing: at last\n");
	expect(&r, "kernel panic: Kernel panic - not syncing: at last\n");
	/* Without limits it were three expressions a line. The clock itself is asked a few times a line. */
	assert_true((now_ns - began) / step_ns < 6ull * lines);
	rig_fini(&r);
}

/* A line that costs a second is looked at once in minutes; other rules go on. */
static void test_debt(void **state)
{
	struct rig r;

	(void)state;
	rig_init(&r);
	rig_add(&r, "plain", "spam", false);
	rig_add(&r, "costly", "eggs.*[0-9]$", false);
	rig_watch(&r);
	step_ns = 1000000000; /* the clock goes on by a second whenever it is asked */
	feed(&r, "eggs\n");
	step_ns = 0;
	now_ns += 60000000000u;
	feed(&r, "eggs and spam 1\n");
	expect(&r, "plain: eggs and spam 1\n");
	now_ns += 300000000000u;
	feed(&r, "eggs 2\n");
	expect(&r, "costly: eggs 2\n");
	rig_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_debt),
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_cuts),
	    cmocka_unit_test(test_prompt),
	    cmocka_unit_test(test_rest),
	    cmocka_unit_test(test_port),
	    cmocka_unit_test(test_set_limits),
	    cmocka_unit_test(test_long_line),
	    cmocka_unit_test(test_flood),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
