#include "unit/cm.h"

#include "core/boot_order.h"

#define AFTER(...)                          \
	(const char *const[]){__VA_ARGS__}, \
	    sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)

/* What may begin at this time, in one line. */
static void expect(struct boot_order *b, uint64_t now, const char *want)
{
	struct buf got = BUF_INIT;
	ptrdiff_t i;
	while ((i = boot_order_next(b, now)) >= 0)
		buf_addf(&got, "%s%s", got.len ? " " : "", b->entries[i].name);
	assert_string_equal(got.data ? got.data : "", want);
	buf_fini(&got);
}

static void done(struct boot_order *b, const char *name, bool up, uint64_t now)
{
	for (size_t i = 0; i < b->n; i++)
		if (strcmp(b->entries[i].name, name) == 0)
			boot_order_done(b, i, up, now);
}

static void expect_notes(struct buf *notes, const char *want)
{
	char *got = buf_take(notes);
	assert_string_equal(got, want);
	free(got);
}

static void test_orders(void **state)
{
	(void)state;
	struct boot_entry e[] = {{.name = "z"}, {.name = "web", .order = 20},
	    {.name = "db", .order = 10, .delay = 5}, {.name = "dns", .order = 10}, {.name = "a"}};
	struct buf notes = BUF_INIT;
	struct boot_order b;
	boot_order_init(&b, e, 5, &notes);
	expect_notes(&notes, "");
	assert_int_equal(boot_order_levels(&b), 3);
	expect(&b, 0, "db dns");
	expect(&b, 0, "");
	done(&b, "dns", true, 100);
	expect(&b, 100, "");
	assert_true(boot_order_wait(&b, 100) == UINT64_MAX);
	done(&b, "db", true, 200);
	expect(&b, 200, "");
	assert_int_equal(boot_order_wait(&b, 200), 5000);
	expect(&b, 5199, "");
	expect(&b, 5200, "web");
	done(&b, "web", false, 6000);
	expect(&b, 6000, "a z");
	boot_order_fini(&b);
}

/* One that failed is not waited for longer than until then. */
static void test_failure(void **state)
{
	(void)state;
	struct boot_entry e[] = {
	    {.name = "db", .order = 1, .delay = 60}, {.name = "web", .order = 2}};
	struct boot_order b;
	boot_order_init(&b, e, 2, NULL);
	expect(&b, 0, "db");
	done(&b, "db", false, 10);
	expect(&b, 10, "web");
	boot_order_fini(&b);
}

static void test_after(void **state)
{
	(void)state;
	struct boot_entry e[] = {{.name = "app", 0, 0, AFTER("db", "cache")}, {.name = "cache"},
	    {.name = "db", 0, 3, AFTER("san")}, {.name = "san"}, {.name = "web"}};
	struct boot_order b;
	boot_order_init(&b, e, 5, NULL);
	assert_int_equal(boot_order_levels(&b), 3);
	expect(&b, 0, "cache san web"); /* web waits for nobody, nor anybody for web */
	done(&b, "san", true, 1);
	expect(&b, 1, "db");
	done(&b, "db", true, 2);
	expect(&b, 2, "");
	done(&b, "cache", true, 3);
	expect(&b, 3, "");
	assert_int_equal(boot_order_wait(&b, 3), 2999);
	expect(&b, 3002, "app");
	boot_order_fini(&b);
}

/* What is waited for comes no later than who waits. */
static void test_after_against_order(void **state)
{
	(void)state;
	struct boot_entry e[] = {{.name = "web", 1, 0, AFTER("db")}, {.name = "db", .order = 9},
	    {.name = "mid", .order = 5}};
	struct boot_order b;
	boot_order_init(&b, e, 3, NULL);
	expect(&b, 0, "db");
	done(&b, "db", true, 1);
	expect(&b, 1, "web");
	done(&b, "web", true, 2);
	expect(&b, 2, "mid");
	boot_order_fini(&b);
}

/* Nonsense in a definition delays nothing for ever. */
static void test_circles(void **state)
{
	(void)state;
	struct boot_entry e[] = {{.name = "a", 0, 0, AFTER("b")}, {.name = "b", 0, 0, AFTER("c")},
	    {.name = "c", 0, 0, AFTER("a", "nobody")}, {.name = "self", 0, 0, AFTER("self")}};
	struct buf notes = BUF_INIT;
	struct boot_order b;
	boot_order_init(&b, e, 4, &notes);
	expect_notes(&notes, "'c' comes after 'nobody', which is not among them\n"
	                     "'c' cannot come after 'a': they wait for each other\n"
	                     "'self' cannot come after 'self': they wait for each other\n");
	expect(&b, 0, "c self");
	done(&b, "c", true, 0);
	expect(&b, 0, "b");
	done(&b, "b", true, 0);
	expect(&b, 0, "a");
	boot_order_fini(&b);
}

/* A host's worth of domains, each after the one before. */
static void test_long_chain(void **state)
{
	(void)state;
	enum { N = 400 };
	static struct boot_entry e[N];
	static char names[N][8];
	static const char *after[N];
	struct boot_order b;
	for (int i = 0; i < N; i++) {
		snprintf(names[i], sizeof(names[i]), "v%03d", i);
		after[i] = i ? names[i - 1] : NULL;
		e[i] = (struct boot_entry){.name = names[i], .after = &after[i], .n_after = i > 0};
	}
	boot_order_init(&b, e, N, NULL);
	assert_int_equal(boot_order_levels(&b), N);
	for (int i = 0; i < N; i++) {
		expect(&b, 0, names[i]);
		done(&b, names[i], true, 0);
	}
	boot_order_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_orders),
	    cmocka_unit_test(test_failure),
	    cmocka_unit_test(test_after),
	    cmocka_unit_test(test_after_against_order),
	    cmocka_unit_test(test_circles),
	    cmocka_unit_test(test_long_chain),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
