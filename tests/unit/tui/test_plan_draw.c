/* plan_text and plan_draw: a --dry-run's words, before and while it is done. */
#include "unit/cm.h"
#include "unit/golden.h"

#include <string.h>

#include "tui/plan_draw.h"

static const char words[] = "attach disk vdb to web1\n"
                            " 1. open /images/web1-data.qcow2 for QEMU\n"
                            "    host open {\"path\": \"/images/web1-data.qcow2\"}\n"
                            "    undo: host close {}\n"
                            " 2. QEMU gets the image\n"
                            "    qmp blockdev-add {\"node-name\": \"vdb-p7-format\"}\n"
                            "    undo: qmp blockdev-del {\"node-name\": \"vdb-p7-format\"}\n"
                            "   -- from here on there is no way back --\n"
                            " 3. the guest gets the disk\n"
                            "    qmp device_add {\"driver\": \"virtio-blk-pci\"}\n"
                            "Until the next start only: --config makes it stay.\n";

static void a_dry_run_is_taken_apart(void **state)
{
	struct plan_text t;
	(void)state;
	plan_text_read(&t, words, strlen(words));
	assert_int_equal(t.n, 11);
	assert_int_equal(t.parts, 1);
	assert_int_equal(t.steps[0], 3);
	assert_int_equal(t.line[0].kind, PLAN_LINE_WORDS);
	assert_int_equal(t.line[1].kind, PLAN_LINE_STEP);
	assert_string_equal(t.line[1].text, "open /images/web1-data.qcow2 for QEMU");
	assert_int_equal(t.line[3].kind, PLAN_LINE_DETAIL);
	assert_int_equal(t.line[3].step, 1);
	assert_int_equal(t.line[7].kind, PLAN_LINE_WORDS);
	assert_int_equal(t.line[8].step, 3);
	assert_int_equal(t.line[10].kind, PLAN_LINE_WORDS);
	plan_text_fini(&t);
}

static void words_that_look_like_steps_are_none(void **state)
{
	static const char odd[] =
	    "2. not the first\n 99999. \n1.x\n 1. one\n 1. again\n\033[2Jx\n\n\n";
	struct plan_text t;
	(void)state;
	plan_text_read(&t, odd, strlen(odd));
	assert_int_equal(t.n, 6);
	assert_int_equal(t.line[0].kind, PLAN_LINE_WORDS);
	assert_int_equal(t.line[2].kind, PLAN_LINE_WORDS);
	assert_null(strchr(t.line[5].text, '\033'));
	plan_text_fini(&t);
	plan_text_read(&t, "", 0);
	assert_int_equal(t.n, 0);
	plan_text_fini(&t);
}

/* A safety snapshot, and then the way back. */
static void several_plans_count_anew(void **state)
{
	static const char two[] = "first\n 1. a\n 2. b\nsecond\n 1. c\n 2. d\n 3. e\n";
	struct plan_text t;
	(void)state;
	plan_text_read(&t, two, strlen(two));
	assert_int_equal(t.parts, 2);
	assert_int_equal(t.steps[0], 2);
	assert_int_equal(t.steps[1], 3);
	assert_int_equal(t.line[4].part, 1);
	assert_int_equal(t.line[4].step, 1);
	assert_int_equal(plan_text_part(&t, 0, 1, 2, 2), 0);
	assert_int_equal(plan_text_part(&t, 0, 2, 1, 3), 1);
	assert_int_equal(plan_text_part(&t, 1, 1, 3, 3), 1);
	assert_int_equal(plan_text_part(&t, 1, 1, 1, 9), 1); /* of another command */
	plan_text_fini(&t);
}

struct rig {
	struct plan_text text;
	struct plan_look look;
	struct editline line;
	char *notes[3];
};

static int open_rig(void **state)
{
	struct rig *r = *state = xcalloc(1, sizeof(*r));
	plan_text_read(&r->text, words, strlen(words));
	r->look = (struct plan_look){.state = PLAN_ASKS,
	    .title = "web1: attach disk device",
	    .command = "hvmux attach-disk web1 /images/web1-data.qcow2 vdb",
	    .text = &r->text,
	    .typed = "base"};
	return 0;
}

static int close_rig(void **state)
{
	struct rig *r = *state;
	plan_text_fini(&r->text);
	free(r);
	return 0;
}

static void see(struct rig *r, const char *file, int rows, int cols, bool utf8)
{
	CLEANUP_FREE char *name = xasprintf("dialog/%s.txt", file);
	CLEANUP_FREE char *path = golden_path(name);
	struct sheet s = {0};
	int h, w, crow, ccol;
	plan_size(&r->look, rows, cols, &h, &w);
	sheet_init(&s, h, w, utf8);
	plan_draw(&r->look, &s, &crow, &ccol);
	CLEANUP_FREE char *got = sheet_dump(&s, false);
	golden_check(path, got);
	sheet_fini(&s);
}

static void looks(void **state)
{
	struct rig *r = *state;
	see(r, "plan-asks", 24, 80, true);
	see(r, "plan-20x5", 5, 20, true);
	r->look.details = true;
	see(r, "plan-details", 24, 80, true);
	see(r, "plan-40x12", 12, 40, true);
	r->look.details = false;
	r->look.state = PLAN_RUNS;
	r->look.step = 2;
	r->look.said = "attach disk vdb  step 2/3: QEMU gets the image  root(0)";
	see(r, "plan-runs", 24, 80, true);
	r->look.state = PLAN_FAILED;
	r->look.said = "the guest has not taken it";
	see(r, "plan-failed", 24, 80, false);
	r->look.state = PLAN_ENDED;
	r->look.said = "Disk attached successfully";
	see(r, "plan-ended", 24, 80, true);
}

static void what_deletes_wants_a_name(void **state)
{
	struct rig *r = *state;
	r->notes[0] = (char *)(uintptr_t) "!Deleted: the way back to 'base'";
	r->notes[1] = (char *)(uintptr_t) "2 snapshots stand below it.";
	r->look.notes = r->notes;
	r->look.n_notes = 2;
	r->look.line = &r->line;
	see(r, "plan-deletes", 24, 80, true);
}

static void every_size(void **state)
{
	struct rig *r = *state;
	struct sheet s = {0};
	r->look.first = 100;
	for (int st = PLAN_LOOKS; st <= PLAN_FAILED; st++)
		for (int rows = 0; rows < 30; rows++)
			for (int cols = 0; cols < 120; cols += cols < 30 ? 1 : 9) {
				int h, w, crow, ccol;
				r->look.state = (enum plan_state)st;
				r->look.line = st == PLAN_ASKS && cols % 2 ? &r->line : NULL;
				plan_size(&r->look, rows, cols, &h, &w);
				assert_true(h <= rows && w <= cols);
				sheet_init(&s, h, w, true);
				plan_draw(&r->look, &s, &crow, &ccol);
			}
	sheet_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_dry_run_is_taken_apart),
	    cmocka_unit_test(several_plans_count_anew),
	    cmocka_unit_test(words_that_look_like_steps_are_none),
	    cmocka_unit_test_setup_teardown(looks, open_rig, close_rig),
	    cmocka_unit_test_setup_teardown(what_deletes_wants_a_name, open_rig, close_rig),
	    cmocka_unit_test_setup_teardown(every_size, open_rig, close_rig),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
