/* imgcmd_dd: `img dd`. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/imgcmd.h"
#include "core/mem.h"
#include "core/str.h"
#include "disk/convert_file.h"

#define BLOCK 512u /* of bs=, unless told */

static const struct imgcmd_opt opts[] = {
    {'f', NULL, "FMT", "the input's format, when it is not to be found out"},
    {'O', NULL, "FMT", "the output's format: raw (unless told), qcow2"},
    {'U', "force-share", NULL, "read although somebody may be writing"},
    IMGCMD_OPT_OBJECT,
    IMGCMD_OPT_IMAGE_OPTS,
    {0},
};

enum word { WORD_BS, WORD_COUNT, WORD_SKIP, WORD_IF, WORD_OF, WORDS };
static const char *const names[WORDS] = {"bs", "count", "skip", "if", "of"};
struct request {
	const char *words[WORDS]; /* NULL not told */
	uint64_t numbers[WORDS];
	const char *in_format, *format;
	unsigned flags;
};

static int read_options(struct imgcmd_call *c, struct request *r)
{
	for (int code; (code = imgcmd_next(c)) != -1;)
		switch (code) {
		case 0:
			return -1;
		case 'f':
			r->in_format = c->value;
			break;
		case 'O':
			r->format = c->value;
			break;
		default:
			r->flags |= IMG_FORCE_SHARE;
			break;
		}
	return 0;
}

/* name=value, as for dd(1). What is wrong with it has been told. */
static int read_word(struct imgcmd_call *c, struct request *r, const char *word)
{
	struct err err;
	size_t n = strcspn(word, "=");
	for (unsigned i = 0; i < WORDS; i++) {
		if (word[n] == '\0' || strlen(names[i]) != n || strncmp(word, names[i], n) != 0)
			continue;
		r->words[i] = word + n + 1;
		if (i >= WORD_IF)
			return 0;
		return imgcmd_number(c, names[i], r->words[i], i == WORD_BS,
		    i == WORD_BS ? INT32_MAX : INT64_MAX, &r->numbers[i]);
	}
	err_set(&err, ERR_USAGE, "unrecognized operand %.*s", (int)n, word);
	return -imgcmd_fail(c, &err);
}

static int read_words(struct imgcmd_call *c, struct request *r)
{
	struct err err;
	r->numbers[WORD_BS] = BLOCK;
	for (int i = c->at; i < c->argc; i++)
		if (read_word(c, r, c->argv[i]) < 0)
			return -1;
	if (r->words[WORD_IF] && r->words[WORD_OF])
		return 0;
	err_set(&err, ERR_USAGE, "Must specify both input and output files");
	return -imgcmd_fail(c, &err);
}

static uint64_t times(uint64_t a, uint64_t b)
{
	uint64_t product;
	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

/* Blocks from `skip` on, `count` of them. A skip behind the end gives an empty image and a word, as dd(1) does. */
static int copy(struct imgcmd_call *c, const struct request *r, struct err *err)
{
	struct progress progress;
	uint64_t bs = r->numbers[WORD_BS];
	struct convert_file f = {.sources = &r->words[WORD_IF],
	    .n_sources = 1,
	    .source_format = r->in_format,
	    .source_flags = r->flags,
	    .target = r->words[WORD_OF],
	    .format = r->format,
	    .copy = {.sparse = CONVERT_SPARSE,
	        .skip = times(r->numbers[WORD_SKIP], bs),
	        .limit = times(r->numbers[WORD_COUNT], bs),
	        .progress = &progress}};
	if (r->words[WORD_COUNT] && f.copy.limit == 0)
		f.copy.skip = UINT64_MAX; /* nothing */
	progress_start(&progress, progress_form_of(false, false), STDERR_FILENO, 0);
	int done = convert_file(&f, err);
	bool nothing = done == 0 && atomic_load(&progress.total) == 0;
	progress_stop(&progress, done == 0);
	progress_die();
	if (nothing && r->numbers[WORD_SKIP] > 0)
		fprintf(stderr, "%s: %s: cannot skip to specified offset\n", c->program,
		    r->words[WORD_IF]);
	return done;
}

static int run(struct imgcmd_call *c)
{
	struct request r = {.format = "raw"};
	struct err err = {0};
	if (read_options(c, &r) < 0 || read_words(c, &r) < 0)
		return 1;
	if (copy(c, &r, &err) == 0)
		return 0;
	return err.code == ERR_UNSUPPORTED ? imgcmd_hand_over(c, &err) : imgcmd_fail(c, &err);
}

const struct imgcmd imgcmd_dd = {
    .name = "dd",
    .args = "[-U] [-f FMT] [-O FMT] [bs=SIZE] [count=BLOCKS] [skip=BLOCKS] if=FILE of=FILE",
    .summary = "copy a part of an image into a new one",
    .text = "Makes an image of COUNT blocks of SIZE bytes (512), beginning SKIP blocks behind the "
            "input's first; without count= up to its end. It is what a guest sees that is "
            "counted. (QEMU up to 7.2 takes SKIP away from COUNT; this does not.)",
    .opts = opts,
    .run = run,
};
