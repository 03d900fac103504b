/* widgets: figures as text. */
#include "unit/cm.h"

#include <string.h>

#include "tui/widgets.h"

static void spark_shows_every_level(void **state)
{
	uint32_t v[8] = {0, 1, 200, 300, 500, 700, 850, 5000};
	char out[WIDGET_BYTES(8)];
	(void)state;
	widget_spark(v, 8, 1000, true, out);
	assert_string_equal(out, "▁▂▃▄▅▆▇█");
	widget_spark(v, 8, 1000, false, out);
	assert_string_equal(out, "_.-:=+*#");
	widget_spark(v, 8, 0, false, out);
	assert_string_equal(out, "________");
}

static void bar_is_clamped(void **state)
{
	char out[WIDGET_BYTES(10)];
	(void)state;
	widget_bar(41, 64, 10, false, out);
	assert_string_equal(out, "######....");
	widget_bar(99, 64, 4, true, out);
	assert_string_equal(out, "████");
	widget_bar(5, 0, 4, true, out);
	assert_string_equal(out, "░░░░");
	widget_bar(UINT64_MAX / 2, UINT64_MAX, 4, false, out);
	assert_string_equal(out, "##..");
}

static void graph_rows_stack(void **state)
{
	uint32_t v[4] = {0, 1, 8, 16};
	char low[WIDGET_BYTES(4)], high[WIDGET_BYTES(4)];
	(void)state;
	widget_graph_row(v, 4, 16, 0, 2, true, low);
	widget_graph_row(v, 4, 16, 1, 2, true, high);
	assert_string_equal(low, " ▁██");
	assert_string_equal(high, "   █");
	widget_graph_row(v, 4, 16, 0, 2, false, low);
	assert_string_equal(low, " .##");
}

static void buckets_move_once_per_bucket(void **state)
{
	uint32_t v[20], moved[20], out[3], later[3];
	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		v[i] = i;
		moved[i] = i + 3;
	}
	widget_buckets(v, 20, 20, 4, out, 3); /* samples 8-11, 12-15, 16-19 */
	assert_int_equal(out[0], 10);
	assert_int_equal(out[1], 14);
	assert_int_equal(out[2], 18);
	/* Three samples on, the newest bucket is not whole: the same picture. */
	widget_buckets(moved, 20, 23, 4, later, 3);
	assert_memory_equal(out, later, sizeof(out));
}

static void buckets_of_a_young_vm(void **state)
{
	uint32_t v[5] = {7, 7, 7, 7, 9}, out[4];
	(void)state;
	widget_buckets(v, 5, 5, 2, out, 4);
	assert_int_equal(out[0], 0);
	assert_int_equal(out[1], 0);
	assert_int_equal(out[2], 7);
	assert_int_equal(out[3], 7);
	widget_buckets(v, 0, 0, 2, out, 4);
	assert_int_equal(out[3], 0);
	/* A long life of which little is known. */
	widget_buckets(v, 5, 1000001, 2, out, 4);
	assert_int_equal(out[0], 0);
	assert_int_equal(out[3], 7);
}

static void figures_keep_still(void **state)
{
	(void)state;
	assert_int_equal(widget_steady(40, 43, 5), 40);
	assert_int_equal(widget_steady(40, 46, 5), 46);
	assert_int_equal(widget_steady(800, 870, 5), 800);
	assert_int_equal(widget_steady(800, 900, 5), 900);
	assert_int_equal(widget_steady(3, 0, 5), 0);
	assert_int_equal(widget_steady(0, 3, 5), 3);
}

static void check_permille(uint32_t v, const char *want)
{
	char out[16];
	widget_permille(v, out);
	assert_string_equal(out, want);
}

static void check_rate(uint64_t v, const char *want)
{
	char out[32];
	widget_rate(v, out);
	assert_string_equal(out, want);
}

static void check_memory(uint64_t used, uint64_t whole, const char *want)
{
	char out[32];
	widget_memory(used, whole, out);
	assert_string_equal(out, want);
}

/* In the columns of the list's MEM also with the mark. */
static void a_balloon_that_follows_the_host_is_marked(void **state)
{
	char out[32];
	(void)state;
	widget_memory_auto(133 << 10, 192 << 10, true, out);
	assert_string_equal(out, "133/192M ↕");
	widget_memory_auto(15ull << 20, 16 << 20, false, out);
	assert_string_equal(out, "15/16G ~");
	widget_memory_auto(1000ull << 20, 1024ull << 20, false, out);
	assert_true(strlen(out) <= 13);
	widget_memory_auto(0, 0, true, out);
	assert_string_equal(out, "- ↕");
}

static void figures_in_few_columns(void **state)
{
	(void)state;
	check_permille(0, "0.0");
	check_permille(124, "12.4");
	check_permille(6400, "640");
	check_rate(0, "-");
	check_rate(340, "340K");
	check_rate(1229, "1.2M");
	check_rate(80 * 1024, "80M");
	check_rate(3 * 1024 * 1024, "3.0G");
	check_memory(1153434, 2097152, "1.1/2.0 GiB");
	check_memory(512 * 1024, 1000 * 1024, "512/1000 MiB");
	check_memory(0, 0, "-");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(spark_shows_every_level),
	    cmocka_unit_test(bar_is_clamped),
	    cmocka_unit_test(graph_rows_stack),
	    cmocka_unit_test(buckets_move_once_per_bucket),
	    cmocka_unit_test(buckets_of_a_young_vm),
	    cmocka_unit_test(figures_keep_still),
	    cmocka_unit_test(figures_in_few_columns),
	    cmocka_unit_test(a_balloon_that_follows_the_host_is_marked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
