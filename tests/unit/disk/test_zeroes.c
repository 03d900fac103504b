#include "disk/zeroes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Every length and every place of the one byte that is not zero, at odd addresses: nothing beside is looked at. */
static void one_byte_is_seen(void **state)
{
	(void)state;
	for (size_t n = 0; n <= 600; n += n < 70 ? 1 : 53) {
		uint8_t *p = malloc(n + 3);
		memset(p, 0xff, n + 3);
		memset(p + 1, 0, n);
		assert_true(zeroes_all(p + 1, n));
		for (size_t i = 0; i < n; i++) {
			p[1 + i] = 0x80;
			assert_false(zeroes_all(p + 1, n));
			p[1 + i] = 0;
		}
		free(p);
	}
}

static void runs(void **state)
{
	(void)state;
	uint8_t p[1000] = {0};
	bool zero;
	assert_int_equal(zeroes_run(p, 0, 100, &zero), 0);
	assert_int_equal(zeroes_run(p, 1000, 300, &zero), 1000);
	assert_true(zero);
	p[250] = 1;
	p[399] = 1;
	assert_int_equal(zeroes_run(p, 1000, 100, &zero), 200);
	assert_true(zero);
	assert_int_equal(zeroes_run(p + 200, 800, 100, &zero), 200);
	assert_false(zero);
	assert_int_equal(zeroes_run(p + 400, 550, 100, &zero), 550); /* the last piece is shorter */
	assert_true(zero);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_byte_is_seen),
	    cmocka_unit_test(runs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
