#include "unit/cm.h"

#include <time.h>

#include "core/schedule.h"
#include "core/store.h"
#include "core/str.h"

#define HOUR 3600u

/* A set of snapshots in memory: "auto" made those with an a. */
static void fill(struct snapshots *all, const char *const *names, const uint64_t *created)
{
	*all = (struct snapshots){.current = SNAPSHOTS_NONE};
	for (size_t i = 0; names[i] != NULL; i++) {
		all->v = xreallocarray(all->v, all->n + 1, sizeof *all->v);
		all->v[all->n++] = (struct snapshot){.name = xstrdup(names[i]),
		    .created = created[i],
		    .schedule = names[i][0] == 'a' ? xstrdup("auto") : NULL};
	}
	all->parent = xcalloc(all->n + 1, sizeof *all->parent);
}

static void test_due(void **state)
{
	(void)state;
	struct schedule s = {.name = (char *)(uintptr_t) "auto", .every = 6 * HOUR};
	assert_int_equal(schedule_next(&s, 0), 0);
	/* Made a minute late: the next one is on time. */
	assert_int_equal(schedule_next(&s, 12 * HOUR + 60), 18 * HOUR);
	/* The first one was made at once, shortly before a full space. */
	assert_int_equal(schedule_next(&s, 11 * HOUR), 18 * HOUR);
	assert_int_equal(schedule_next(&s, 9 * HOUR), 12 * HOUR);
	/* A failure is not tried again at every look. */
	s.tried = 19 * HOUR;
	assert_int_equal(schedule_next(&s, 12 * HOUR), 19 * HOUR + SCHEDULE_AGAIN_S);
	assert_int_equal(schedule_next(&s, 20 * HOUR), 24 * HOUR);
}

static void test_prune(void **state)
{
	(void)state;
	static const char *const names[] = {"a1", "a2", "a3", "a4", "mine", NULL};
	static const uint64_t created[] = {40 * HOUR, 10 * HOUR, 30 * HOUR, 20 * HOUR, 1};
	struct snapshots all;
	size_t n;
	fill(&all, names, created);
	struct schedule s = {.name = (char *)(uintptr_t) "auto", .every = HOUR, .keep = 24 * HOUR};
	assert_int_equal(schedule_last(&s, &all), 40 * HOUR);
	size_t *gone = schedule_prune(&s, &all, 45 * HOUR, &n);
	assert_int_equal(n, 2);
	assert_string_equal(all.v[gone[0]].name, "a2");
	assert_string_equal(all.v[gone[1]].name, "a4");
	free(gone);
	/* However old: the newest stays, and nobody else's is touched. */
	gone = schedule_prune(&s, &all, 4000 * HOUR, &n);
	assert_int_equal(n, 3);
	assert_string_equal(all.v[gone[2]].name, "a3");
	free(gone);
	/* A clock that was set back deletes nothing. */
	gone = schedule_prune(&s, &all, 2 * HOUR, &n);
	assert_int_equal(n, 0);
	free(gone);
	s.keep = 0;
	s.count = 3;
	gone = schedule_prune(&s, &all, 41 * HOUR, &n);
	assert_int_equal(n, 1);
	assert_string_equal(all.v[gone[0]].name, "a2");
	free(gone);
	s.name = (char *)(uintptr_t) "other";
	gone = schedule_prune(&s, &all, 4000 * HOUR, &n);
	assert_int_equal(n, 0);
	free(gone);
	snapshots_fini(&all);
}

/* A week of looks every minute at a clock that is made up: as many as there should be, and none older than it should be. */
static void test_week(void **state)
{
	(void)state;
	static const char *const none[] = {NULL};
	struct snapshots all;
	struct schedule s = {
	    .name = (char *)(uintptr_t) "auto", .every = 6 * HOUR, .keep = 48 * HOUR};
	fill(&all, none, NULL);
	unsigned made = 0;
	for (uint64_t now = 1795304725; now < 1795304725 + 7 * 24 * HOUR; now += 60) {
		if (now >= schedule_next(&s, schedule_last(&s, &all))) {
			char *name = schedule_snapshot_name(&s, &all, now);
			all.v = xreallocarray(all.v, all.n + 1, sizeof *all.v);
			all.v[all.n++] = (struct snapshot){
			    .name = name, .created = now, .schedule = xstrdup("auto")};
			made++;
		}
		size_t n;
		size_t *gone = schedule_prune(&s, &all, now, &n);
		for (size_t i = n; i-- > 0;) {
			/* Made in order of time: the oldest are in front. */
			assert_int_equal(gone[i], i);
			snapshot_fini(&all.v[i]);
		}
		memmove(all.v, all.v + n, (all.n - n) * sizeof *all.v);
		all.n -= n;
		free(gone);
		for (size_t i = 0; i < all.n; i++)
			assert_true(now - all.v[i].created <= 48 * HOUR);
	}
	assert_in_range(made, 28, 29);
	assert_in_range(all.n, 8, 9);
	snapshots_fini(&all);
}

static void test_spans(void **state)
{
	(void)state;
	struct err err = {0};
	uint64_t v;
	bool is_time;
	char text[24];
	static const struct {
		const char *text;
		uint64_t value;
		bool is_time;
	} good[] = {{"90s", 90, true}, {"15m", 900, true}, {"6h", 21600, true},
	    {"7d", 604800, true}, {"2w", 1209600, true}, {"30", 30, false}};
	static const char *const bad[] = {"", "h", "6x", "6hh", "-1h", "0h", "1.5h", " 6h",
	    "99999999999999999999w", "20000w", "0"};
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(schedule_parse_span(good[i].text, &v, &is_time, &err), 0);
		assert_int_equal(v, good[i].value);
		assert_int_equal(is_time, good[i].is_time);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(schedule_parse_span(bad[i], &v, &is_time, &err), -1);
	assert_int_equal(schedule_parse_span("30", &v, NULL, &err), -1);
	schedule_format_span(21600, text);
	assert_string_equal(text, "6h");
	schedule_format_span(90, text);
	assert_string_equal(text, "90s");
}

static void test_file(void **state)
{
	(void)state;
	char *dir = cm_mkdtemp();
	struct home h;
	struct err err = {0};
	struct schedules s, again;
	char **names;
	size_t n;
	setenv("HVMUX_HOME", dir, 1);
	assert_int_equal(home_init(&h, NULL, &err), 0);
	assert_int_equal(schedules_read(&h, "vm", &s, &err), 0);
	assert_int_equal(s.n, 0);
	struct schedule *one = schedules_add(&s, "auto");
	one->every = 3600;
	one->keep = 7200;
	one->quiesce = true;
	one->trouble = xstrdup("no room");
	schedules_add(&s, "night")->every = 86400;
	assert_int_equal(schedules_write(&h, "vm", &s, &err), 0);
	assert_int_equal(schedules_read(&h, "vm", &again, &err), 0);
	assert_int_equal(again.n, 2);
	assert_int_equal(again.v[0].keep, 7200);
	assert_true(again.v[0].quiesce);
	assert_string_equal(again.v[0].trouble, "no room");
	assert_int_equal(schedules_domains(&h, &names, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_string_equal(names[0], "vm");
	store_names_free(names);
	schedules_remove(&again, "auto");
	schedules_remove(&again, "night");
	assert_int_equal(schedules_write(&h, "vm", &again, &err), 0);
	schedules_fini(&s);
	assert_int_equal(schedules_read(&h, "vm", &s, &err), 0);
	assert_int_equal(s.n, 0);
	schedules_fini(&s);
	schedules_fini(&again);
	home_fini(&h);
	cm_rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_due),
	    cmocka_unit_test(test_prune),
	    cmocka_unit_test(test_week),
	    cmocka_unit_test(test_spans),
	    cmocka_unit_test(test_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
