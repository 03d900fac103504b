/* expect: patterns that are waited for in what a console says, one after the other, and texts that are typed when they came.
 * Pure: bytes in, callbacks out; no socket, no clock. Owner: whoever called expect_new.
 *
 * Patterns are POSIX extended regular expressions, held against clean text (hub_text.h), a line at a time: whole lines, and
 * as it grows the line that has not ended, which is what a prompt is. After a match the rest of its line is what the
 * next pattern may match first.
 *
 * What was typed comes back as the guest's echo. It is passed over where it follows as it was typed, so that a
 * pattern does not match the command that it waits for. A guest that puts other words between may still make it match. */
#ifndef SERIAL_EXPECT_H
#define SERIAL_EXPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"

#define EXPECT_STEPS_MAX 256u
#define EXPECT_TEXT_MAX 65536u /* bytes of one step's text */

struct expect;

struct expect_ops {
	/* line: clean, the one that the pattern of this step (from 0) matched in. */
	void (*matched)(void *arg, unsigned step, const char *line);
	/* To be typed now. Borrowed until expect_free. */
	void (*send)(void *arg, const char *p, size_t n);
};

struct expect *expect_new(const struct expect_ops *ops, void *arg);
void expect_free(struct expect *e);
/* The next step. ERR_INVALID says what is wrong with the pattern. */
int expect_add(struct expect *e, const char *pattern, struct err *err);
/* A text with C's escapes, typed when the last pattern added has matched; before the first one: at once. Several are typed
 * one after the other. */
int expect_add_text(struct expect *e, const char *text, struct err *err);

/* Where the first pattern looks. */
enum expect_from {
	EXPECT_LAST_LINE, /* the line that was there at expect_begin and is not blank, and what comes */
	EXPECT_ALL,       /* all that was fed before, too */
	EXPECT_NEW,       /* only what is fed after expect_begin */
};
void expect_feed(struct expect *e, const void *p, size_t n);
/* The console begins anew here (a boot), or something is missing (a gap): no line reaches across. forget: what was before is
 * of no interest either. */
void expect_break(struct expect *e, bool forget);
/* What was fed until now was history. With a text before the first pattern only what comes counts. */
void expect_begin(struct expect *e, enum expect_from from);
/* Nothing more will come: what was held back as an echo is looked at. */
void expect_end(struct expect *e);
bool expect_done(const struct expect *e);
/* The pattern that is waited for; NULL none. */
const char *expect_pattern(const struct expect *e);
/* The last line that is not blank; "" none. Borrowed until the next call. */
const char *expect_last_line(struct expect *e);

/* C's escapes: \n \r \t \e \a \b \f \v \0 \\ \" \' \xHH \OOO. Appends to out; ERR_INVALID names the one that is none. */
struct buf;
int expect_unescape(const char *text, struct buf *out, struct err *err);

#endif
