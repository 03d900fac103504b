#include "serial/log_match.h"

#include <ctype.h>
#include <locale.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/pattern.h"
#include "serial/line_text.h"
#include "serial/log_literal.h"

#define MANY 4096u /* bytes of lines given to regexec(3) at once */
#define BLOCK 64u  /* bytes asked at a time whether all of them are plain */

struct log_match {
	regex_t re; /* for any text, and for places */
	regex_t
	    ascii;    /* the same without regard to UTF-8, several times as fast: for ASCII alone */
	regex_t many; /* for many lines at once, '\n' between: is there a match in any? */
	bool has_ascii, has_many;
	struct buf lines;
	bool icase, invert;
	char *literals[LOG_LITERALS_MAX];
	size_t n_literals, lengths[LOG_LITERALS_MAX];
	struct line_text scratch;
	/* Of the block that is searched: where each literal is next, and what is known to be plain. */
	const uint8_t *block;
	size_t hits[LOG_LITERALS_MAX];
	size_t plain; /* no special byte is before it */
	size_t alone; /* lines before it are looked at one by one */
};

static bool text_is_ascii(const char *p, size_t n)
{
	unsigned char all = 0;

	for (size_t i = 0; i < n; i++)
		all |= (unsigned char)p[i];
	return all < 0x80;
}

/* In the C locale, where a byte is a character. */
static void ascii_compile(struct log_match *m, const char *pattern, int flags)
{
	locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0), old;

	if (!c)
		return;
	old = uselocale(c);
	m->has_ascii =
	    text_is_ascii(pattern, strlen(pattern)) && regcomp(&m->ascii, pattern, flags) == 0;
	uselocale(old);
	freelocale(c);
}

static void ascii_free(struct log_match *m)
{
	if (m->has_ascii)
		regfree(&m->ascii);
	if (m->has_many)
		regfree(&m->many);
	buf_fini(&m->lines);
}

struct log_match *log_match_new(const char *pattern, unsigned flags, struct err *err)
{
	struct log_match *m = xcalloc(1, sizeof(*m));
	bool icase = flags & LOG_MATCH_ICASE;

	if (pattern_regcomp(&m->re, pattern, REG_EXTENDED | (icase ? REG_ICASE : 0), err) < 0) {
		free(m);
		return NULL;
	}
	ascii_compile(m, pattern, REG_EXTENDED | REG_NOSUB | (icase ? REG_ICASE : 0));
	m->icase = icase;
	m->invert = flags & LOG_MATCH_INVERT;
	m->n_literals = log_literal_find(pattern, m->literals);
	for (size_t i = 0; i < m->n_literals; i++)
		m->lengths[i] = strlen(m->literals[i]);
	return m;
}

void log_match_free(struct log_match *m)
{
	if (!m)
		return;
	regfree(&m->re);
	ascii_free(m);
	for (size_t i = 0; i < m->n_literals; i++)
		free(m->literals[i]);
	line_text_fini(&m->scratch);
	free(m);
}

/* --- strings --- */

/* Without regard to case: the first byte in both its forms, by memchr, and then the rest. */
static size_t find_icase(const uint8_t *p, size_t n, const char *s, size_t len)
{
	int low = tolower((unsigned char)s[0]), up = toupper((unsigned char)s[0]);
	const uint8_t *next[2] = {p, p};

	if (n < len)
		return SIZE_MAX;
	for (int i = 0; i < 2; i++)
		next[i] = memchr(p, i ? up : low, n - len + 1);
	while (next[0] || next[1]) {
		int i = !next[0] || (next[1] && next[1] < next[0]);
		const uint8_t *at = next[i];

		if (strncasecmp((const char *)at, s, len) == 0)
			return (size_t)(at - p);
		next[i] = memchr(at + 1, i ? up : low, n - len - (size_t)(at - p));
	}
	return SIZE_MAX;
}

static size_t find(const struct log_match *m, const uint8_t *p, size_t n, size_t literal)
{
	const char *s = m->literals[literal];
	size_t len = m->lengths[literal];
	const uint8_t *at;

	if (m->icase)
		return find_icase(p, n, s, len);
	at = memmem(p, n, s, len);
	return at ? (size_t)(at - p) : SIZE_MAX;
}

/* --- lines --- */

bool log_match_text(struct log_match *m, const char *text, size_t from, size_t *begin, size_t *end)
{
	regmatch_t at;

	if (regexec(&m->re, text + from, 1, &at, from ? REG_NOTBOL : 0) != 0)
		return false;
	*begin = from + (size_t)at.rm_so;
	*end = from + (size_t)at.rm_eo;
	return true;
}

/* Can the cleaned text match at all? Folding has letters beyond ASCII that are like ones within. */
static bool text_worth(const struct log_match *m, const struct buf *text)
{
	if (m->n_literals == 0 || (m->icase && !text_is_ascii(text->data, text->len)))
		return true;
	for (size_t i = 0; i < m->n_literals; i++)
		if (find(m, (const uint8_t *)text->data, text->len, i) != SIZE_MAX)
			return true;
	return false;
}

bool log_match_wanted(struct log_match *m, const char *text)
{
	bool ascii = m->has_ascii && text_is_ascii(text, strlen(text));

	return (regexec(ascii ? &m->ascii : &m->re, text, 0, NULL, 0) == 0) != m->invert;
}

/* Of several lines those that are wanted. */
static bool keep_wanted(struct log_match *m, struct buf *text)
{
	CLEANUP_FREE char *all = buf_take(text);
	bool any = false;

	for (char *line = all, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!log_match_wanted(m, line))
			continue;
		if (any)
			buf_addc(text, '\n');
		buf_adds(text, line);
		any = true;
	}
	return any;
}

/* asked: it may match. */
static bool line_matches(
    struct log_match *m, const uint8_t *line, size_t n, bool asked, struct buf *text)
{
	buf_clear(text);
	line_text_clean(&m->scratch, line, n, text);
	buf_add(text, "", 0);
	text->data[text->len] = '\0'; /* cleaning may have shortened it */
	if (!asked || !text_worth(m, text))
		return m->invert;
	if (memchr(text->data, '\n', text->len))
		return keep_wanted(m, text);
	return log_match_wanted(m, text->data);
}

/* The line that holds the byte at `at`. */
static struct log_line line_around(const uint8_t *p, size_t n, size_t at)
{
	const uint8_t *begin = at ? memrchr(p, '\n', at) : NULL;
	const uint8_t *end = memchr(p + at, '\n', n - at);
	struct log_line l = {.at = begin ? (size_t)(begin - p) + 1 : 0};

	l.n = (end ? (size_t)(end - p) : n) - l.at;
	return l;
}

/* --- bytes that are not what a reader sees --- */

static bool special_at(const uint8_t *p, size_t n, size_t i)
{
	if (p[i] == '\n' || !line_text_special(p[i]))
		return false;
	/* Returns right before the line's end. */
	while (p[i] == '\r' && i + 1 < n && p[i + 1] == '\r')
		i++;
	return !(p[i] == '\r' && i + 1 < n && p[i + 1] == '\n');
}

/* A constant count, so that the compiler makes vectors of it: lines without anything special are what most of a log
 * is. Reads one byte more. */
static unsigned block_special(const uint8_t *p)
{
	uint8_t bad = 0;

	for (size_t i = 0; i < BLOCK; i++) {
		uint8_t odd = (uint8_t)((uint8_t)(p[i] - 0x20) >= 0x5f);
		uint8_t end = (uint8_t)((p[i] == '\n') | ((p[i] == '\r') & (p[i + 1] == '\n')));

		bad |= (uint8_t)(odd & (end ^ 1));
	}
	return bad;
}

/* The first special byte from `at` on; n: none. */
static size_t special_find(const uint8_t *p, size_t n, size_t at)
{
	while (at < n) {
		if (n - at > BLOCK && !block_special(p + at)) {
			at += BLOCK;
			continue;
		}
		for (size_t end = n - at > BLOCK ? at + BLOCK : n; at < end; at++)
			if (special_at(p, n, at))
				return at;
	}
	return n;
}

/* --- blocks --- */

static void block_begin(struct log_match *m, const uint8_t *block)
{
	m->block = block;
	m->plain = m->alone = 0;
	memset(m->hits, 0, sizeof(m->hits));
}

/* The place of the next line from `at` on that has to be looked at: a literal, or something special. */
static size_t candidate(struct log_match *m, const uint8_t *p, size_t n, size_t at)
{
	size_t best = n;

	if (m->plain <= at)
		m->plain = special_find(p, n, at);
	best = m->plain;
	for (size_t i = 0; i < m->n_literals; i++) {
		/* hits[i]: none is before it, and one is at it, or it is 0 for not looked yet. */
		if (m->hits[i] < at || m->hits[i] == 0) {
			size_t k = find(m, p + at, n - at, i);

			m->hits[i] = k == SIZE_MAX ? n : at + k;
		}
		if (m->hits[i] < best)
			best = m->hits[i];
	}
	return best;
}

/* Adds a line of plain text, as cleaning would leave it. */
static void many_add(struct log_match *m, const uint8_t *line, size_t n)
{
	while (n > 0 && (line[n - 1] == '\r' || line[n - 1] == ' '))
		n--;
	if (m->lines.len > 0)
		buf_addc(&m->lines, '\n');
	buf_add(&m->lines, line, n);
}

/* Passes over plain lines from `at` on of which none matches, many at a time. Returns where a line has to be looked at
 * for itself. */
static size_t skip_many(struct log_match *m, const uint8_t *p, size_t n, size_t at)
{
	while (at < n && at >= m->alone) {
		size_t end = at;

		if (m->plain <= at)
			m->plain = special_find(p, n, at);
		buf_clear(&m->lines);
		while (end < n && end - at < MANY) {
			const uint8_t *nl = memchr(p + end, '\n', n - end);
			size_t next = nl ? (size_t)(nl - p) + 1 : n;

			if (m->plain < next)
				break;
			many_add(m, p + end, (nl ? next - 1 : n) - end);
			end = next;
		}
		if (end == at)
			break;
		if (regexec(&m->many, m->lines.data ? m->lines.data : "", 0, NULL, 0) == 0)
			m->alone = end; /* one of these does */
		else
			at = end;
	}
	return at;
}

/* Every line, one after the other. */
static bool next_of_all(struct log_match *m, const uint8_t *p, size_t n, size_t *at,
    struct log_line *line, struct buf *text)
{
	size_t hit;

	while (*at < n) {
		if (m->has_many && m->n_literals == 0 && !m->invert &&
		    (*at = skip_many(m, p, n, *at)) >= n)
			break;
		hit = m->n_literals ? candidate(m, p, n, *at) : *at;
		*line = line_around(p, n, *at);
		*at = line->at + line->n + 1;
		if (line_matches(m, p + line->at, line->n, hit < *at, text))
			return true;
	}
	*at = n;
	return false;
}

bool log_match_next(struct log_match *m, const uint8_t *block, size_t n, size_t *at,
    struct log_line *line, struct buf *text)
{
	if (*at == 0 || m->block != block)
		block_begin(m, block);
	if (m->invert || m->n_literals == 0)
		return next_of_all(m, block, n, at, line, text);
	while (*at < n) {
		size_t hit = candidate(m, block, n, *at);

		if (hit >= n)
			break;
		*line = line_around(block, n, hit);
		*at = line->at + line->n + 1;
		if (line_matches(m, block + line->at, line->n, true, text))
			return true;
	}
	*at = n;
	return false;
}
