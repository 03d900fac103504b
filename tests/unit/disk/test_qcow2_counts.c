#include "unit/cm.h"

#include "disk/qcow2_counts.h"

/* Small and large ones, in an order that makes the table of the large ones grow. */
static void test_counts(void **state)
{
	(void)state;
	struct qcow2_counts c;
	qcow2_counts_init(&c, 5000);
	for (unsigned round = 0; round < 3; round++)
		for (uint64_t i = 0; i < 5000; i++)
			qcow2_counts_add(&c, i, i % 3 == 0 ? 1 : 100 * i);
	for (uint64_t i = 0; i < 5000; i++)
		assert_int_equal(qcow2_counts_get(&c, i), 3 * (i % 3 == 0 ? 1 : 100 * i));
	qcow2_counts_fini(&c);
}

static void test_edges(void **state)
{
	(void)state;
	struct qcow2_counts c;
	qcow2_counts_init(&c, 2);
	qcow2_counts_add(&c, 1, 254);
	assert_int_equal(qcow2_counts_get(&c, 1), 254);
	qcow2_counts_add(&c, 1, 1);
	assert_int_equal(qcow2_counts_get(&c, 1), 255);
	qcow2_counts_add(&c, 1, UINT64_MAX);
	assert_true(qcow2_counts_get(&c, 1) == UINT64_MAX);
	assert_int_equal(qcow2_counts_get(&c, 0), 0);
	qcow2_counts_fini(&c);
	qcow2_counts_init(&c, 0);
	qcow2_counts_fini(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_counts),
	    cmocka_unit_test(test_edges),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
