/* The journal of a plan: after every step what is read back is what was noted, and the plan's own text is written once. */
#include "unit/cm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/plan_journal.h"

struct place {
	char dir[64];
	char *path;
	struct plan_journal journal;
};

static int setup(void **state)
{
	struct place *p = xcalloc(1, sizeof(*p));
	snprintf(p->dir, sizeof(p->dir), "/tmp/hvmux-journal.XXXXXX");
	if (mkdtemp(p->dir) == NULL)
		return -1;
	p->path = xasprintf("%s/plan.json", p->dir);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	plan_journal_remove(&p->journal, p->path);
	int rc = rmdir(p->dir); /* nothing else is left */
	free(p->path);
	free(p);
	return rc;
}

static struct json_object *journal(int at, const char *phase, const char *fates, const char *notes)
{
	struct json_object *o = json_object_new_object(), *plan = json_object_new_object();
	json_object_object_add(o, "at", json_object_new_int(at));
	json_object_object_add(o, "phase", json_object_new_string(phase));
	json_object_object_add(o, "fates", json_object_new_string(fates));
	json_object_object_add(o, "failed_at", json_object_new_int(at / 2));
	if (notes != NULL)
		json_object_object_add(o, "notes", json_object_new_string(notes));
	json_object_object_add(plan, "words", json_object_new_string("say \"two\"\nlines"));
	json_object_object_add(o, "plan", plan);
	return o;
}

/* Notes o, its own afterwards; the file then says the same. */
static ino_t note(struct place *p, struct json_object *o)
{
	struct err err;
	struct stat st;
	CLEANUP_BUF struct buf text = BUF_INIT;
	assert_int_equal(plan_journal_write(&p->journal, p->path, o, &err), 0);
	assert_int_equal(file_read(p->path, 1 << 20, &text, &err), 0);
	buf_addc(&text, '\0');
	struct json_object *back = json_tokener_parse(text.data);
	assert_non_null(back);
	assert_true(json_object_equal(back, o));
	json_object_put(back);
	json_object_put(o);
	assert_int_equal(stat(p->path, &st), 0);
	return st.st_ino;
}

static void each_step_is_read_back(void **state)
{
	struct place *p = *state;
	ino_t first = note(p, journal(0, "doing", "----", NULL));
	assert_int_equal(note(p, journal(1, "doing", "d---", NULL)), first);
	assert_int_equal(note(p, journal(2, "undoing", "dd--", NULL)), first);
	assert_int_equal(note(p, journal(1, "always", "d---", NULL)), first);
}

static void a_failure_is_written_anew(void **state)
{
	struct place *p = *state;
	note(p, journal(0, "doing", "--", NULL));
	note(p, journal(1, "doing", "d-", "no space\n"));
	note(p, journal(1, "undoing", "d-", "no space\nno way back\n"));
	note(p, journal(0, "undoing", "--", "no space\nno way back\n"));
}

static void another_plan_is_written_anew(void **state)
{
	struct place *p = *state;
	note(p, journal(1, "doing", "d-", NULL));
	note(p, journal(0, "doing", "---", NULL));
	plan_journal_remove(&p->journal, p->path);
	assert_int_equal(access(p->path, F_OK), -1);
	note(p, journal(2, "doing", "dd-", NULL));
}

static void a_long_plan_is_written_whole(void **state)
{
	struct place *p = *state;
	char fates[5001];
	memset(fates, '-', 5000);
	fates[5000] = '\0';
	note(p, journal(0, "doing", fates, NULL));
	fates[0] = 'd';
	note(p, journal(1, "doing", fates, NULL));
}

static void what_went_away_is_written_again(void **state)
{
	struct place *p = *state;
	note(p, journal(0, "doing", "--", NULL));
	unlink(p->path);
	note(p, journal(1, "doing", "d-", NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(each_step_is_read_back, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_failure_is_written_anew, setup, teardown),
	    cmocka_unit_test_setup_teardown(another_plan_is_written_anew, setup, teardown),
	    cmocka_unit_test_setup_teardown(a_long_plan_is_written_whole, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_went_away_is_written_again, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
