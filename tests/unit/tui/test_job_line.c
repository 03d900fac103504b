/* job_line: what goes on, in words that fit on a row. */
#include "unit/cm.h"

#include <string.h>

#include "core/mem.h"
#include "tui/job_line.h"

static void set(char **to, const char *s)
{
	free(*to);
	*to = xstrdup(s);
}

static void nothing_goes_on(void **state)
{
	struct vm_entry *e = vm_entry_new("web1");
	char text[JOB_LINE_MAX] = "before";
	(void)state;
	job_line_text(e, text);
	assert_string_equal(text, "");
	assert_int_equal(job_line_percent(e), -1);
	vm_entry_free(e);
}

static void a_job_of_no_plan(void **state)
{
	struct vm_entry *e = vm_entry_new("web1");
	char text[JOB_LINE_MAX];
	(void)state;
	set(&e->job, "dump");
	job_line_text(e, text);
	assert_string_equal(text, "dump …");
	e->job_done = 5;
	e->job_total = 8;
	job_line_text(e, text);
	assert_string_equal(text, "dump 62%");
	e->job_done = 9; /* more than there was to do */
	assert_int_equal(job_line_percent(e), 100);
	vm_entry_free(e);
}

static void a_plan_says_where_it_is_and_whose(void **state)
{
	struct vm_entry *e = vm_entry_new("web1");
	char text[JOB_LINE_MAX];
	(void)state;
	set(&e->job, "detach disk vdb");
	set(&e->job_words, "the guest lets go of vdb");
	set(&e->job_who, "root(0)");
	e->job_step = 1;
	e->job_steps = 3;
	e->job_waiting = 1;
	job_line_text(e, text);
	assert_string_equal(
	    text, "detach disk vdb  step 1/3: the guest lets go of vdb  root(0)  1 waits");
	e->job_waiting = 2;
	e->job_steps = 0;
	job_line_text(e, text);
	assert_string_equal(text, "detach disk vdb  the guest lets go of vdb  root(0)  2 wait");
	vm_entry_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_goes_on),
	    cmocka_unit_test(a_job_of_no_plan),
	    cmocka_unit_test(a_plan_says_where_it_is_and_whose),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
