/* form: fields, what keys do to them, the command line that they make, and how it looks at every size. */
#include "unit/cm.h"
#include "unit/golden.h"

#include <string.h>

#include "tui/form.h"
#include "tui/input.h"

enum { SOURCE, BUS, SHARED, HIDDEN };

static void offer(const struct form *f, const char *start, struct offers *o)
{
	(void)f;
	offers_add(o, "/images/web1.qcow2", start);
	offers_add(o, "/images/web2.qcow2", start);
	offers_add(o, "/iso/debian.iso", start);
}

static const char *const buses[] = {"virtio", "sata", "scsi", NULL};
static const struct form_field fields[] = {
    [SOURCE] = {.label = "Image",
        .required = true,
        .offer = offer,
        .help = "a file or pool/volume"},
    [BUS] = {.label = "Bus",
        .kind = FORM_CHOICE,
        .choices = buses,
        .initial = "sata",
        .help =
            "virtio is the fastest, sata is what installers know, and scsi is what there is plenty of place for"},
    [SHARED] = {.label = "Shareable", .kind = FORM_MARK},
    [HIDDEN] = {.label = "Never seen", .initial = "x"},
};

static const char *check(const struct form *f, unsigned *at)
{
	*at = BUS;
	return !strcmp(form_text(f, BUS), "scsi") ? "no controller" : NULL;
}

static void compose(const struct form *f, struct form_words *w)
{
	form_words_add(w, form_text(f, SOURCE));
	form_words_option(w, "--bus", form_text(f, BUS));
	form_words_option(w, "--hidden", form_text(f, HIDDEN));
	if (form_mark(f, SHARED))
		form_words_add(w, "--shareable");
}

static const struct form_spec spec = {.title = "plug a disk",
    .verb = "attach-disk",
    .fields = fields,
    .n = ARRAY_LEN(fields),
    .check = check,
    .compose = compose};

static int open_form(void **state)
{
	struct form *f = *state = xcalloc(1, sizeof(*f));
	form_init(f, &spec, "web1");
	form_hide(f, HIDDEN);
	form_note(f, "web1 runs.");
	form_opened(f);
	return 0;
}

static int close_form(void **state)
{
	form_fini(*state);
	free(*state);
	return 0;
}

static bool press(struct form *f, const char *key)
{
	struct vt_key k;
	assert_int_equal(input_key_parse(key, &k), 0);
	return form_key(f, &k);
}

static void type(struct form *f, const char *text)
{
	for (; *text; text++) {
		struct vt_key k = {.sym = VT_KEY_CHAR, .cp = (unsigned char)*text};
		assert_true(form_key(f, &k));
	}
}

static char *line_of(const struct form *f)
{
	struct form_words w;
	struct buf b = BUF_INIT;
	form_compose(f, &w);
	assert_null(w.word[w.n]);
	for (unsigned i = 0; i < w.n; i++)
		buf_addf(&b, "%s%s", i ? "|" : "", w.word[i]);
	form_words_fini(&w);
	return buf_take(&b);
}

static void values_become_a_command_line(void **state)
{
	struct form *f = *state;
	assert_false(form_touched(f));
	type(f, "q y.img"); /* a letter is a letter, whatever keys mean elsewhere */
	press(f, "Down");
	press(f, "Right");
	press(f, "Right");
	press(f, "Down");
	press(f, "Space");
	CLEANUP_FREE char *line = line_of(f);
	assert_string_equal(line, "attach-disk|web1|q y.img|--bus|virtio|--shareable");
	assert_true(form_touched(f));
	press(f, "Down"); /* over the hidden one, to the first */
	assert_int_equal(f->at, SOURCE);
	press(f, "Up");
	assert_int_equal(f->at, SHARED);
}

static void what_is_missing_is_said_at_its_field(void **state)
{
	struct form *f = *state;
	press(f, "Down");
	assert_false(form_check(f));
	assert_int_equal(f->at, SOURCE);
	assert_string_equal(f->error, "Image: something has to be here");
	type(f, "x");
	assert_null(f->error);
	assert_true(form_check(f));
	form_set(f, BUS, "scsi");
	assert_false(form_check(f));
	assert_int_equal(f->at, BUS);
	assert_string_equal(f->error, "no controller");
}

static void tab_completes_and_then_goes_on(void **state)
{
	struct form *f = *state;
	type(f, "/im");
	press(f, "Tab");
	assert_string_equal(form_text(f, SOURCE), "/images/web");
	assert_int_equal(f->offers.n, 2);
	press(f, "Tab");
	assert_int_equal(f->at, SOURCE); /* two are possible: shown, not left */
	type(f, "2");
	assert_int_equal(f->offers.n, 0);
	press(f, "Tab");
	assert_string_equal(form_text(f, SOURCE), "/images/web2.qcow2");
	press(f, "Tab");
	assert_int_equal(f->at, BUS);
	press(f, "Shift+Tab");
	assert_int_equal(f->at, SOURCE);
}

static void what_ends_a_form_is_not_its_own(void **state)
{
	struct form *f = *state;
	assert_false(press(f, "Enter"));
	assert_false(press(f, "Esc"));
	press(f, "Down");
	assert_false(press(f, "x"));
}

static void pasted_text_goes_into_texts_alone(void **state)
{
	struct form *f = *state;
	form_paste(f, "/a\nb", 4);
	assert_string_equal(form_text(f, SOURCE), "/a b");
	press(f, "Down");
	form_paste(f, "zz", 2);
	assert_string_equal(form_text(f, BUS), "sata");
}

static void see(struct form *f, const char *file, int rows, int cols, bool utf8)
{
	CLEANUP_FREE char *name = xasprintf("dialog/%s.txt", file);
	CLEANUP_FREE char *path = golden_path(name);
	struct sheet s = {0};
	int r, c, crow, ccol;
	form_size(f, rows, cols, &r, &c);
	assert_true(r <= rows && c <= cols);
	sheet_init(&s, r, c, utf8);
	form_draw(f, &s, &crow, &ccol);
	CLEANUP_FREE char *got = sheet_dump(&s, false);
	golden_check(path, got);
	sheet_fini(&s);
}

static void looks(void **state)
{
	struct form *f = *state;
	see(f, "form-80x24", 24, 80, true);
	type(f, "/im");
	press(f, "Tab");
	see(f, "form-offers", 24, 80, true);
	press(f, "Down");
	form_error(f,
	    "Target 'vdb' is in use by the disk /images/web2.qcow2 of this domain: take another "
	    "one, or leave it out and a free one is taken");
	see(f, "form-error", 24, 80, true);
	see(f, "form-ascii", 24, 80, false);
	see(f, "form-20x5", 5, 20, true);
	form_error(f,
	    "Failed to attach interface: no place is left for interface 52:54:00:8d:fb:b8 in the running domain 'web1': it "
	    "needs a pcie-root-port more, and buses cannot be plugged in. Unplug something, or define a few <controller "
	    "type='pci' model='pcie-root-port'/> (hvmux edit web1), which are there from the next start on");
	see(f, "form-long-error", 24, 80, true); /* to its last word: that says what to do */
}

static void every_size(void **state)
{
	struct form *f = *state;
	struct sheet s = {0};
	form_error(f, "no");
	for (int rows = 0; rows < 30; rows++)
		for (int cols = 0; cols < 100; cols++) {
			int crow, ccol, r, c;
			form_size(f, rows, cols, &r, &c);
			sheet_init(&s, r, c, true);
			form_draw(f, &s, &crow, &ccol);
			/* The field under the cursor can be seen wherever anything can. */
			if (rows > 2 && cols > 12)
				assert_true(crow >= 0 && crow < rows && ccol < cols);
		}
	sheet_fini(&s);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_form, close_form)
	const struct CMUnitTest tests[] = {
	    T(values_become_a_command_line),
	    T(what_is_missing_is_said_at_its_field),
	    T(tab_completes_and_then_goes_on),
	    T(what_ends_a_form_is_not_its_own),
	    T(pasted_text_goes_into_texts_alone),
	    T(looks),
	    T(every_size),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
