/* screen: the console's present screen as text, from the ring's file: nobody is asked, and it works after the end. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/dispatch.h"
#include "cli/out.h"
#include "cli/port.h"
#include "cli/screen_json.h"
#include "core/buf.h"
#include "core/mem.h"
#include "core/vm.h"
#include "serial/console_client.h"
#include "serial/ring.h"
#include "serial/sgr.h"
#include "serial/vt_screen.h"

#define PIECE (64u << 10)
#define ROWS_DEFAULT 24
#define COLS_DEFAULT 80

/* What is to be rendered and how large. */
struct shot {
	unsigned rows, cols;
	unsigned index;
	char *name; /* NULL: standard input */
};

static int take_size(struct cli *c, const char *opt, unsigned max, unsigned *size, struct err *err)
{
	uint64_t n = cli_number(c, opt, *size);
	if (n < 1 || n > max)
		return err_set(err, ERR_USAGE,
		    "invalid value '%s' for --%s: a number from 1 to %u is needed",
		    cli_value(c, opt), opt, max);
	*size = (unsigned)n;
	return 0;
}

/* The terminal of whoever holds the keyboard. */
static int holder_size(struct cli *c, struct shot *s, struct err *err)
{
	struct vm vm;
	if (vm_probe(&c->home, s->name, &vm, err) < 0)
		return -1;
	if (vm.head && s->index < vm.head->consoles) {
		const struct status_console *k = &vm.head->console[s->index];
		if (k->rows >= 1 && k->rows <= VT_ROWS_MAX && k->cols >= 1 &&
		    k->cols <= VT_COLS_MAX) {
			s->rows = k->rows;
			s->cols = k->cols;
		}
	}
	vm_fini(&vm);
	return 0;
}

static int shot_init(struct cli *c, struct shot *s, struct err *err)
{
	const char *word = cli_value(c, "domain");
	*s = (struct shot){.rows = ROWS_DEFAULT, .cols = COLS_DEFAULT};
	if (!word == !cli_flag(c, "stdin"))
		return err_set(err, ERR_USAGE,
		    "command 'screen' requires a domain or --stdin%s; see '%s help screen'",
		    word ? ", not both" : "", c->prog);
	if (word && !(s->name = vm_resolve(&c->home, word, err)))
		return -1;
	if (word && port_option(c, s->name, &s->index, err) < 0)
		return -1;
	if (s->name && holder_size(c, s, err) < 0)
		return -1;
	if (take_size(c, "rows", VT_ROWS_MAX, &s->rows, err) < 0)
		return -1;
	return take_size(c, "cols", VT_COLS_MAX, &s->cols, err);
}

static int feed_stdin(struct vt_screen *screen, struct err *err)
{
	CLEANUP_FREE uint8_t *piece = xmalloc(PIECE);
	for (;;) {
		ssize_t n = read(STDIN_FILENO, piece, PIECE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "cannot read standard input");
		if (n == 0)
			return 0;
		vt_screen_feed(screen, piece, (size_t)n);
	}
}

static int feed_history(
    struct cli *c, const struct shot *s, struct vt_screen *screen, struct err *err)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	if (console_history(&c->home, s->name, s->index, RING_SIZE_MAX, &b, err) < 0)
		return -1;
	if (b.len)
		vt_screen_feed(screen, (const uint8_t *)b.data, b.len);
	return 0;
}

static void print_screen(struct cli *c, struct vt_screen *screen)
{
	if (c->json) {
		out_json(screen_json(screen));
		return;
	}
	CLEANUP_BUF struct buf b = BUF_INIT;
	if (cli_flag(c, "ansi"))
		sgr_format(screen, &b);
	else {
		CLEANUP_FREE char *text = vt_screen_text(screen, false);
		buf_adds(&b, text);
	}
	fwrite(b.data, 1, b.len, stdout);
	if (b.len)
		putchar('\n');
}

int verb_screen(struct cli *c)
{
	struct err err = {0};
	struct shot s;
	int rc = shot_init(c, &s, &err);
	if (rc == 0) {
		/* Lines that scroll off are not wanted. */
		struct vt_screen *screen = vt_screen_new(s.rows, s.cols, 0, NULL, NULL);
		rc = s.name ? feed_history(c, &s, screen, &err) : feed_stdin(screen, &err);
		if (rc == 0)
			print_screen(c, screen);
		vt_screen_free(screen);
	}
	if (rc < 0)
		out_error("%s", err.msg);
	free(s.name);
	return rc < 0 ? out_status(&err) : CLI_DONE;
}
