/* broadcast: who gets keys, and whose echo is another than that of the rest. */
#include "unit/cm.h"

#include "tui/broadcast.h"

struct rig {
	struct broadcast b;
	uint64_t now;
};

static void rig_open(struct rig *r, unsigned n)
{
	char name[16];
	broadcast_init(&r->b, n);
	r->now = 100000;
	for (unsigned i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "web%u", i + 1);
		broadcast_name(&r->b, i, name);
		broadcast_able(&r->b, i, true);
	}
}

static void says(struct rig *r, unsigned i, const char *text)
{
	broadcast_echo(&r->b, i, (const uint8_t *)text, strlen(text), r->now);
}

static void all_say(struct rig *r, const char *text)
{
	for (unsigned i = 0; i < r->b.n; i++)
		says(r, i, text);
}

static void key(struct rig *r, struct vt_key k)
{
	broadcast_key(&r->b, &k, r->now);
}

static void type(struct rig *r, const char *text)
{
	for (; *text; text++)
		key(r, *text == '\r' ? (struct vt_key){.sym = VT_KEY_ENTER}
		                     : (struct vt_key){.cp = (uint32_t)*text});
}

/* Lets the time pass that is asked for; true when somebody's judgement changed. */
static bool settle(struct rig *r)
{
	int ms = broadcast_wait(&r->b, r->now);
	if (ms < 0)
		return false;
	r->now += (uint64_t)ms;
	return broadcast_judge(&r->b, r->now);
}

static const char *differing(const struct rig *r)
{
	static char out[BROADCAST_MAX + 1];
	for (unsigned i = 0; i < r->b.n; i++)
		out[i] = r->b.member[i].differs ? 'x' : '.';
	out[r->b.n] = '\0';
	return out;
}

static void keys_go_to_those_that_are_in_and_able(void **state)
{
	struct rig r;
	(void)state;
	rig_open(&r, 4);
	assert_int_equal(broadcast_count(&r.b), 4);
	broadcast_choose(&r.b, 1, false);
	broadcast_able(&r.b, 3, false);
	assert_true(broadcast_gets(&r.b, 0));
	assert_false(broadcast_gets(&r.b, 1));
	assert_false(broadcast_gets(&r.b, 3));
	assert_false(broadcast_gets(&r.b, 4));
	assert_int_equal(broadcast_count(&r.b), 2);
	broadcast_choose(&r.b, 1, true);
	assert_int_equal(broadcast_count(&r.b), 3);
}

static void the_same_echo_is_no_difference(void **state)
{
	struct rig r;
	(void)state;
	rig_open(&r, 3);
	assert_int_equal(broadcast_wait(&r.b, r.now), -1); /* nothing was typed */
	type(&r, "uptime");
	says(&r, 0, "uptime");
	says(&r, 1, "up\033[1mti\033[0mme");
	says(&r, 2, "upt");
	r.now += 100;
	says(&r, 2, "ime");
	assert_int_equal(broadcast_wait(&r.b, r.now), BROADCAST_SETTLE_MS);
	assert_false(settle(&r));
	assert_string_equal(differing(&r), "...");
	assert_int_equal(broadcast_wait(&r.b, r.now), -1);
}

static void the_odd_one_is_pointed_out_until_it_agrees(void **state)
{
	struct rig r;
	(void)state;
	rig_open(&r, 3);
	type(&r, "x");
	says(&r, 0, "x");
	says(&r, 1, "Login incorrect");
	says(&r, 2, "x");
	assert_true(settle(&r));
	assert_string_equal(differing(&r), ".x.");
	assert_int_equal(broadcast_differing(&r.b), 1);
	/* Silence of all, as at a password, is no agreement. */
	type(&r, "s");
	assert_false(settle(&r));
	assert_string_equal(differing(&r), ".x.");
	type(&r, "y");
	all_say(&r, "y");
	assert_true(settle(&r));
	assert_string_equal(differing(&r), "...");
}

static void one_that_does_not_echo_is_pointed_out(void **state)
{
	struct rig r;
	(void)state;
	rig_open(&r, 3);
	type(&r, "secret\r");
	says(&r, 0, "secret\r\n");
	says(&r, 1, "secret\r\n");
	says(&r, 2, "\r\n");
	assert_true(settle(&r));
	assert_string_equal(differing(&r), "..x");
}

static void one_that_is_late_is_forgiven(void **state)
{
	struct rig r;
	(void)state;
	rig_open(&r, 3);
	type(&r, "ls");
	says(&r, 0, "ls");
	says(&r, 1, "ls");
	assert_true(settle(&r));
	assert_string_equal(differing(&r), "..x");
	r.now += 5000;
	says(&r, 2, "ls");
	says(&r, 0, "a message of the kernel"); /* after the judgement: no echo */
	assert_true(settle(&r));
	assert_string_equal(differing(&r), "...");
}

static void what_a_command_prints_may_differ(void **state)
{
	struct rig r;
	(void)state;
	rig_open(&r, 3);
	type(&r, "hostname\r");
	says(&r, 0, "hostname\r\nweb1\r\nroot@web1:~# ");
	says(&r, 1, "hostname\r\nweb2\r\nroot@web2:~# ");
	says(&r, 2, "hostname\r\nweb3\r\nroot@web3:~# ");
	/* All have echoed: nothing is waited for. */
	assert_int_equal(broadcast_wait(&r.b, r.now), 0);
	assert_false(settle(&r));
	assert_string_equal(differing(&r), "...");
	/* Nor does an empty line tell anything. */
	r.now += 1000;
	type(&r, "\r");
	says(&r, 0, "\r\nroot@web1:~# ");
	says(&r, 1, "\r\nsomething else");
	says(&r, 2, "\r\nroot@web3:~# ");
	assert_false(settle(&r));
	assert_string_equal(differing(&r), "...");
}

static void a_prompt_with_the_own_name_is_no_difference(void **state)
{
	struct rig r;
	struct vt_key up = {.sym = VT_KEY_UP};
	(void)state;
	rig_open(&r, 3);
	key(&r, up);
	says(&r, 0, "\rroot@web1:~# reboot web1\033[K");
	says(&r, 1, "\rroot@web2:~# reboot web1\033[K");
	says(&r, 2, "\rroot@web3:~# rm -rf tmp\033[K");
	assert_true(settle(&r));
	assert_string_equal(differing(&r), "..x");
}

static void a_line_wraps_where_the_prompt_makes_it(void **state)
{
	struct rig r;
	(void)state;
	rig_open(&r, 2);
	type(&r, "abcdefgh");
	says(&r, 0, "abcdef\r\ngh");
	says(&r, 1, "abcdefgh");
	assert_false(settle(&r));
	assert_string_equal(differing(&r), "..");
}

static void without_a_majority_all_are_pointed_out(void **state)
{
	struct rig r;
	(void)state;
	rig_open(&r, 4);
	type(&r, "a");
	says(&r, 0, "a");
	says(&r, 1, "b");
	says(&r, 2, "a");
	says(&r, 3, "b");
	assert_true(settle(&r));
	assert_string_equal(differing(&r), "xxxx");
	r.now += 1000;
	type(&r, "c");
	says(&r, 0, "c");
	says(&r, 1, "d");
	says(&r, 2, "c");
	says(&r, 3, "e");
	assert_true(settle(&r));
	assert_string_equal(differing(&r), ".x.x");
}

static void one_that_prints_on_is_judged_all_the_same(void **state)
{
	struct rig r;
	unsigned rounds = 0;
	(void)state;
	rig_open(&r, 3);
	says(&r, 2, "downloading");
	r.now += 10;
	type(&r, "q");
	says(&r, 0, "q");
	says(&r, 1, "q");
	while (!broadcast_differing(&r.b) && rounds++ < 100) {
		r.now += 100;
		says(&r, 2, "#");
		broadcast_judge(&r.b, r.now);
	}
	assert_string_equal(differing(&r), "..x");
	assert_in_range(rounds, 14, 16); /* BROADCAST_LATE_MS */
}

static void keys_ahead_of_all_tell_nothing(void **state)
{
	struct rig r;
	(void)state;
	rig_open(&r, 3);
	all_say(&r, "booting");
	r.now += 10;
	type(&r, "q");
	says(&r, 0, "q");
	says(&r, 1, "one [ok]");
	assert_false(settle(&r));
	assert_string_equal(differing(&r), "...");
	assert_int_equal(broadcast_wait(&r.b, r.now), -1);
	/* When all are quiet, the next key does. */
	type(&r, "w");
	says(&r, 0, "w");
	says(&r, 1, "x");
	says(&r, 2, "w");
	assert_true(settle(&r));
	assert_string_equal(differing(&r), ".x.");
}

static void who_is_taken_out_is_not_judged(void **state)
{
	struct rig r;
	(void)state;
	rig_open(&r, 3);
	type(&r, "x");
	says(&r, 0, "x");
	says(&r, 1, "y");
	says(&r, 2, "x");
	settle(&r);
	assert_string_equal(differing(&r), ".x.");
	broadcast_choose(&r.b, 1, false);
	assert_string_equal(differing(&r), "...");
	type(&r, "z");
	says(&r, 0, "z");
	says(&r, 1, "w");
	says(&r, 2, "z");
	assert_false(settle(&r));
	assert_string_equal(differing(&r), "...");
	broadcast_able(&r.b, 2, false);
	type(&r, "z");
	assert_int_equal(broadcast_wait(&r.b, r.now), -1); /* one alone agrees with itself */
}

static void pasted_text_is_judged_to_its_first_line_end(void **state)
{
	struct rig r;
	(void)state;
	rig_open(&r, 3);
	broadcast_paste(&r.b, "echo a\necho b\n", 14, r.now);
	says(&r, 0, "echo a\r\na\r\n");
	says(&r, 1, "echo a\r\nbash: fork\r\n");
	says(&r, 2, "-- INSERT --");
	assert_true(settle(&r));
	assert_string_equal(differing(&r), "..x");
}

/* A guest that floods, and one that sends nothing but broken sequences, are compared by what fits. */
static void any_bytes_are_bounded(void **state)
{
	struct rig r;
	uint8_t junk[4096];
	(void)state;
	rig_open(&r, 2);
	type(&r, "a");
	for (unsigned i = 0; i < sizeof(junk); i++)
		junk[i] = (uint8_t)(i * 2654435761u >> 13);
	for (unsigned i = 0; i < 100; i++)
		broadcast_echo(&r.b, 0, junk, sizeof(junk), r.now);
	says(&r, 1, "\033]52;never ends");
	assert_true(settle(&r));
	assert_string_equal(differing(&r), "xx");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(keys_go_to_those_that_are_in_and_able),
	    cmocka_unit_test(the_same_echo_is_no_difference),
	    cmocka_unit_test(the_odd_one_is_pointed_out_until_it_agrees),
	    cmocka_unit_test(one_that_does_not_echo_is_pointed_out),
	    cmocka_unit_test(one_that_is_late_is_forgiven),
	    cmocka_unit_test(what_a_command_prints_may_differ),
	    cmocka_unit_test(a_prompt_with_the_own_name_is_no_difference),
	    cmocka_unit_test(a_line_wraps_where_the_prompt_makes_it),
	    cmocka_unit_test(without_a_majority_all_are_pointed_out),
	    cmocka_unit_test(one_that_prints_on_is_judged_all_the_same),
	    cmocka_unit_test(keys_ahead_of_all_tell_nothing),
	    cmocka_unit_test(who_is_taken_out_is_not_judged),
	    cmocka_unit_test(pasted_text_is_judged_to_its_first_line_end),
	    cmocka_unit_test(any_bytes_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
