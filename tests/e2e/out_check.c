/* out_check [-a] [-c] FILE…: what was written to an operator's terminal, held against the closed list of doc/HACKING.md,
 * "What reaches the operator's terminal". A parser of its own, that knows nothing of the program's emulator or of curses: who
 * forgets something there shall not have forgotten it here.
 *
 *	-a   in a locale without UTF-8: ASCII alone
 *	-c   the operator copied: OSC 52 may be there
 *	-t   plain text (a command's output, a log): no control characters but line ends and tabs, no escape sequence at all
 *
 * Prints the first byte that is not on the list, with what stands around it. Exit status 0 all is, 1 something is not. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PARAMS_MAX 32
#define AROUND 24 /* bytes shown before and behind */

static int ascii_only, copied, plain;
static const unsigned char *text;
static size_t len;

static int wrong(const char *file, size_t at, const char *why)
{
	size_t from = at > AROUND ? at - AROUND : 0, to = at + AROUND < len ? at + AROUND : len;

	printf("%s: byte %zu: %s: ", file, at, why);
	for (size_t i = from; i < to; i++) {
		if (i == at)
			printf(" >>> ");
		if (text[i] > 0x20 && text[i] < 0x7f)
			putchar(text[i]);
		else
			printf("<%02x>", text[i]);
	}
	putchar('\n');
	return -1;
}

/* --- CSI --- */

struct csi {
	unsigned char prefix, final; /* prefix: 0 or one of <=>? */
	unsigned n, param[PARAMS_MAX];
};

/* p: behind "ESC [". Where it ends, or 0. No intermediate byte is on the list. */
static size_t csi_read(size_t p, struct csi *c)
{
	unsigned digits = 0;

	memset(c, 0, sizeof(*c));
	c->n = 1;
	if (p < len && text[p] >= '<' && text[p] <= '?')
		c->prefix = text[p++];
	for (; p < len; p++) {
		if (text[p] >= '0' && text[p] <= '9') {
			if (++digits > 4)
				return 0;
			c->param[c->n - 1] = c->param[c->n - 1] * 10 + text[p] - '0';
		} else if (text[p] == ';' || text[p] == ':') {
			if (c->n == PARAMS_MAX)
				return 0;
			c->n++;
			digits = 0;
		} else {
			c->final = text[p];
			return p + 1;
		}
	}
	return 0;
}

static int among(unsigned value, const unsigned *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == value)
			return 1;
	return 0;
}
#define AMONG(value, ...)                             \
	among(value, (const unsigned[]){__VA_ARGS__}, \
	    sizeof((const unsigned[]){__VA_ARGS__}) / sizeof(unsigned))

static int csi_known(const struct csi *c)
{
	if (c->prefix == '?' && (c->final == 'h' || c->final == 'l')) {
		/* Cursor keys, wrap, the cursor's blinking and sight, mouse reports, other screen, pastes, one whole frame. */
		for (unsigned i = 0; i < c->n; i++)
			if (!AMONG(c->param[i], 1, 7, 12, 25, 1000, 1002, 1003, 1006, 1049, 2004,
			        2026))
				return 0;
		return 1;
	}
	if (c->prefix == '?')
		return c->final == 'c' && c->n == 1 &&
		       c->param[0] < 2; /* Linux: the cursor's look */
	if (c->prefix)
		return 0;
	if (c->final == 'h' || c->final == 'l')
		return c->n == 1 &&
		       AMONG(c->param[0], 4, 34); /* insert mode; screen: the cursor's look */
	if (c->final == 'n')
		return c->n == 1 && c->param[0] == 5; /* "are you there": how far the link is */
	if (c->final == 't') /* smcup and rmcup: the title is put aside and comes back */
		return c->n == 3 && (c->param[0] == 22 || c->param[0] == 23) && c->param[1] == 0 &&
		       c->param[2] == 0;
	if (c->final == 'q')
		return 0;
	return c->final && strchr("ABCDGHJKLMPSTXZ@bdmr", c->final) != NULL;
}

/* --- strings --- */

/* OSC 52 with base64 and nothing else; where it ends, or 0. p: behind "ESC ]". */
static size_t osc_copy(size_t p)
{
	if (!copied || len - p < 5 || memcmp(text + p, "52;c;", 5) != 0)
		return 0;
	for (p += 5; p < len; p++) {
		if (text[p] == '\a')
			return p + 1;
		if (text[p] == 0x1b)
			return p + 1 < len && text[p + 1] == '\\' ? p + 2 : 0;
		if (!(text[p] >= '0' && text[p] <= '9') && !(text[p] >= 'A' && text[p] <= 'Z') &&
		    !(text[p] >= 'a' && text[p] <= 'z') && text[p] != '+' && text[p] != '/' &&
		    text[p] != '=')
			return 0;
	}
	return 0;
}

/* p: behind ESC. Where the sequence ends, or 0. */
static size_t escape(size_t p)
{
	struct csi c;

	if (p >= len)
		return 0;
	switch (text[p]) {
	case '[':
		p = csi_read(p + 1, &c);
		return p && csi_known(&c) ? p : 0;
	case ']':
		return osc_copy(p + 1);
	case '(': /* G0: ASCII or lines */
	case ')':
		return p + 1 < len && (text[p + 1] == 'B' || text[p + 1] == '0') ? p + 2 : 0;
	case '7': /* cursor kept and put back */
	case '8':
	case 'M': /* one line up, scrolling */
	case 'D':
	case '=': /* keypad */
	case '>':
		return p + 1;
	}
	return 0;
}

/* --- characters --- */

static int forbidden(uint32_t c)
{
	return c < 0xa0 || c == 0x61c || c == 0x180e || (c >= 0x200e && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x206f) || c == 0xfeff ||
	       (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xd800 && c <= 0xdfff) ||
	       (c >= 0xe0000 && c <= 0xe007f) || c > 0x10ffff;
}

/* One character of UTF-8 above ASCII; where it ends, or 0. */
static size_t character(size_t p)
{
	unsigned more = text[p] >= 0xf0 ? 3 : text[p] >= 0xe0 ? 2 : 1;
	uint32_t c = text[p] & (0x3fu >> more), least = more == 1   ? 0x80
	                                                : more == 2 ? 0x800
	                                                            : 0x10000;

	if (ascii_only || text[p] < 0xc2 || text[p] > 0xf4 || p + more >= len)
		return 0;
	for (unsigned i = 1; i <= more; i++) {
		if ((text[p + i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (text[p + i] & 0x3f);
	}
	return c < least || forbidden(c) ? 0 : p + more + 1;
}

static int check(const char *file)
{
	/* \a is our bell; SO and SI draw lines on a VT100 and the Linux console; CAN ends what was cut off. */
	const char *controls = plain ? "\n\t" : "\r\n\b\t\a\016\017\030";
	size_t p = 0, next;

	while (p < len) {
		unsigned char b = text[p];
		if (b == 0x1b && !plain) {
			next = escape(p + 1);
			if (!next)
				return wrong(file, p, "an escape sequence that is not on the list");
		} else if (b < 0x20 || b == 0x7f) {
			if (b == 0 || !strchr(controls, b))
				return wrong(
				    file, p, "a control character that is not on the list");
			next = p + 1;
		} else if (b < 0x80) {
			next = p + 1;
		} else {
			next = character(p);
			if (!next)
				return wrong(file, p, "a character that is not on the list");
		}
		p = next;
	}
	return 0;
}

/* --- main --- */

static int load(const char *file)
{
	static unsigned char *data;
	size_t room = 1u << 20;
	FILE *f = fopen(file, "re");

	len = 0;
	data = realloc(data, room);
	while (f && data) {
		len += fread(data + len, 1, room - len, f);
		if (len < room)
			break;
		data = realloc(data, room *= 2);
	}
	if (!f || !data || ferror(f)) {
		printf("%s: %s\n", file, strerror(errno));
		return -1;
	}
	fclose(f);
	text = data;
	return 0;
}

int main(int argc, char **argv)
{
	int c, bad = 0;

	while ((c = getopt(argc, argv, "act")) != -1) {
		if (c == '?')
			return 2;
		ascii_only |= c == 'a';
		copied |= c == 'c';
		plain |= c == 't';
	}
	for (; optind < argc; optind++) {
		if (load(argv[optind]) < 0 || check(argv[optind]) < 0)
			bad = 1;
		else
			printf("%s: %zu bytes\n", argv[optind], len);
	}
	return bad;
}
