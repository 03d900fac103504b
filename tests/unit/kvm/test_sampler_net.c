/* sampler_net: the kernel's counters of a device, mirrored, into the page. */
#include "unit/cm.h"

#include "kvm/sampler.h"

static void test_counters(void **state)
{
	(void)state;
	char *dir = cm_mkdtemp(), *path = xasprintf("%s/status", dir);
	struct status_writer w;
	struct sampler s = {.page = &w};
	assert_int_equal(status_writer_open(&w, path, false, NULL), 0);
	struct status_page *p = status_begin(&w);
	p->nets = 3;
	snprintf(p->net[0].target, sizeof(p->net[0].target), "lo"); /* every host has it */
	snprintf(p->net[1].target, sizeof(p->net[1].target), "nosuchtap0");
	snprintf(p->net[2].target, sizeof(p->net[2].target), "../lo");
	p->net[1].known = 1;
	status_end(&w);
	sampler_nets(&s);
	assert_int_equal(w.page->net[0].known, 1);
	/* What the loopback receives is what it has sent. */
	assert_int_equal(w.page->net[0].rx_bytes, w.page->net[0].tx_bytes);
	assert_int_equal(w.page->net[1].known, 0);
	assert_int_equal(w.page->net[2].known, 0);
	status_writer_close(&w);
	free(path);
	cm_rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_counters)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
