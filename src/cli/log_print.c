#include "cli/log_print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/out.h"
#include "core/mem.h"
#include "core/timestamp.h"
#include "serial/line_text.h"

/* As grep --color shows them, see GREP_COLORS in grep(1). */
#define C_NAME "\033[35m"
#define C_SEPARATOR "\033[36m"
#define C_MATCH "\033[1;31m"
#define C_OFF "\033[m"

struct kept {
	char *text;
	size_t n;
	bool is_line;
};

struct context_line {
	char *text;
	uint64_t ns;
};

struct log_print {
	struct log_style style;
	struct buf text, out; /* of the present line */
	struct line_text scratch;
	bool failed, direct; /* direct: nothing is kept back any more */
	uint64_t lines;
	/* The last ones, a ring of style.last. */
	struct kept *kept;
	size_t kept_at, n_kept;
	/* Context: the last lines that did not match, and how many are still to be shown. */
	struct context_line *before;
	size_t before_at, n_before, after;
	bool shown_any, skipped; /* something, since the last line shown */
	const struct log_source *source;
	/* The second that `stamp` shows: most lines share theirs. */
	time_t stamp_second;
	char stamp[LOG_STAMP_MAX];
};

struct log_print *log_print_new(const struct log_style *style)
{
	struct log_print *p = xcalloc(1, sizeof(*p));

	p->style = *style;
	p->kept = xcalloc(style->last + 1, sizeof(*p->kept));
	p->before = xcalloc(style->context + 1, sizeof(*p->before));
	p->direct = style->last == 0;
	p->stamp_second = -1;
	return p;
}

static void kept_drop(struct log_print *p)
{
	for (size_t i = 0; i < p->style.last; i++) {
		free(p->kept[i].text);
		p->kept[i] = (struct kept){0};
	}
	p->kept_at = p->n_kept = 0;
}

static void before_drop(struct log_print *p)
{
	for (size_t i = 0; i < p->style.context; i++) {
		free(p->before[i].text);
		p->before[i].text = NULL;
	}
	p->n_before = 0;
	p->after = 0;
}

void log_print_free(struct log_print *p)
{
	if (!p)
		return;
	kept_drop(p);
	before_drop(p);
	free(p->kept);
	free(p->before);
	buf_fini(&p->text);
	buf_fini(&p->out);
	line_text_fini(&p->scratch);
	free(p);
}

uint64_t log_print_lines(const struct log_print *p)
{
	return p->lines;
}

bool log_print_failed(const struct log_print *p)
{
	return p->failed;
}

void log_print_restart(struct log_print *p)
{
	kept_drop(p);
	before_drop(p);
	p->lines = 0;
}

void log_print_flush(struct log_print *p)
{
	for (size_t i = 0; i < p->n_kept; i++) {
		struct kept *k = &p->kept[(p->kept_at + i) % p->style.last];

		fwrite(k->text, 1, k->n, stdout);
	}
	kept_drop(p);
	p->direct = true;
	fflush(stdout);
}

/* What is in p->out, a line of the result. */
static void out_send(struct log_print *p, bool is_line)
{
	struct kept *k;

	p->lines += is_line;
	if (p->direct) {
		fwrite(p->out.data, 1, p->out.len, stdout);
		buf_clear(&p->out);
		return;
	}
	if (p->n_kept == p->style.last) {
		free(p->kept[p->kept_at].text);
		p->kept_at = (p->kept_at + 1) % p->style.last;
		p->n_kept--;
	}
	k = &p->kept[(p->kept_at + p->n_kept++) % p->style.last];
	k->n = p->out.len;
	k->text = buf_take(&p->out);
}

/* --- one line --- */

void log_print_stamp(uint64_t ns, char out[LOG_STAMP_MAX])
{
	out[0] = '\0';
	if (ns)
		timestamp_local(ns / 1000000000u, TIMESTAMP_LOCAL, out, LOG_STAMP_MAX);
	if (!out[0])
		snprintf(out, LOG_STAMP_MAX, "-");
}

static const char *stamp(struct log_print *p, uint64_t ns)
{
	time_t t = (time_t)(ns / 1000000000u);

	if (t != p->stamp_second) {
		log_print_stamp(ns, p->stamp);
		p->stamp_second = t;
	}
	return p->stamp;
}

static struct json_object *json_begin(const struct log_source *s, uint64_t ns)
{
	struct json_object *o = json_object_new_object();

	out_add_str(o, "domain", s->name);
	out_add_str(o, "port", s->port);
	if (ns)
		out_add_u64(o, "time_ns", ns);
	else
		json_object_object_add(o, "time_ns", NULL);
	return o;
}

static void json_send(struct log_print *p, struct json_object *o, bool is_line)
{
	buf_adds(&p->out, json_object_to_json_string_ext(
	                      o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	buf_addc(&p->out, '\n');
	json_object_put(o);
	out_send(p, is_line);
}

static void add_coloured(struct log_print *p, const char *colour, const char *text, size_t n)
{
	if (p->style.colour)
		buf_adds(&p->out, colour);
	buf_add(&p->out, text, n);
	if (p->style.colour)
		buf_adds(&p->out, C_OFF);
}

/* "web1:serial0: 2026-11-21 10:48:00: ", with '-' in place of ':' where the line is context, as grep does. */
static void add_head(struct log_print *p, const struct log_source *s, uint64_t ns, bool matched)
{
	const char *sign = matched ? ":" : "-";
	const char *t = p->style.timestamps ? stamp(p, ns) : NULL;

	if (p->style.names) {
		add_coloured(p, C_NAME, s->name, strlen(s->name));
		add_coloured(p, C_SEPARATOR, ":", 1);
		add_coloured(p, C_NAME, s->port, strlen(s->port));
		add_coloured(p, C_SEPARATOR, sign, 1);
		buf_addc(&p->out, ' ');
	}
	if (t && p->style.names) {
		buf_adds(&p->out, t);
		add_coloured(p, C_SEPARATOR, sign, 1);
		buf_addc(&p->out, ' ');
	} else if (t) {
		buf_adds(&p->out, t);
		buf_addc(&p->out, ' ');
	}
}

/* The text with its matches in colour. */
static void add_matches(struct log_print *p, const char *text, size_t n)
{
	size_t at = 0, begin, end;

	while (at < n && log_match_text(p->style.match, text, at, &begin, &end)) {
		/* An empty match colours nothing, and gets no further by itself. */
		size_t to = end > begin ? end : end + 1;

		buf_add(&p->out, text + at, begin - at);
		if (end > begin)
			add_coloured(p, C_MATCH, text + begin, end - begin);
		else if (begin < n)
			buf_add(&p->out, text + begin, 1);
		at = to < n ? to : n;
	}
	buf_add(&p->out, text + at, n - at);
}

static void print_line(struct log_print *p, const struct log_source *s, const char *text, size_t n,
    uint64_t ns, bool matched)
{
	if (p->style.form == LOG_JSON) {
		struct json_object *o = json_begin(s, ns);

		json_object_object_add(o, "text", json_object_new_string_len(text, (int)n));
		if (p->style.context)
			out_add_bool(o, "match", matched);
		json_send(p, o, true);
		return;
	}
	add_head(p, s, ns, matched);
	if (p->style.colour && p->style.match && matched)
		add_matches(p, text, n);
	else
		buf_add(&p->out, text, n);
	buf_addc(&p->out, '\n');
	out_send(p, true);
}

/* A raw line may have been several on the guest's screen. */
static void print_lines(struct log_print *p, const struct log_source *s, uint64_t ns)
{
	char *text = p->text.data, *end = text + p->text.len;

	for (;;) {
		char *nl = memchr(text, '\n', (size_t)(end - text));

		if (!nl) {
			print_line(p, s, text, (size_t)(end - text), ns, true);
			return;
		}
		*nl = '\0';
		print_line(p, s, text, (size_t)(nl - text), ns, true);
		text = nl + 1;
	}
}

static bool in_time(const struct log_print *p, uint64_t ns)
{
	return ns == 0 || (ns >= p->style.since_ns && ns <= p->style.until_ns);
}

static void clean(struct log_print *p, const uint8_t *line, size_t n)
{
	buf_clear(&p->text);
	line_text_clean(&p->scratch, line, n, &p->text);
	buf_add(&p->text, "", 0);
	p->text.data[p->text.len] = '\0'; /* cleaning may have shortened it */
}

/* --- context --- */

static void separator(struct log_print *p)
{
	if (p->shown_any && p->skipped && p->style.form == LOG_TEXT) {
		add_coloured(p, C_SEPARATOR, "--", 2);
		buf_addc(&p->out, '\n');
		out_send(p, false);
	}
	p->shown_any = true;
	p->skipped = false;
}

static void context_keep(struct log_print *p, const char *text, uint64_t ns)
{
	struct context_line *c;

	if (p->n_before == p->style.context) {
		free(p->before[p->before_at].text);
		p->before_at = (p->before_at + 1) % p->style.context;
		p->n_before--;
		p->skipped = true;
	}
	c = &p->before[(p->before_at + p->n_before++) % p->style.context];
	*c = (struct context_line){.text = xstrdup(text), .ns = ns};
}

static void context_line(
    struct log_print *p, const struct log_source *s, const char *text, uint64_t ns)
{
	bool matched = log_match_wanted(p->style.match, text);

	if (matched) {
		separator(p);
		for (size_t i = 0; i < p->n_before; i++) {
			struct context_line *c = &p->before[(p->before_at + i) % p->style.context];

			print_line(p, s, c->text, strlen(c->text), c->ns, false);
			free(c->text);
			c->text = NULL;
		}
		p->n_before = 0;
		p->after = p->style.context;
		print_line(p, s, text, strlen(text), ns, true);
	} else if (p->after > 0) {
		p->after--;
		print_line(p, s, text, strlen(text), ns, false);
	} else {
		context_keep(p, text, ns);
	}
}

static void context_lines(struct log_print *p, const struct log_source *s, uint64_t ns)
{
	char *save = NULL;

	if (p->source != s)
		before_drop(p);
	p->source = s;
	if (p->text.len == 0)
		context_line(p, s, "", ns);
	for (char *t = strtok_r(p->text.data, "\n", &save); t; t = strtok_r(NULL, "\n", &save))
		context_line(p, s, t, ns);
}

/* --- the sink --- */

static uint64_t time_at(const struct conlog_time *times, size_t n, size_t *k, size_t at)
{
	if (n == 0)
		return 0;
	while (*k + 1 < n && times[*k + 1].at <= at)
		++*k;
	return times[*k].ns;
}

static void on_raw(struct log_print *p, const uint8_t *bytes, size_t n,
    const struct conlog_time *times, size_t n_times)
{
	for (size_t k = 0; k < n_times; k++) {
		size_t end = k + 1 < n_times ? times[k + 1].at : n;

		if (in_time(p, times[k].ns))
			fwrite(bytes + times[k].at, 1, end - times[k].at, stdout);
	}
}

static void on_matches(struct log_print *p, const struct log_source *s, const uint8_t *bytes,
    size_t n, const struct conlog_time *times, size_t n_times)
{
	struct log_line line;
	size_t at = 0, k = 0;

	while (log_match_next(p->style.match, bytes, n, &at, &line, &p->text)) {
		uint64_t ns = time_at(times, n_times, &k, line.at);

		if (in_time(p, ns))
			print_lines(p, s, ns);
	}
}

static void on_lines(void *arg, const struct log_source *s, const uint8_t *bytes, size_t n,
    const struct conlog_time *times, size_t n_times)
{
	struct log_print *p = arg;
	size_t k = 0;

	if (p->style.form == LOG_RAW) {
		on_raw(p, bytes, n, times, n_times);
		return;
	}
	if (p->style.match && !p->style.context) {
		on_matches(p, s, bytes, n, times, n_times);
		return;
	}
	for (size_t at = 0; at < n;) {
		const uint8_t *nl = memchr(bytes + at, '\n', n - at);
		size_t len = nl ? (size_t)(nl - bytes) - at : n - at;
		uint64_t ns = time_at(times, n_times, &k, at);

		if (in_time(p, ns)) {
			clean(p, bytes + at, len);
			if (p->style.match)
				context_lines(p, s, ns);
			else
				print_lines(p, s, ns);
		}
		at += len + 1;
	}
}

/* --- marks --- */

static const char *const mark_words[CONLOG_MARKS] = {
    [CONLOG_BOOT] = "boot",
    [CONLOG_RECONNECT] = "reconnect",
    [CONLOG_END] = "end",
    [CONLOG_HOLE] = "hole",
    [CONLOG_REPLACED] = "replaced",
    [CONLOG_DAMAGED] = "damaged",
};

static char *mark_text(const struct conlog_record *m)
{
	unsigned long long n = m->number;

	switch ((enum conlog_mark)m->kind) {
	case CONLOG_BOOT:
		return n ? xasprintf("boot %llu%s", n, m->value ? " (reset)" : "")
		         : xasprintf("boot%s", m->value ? " (reset)" : "");
	case CONLOG_RECONNECT:
		return xstrdup("connected to the guest anew, something may be missing here");
	case CONLOG_END:
		return xstrdup("the guest ended");
	case CONLOG_HOLE:
		return n ? xasprintf("%llu bytes are missing here", n)
		         : xstrdup("bytes are missing here");
	case CONLOG_REPLACED:
		return xstrdup("what was here before was removed by somebody");
	case CONLOG_DAMAGED:
		return n ? xasprintf("the log is damaged here: %llu bytes cannot be read", n)
		         : xstrdup("the log is damaged here");
	case CONLOG_TIME:
	case CONLOG_BEGIN:
	case CONLOG_MARKS:
		break;
	}
	return xstrdup("");
}

static void print_mark(
    struct log_print *p, const struct log_source *s, const struct conlog_record *m)
{
	CLEANUP_FREE char *text = mark_text(m);

	if (p->style.form == LOG_JSON) {
		struct json_object *o = json_begin(s, m->time_ns);

		out_add_str(o, "mark", mark_words[m->kind]);
		if (m->kind == CONLOG_BOOT)
			out_add_bool(o, "reset", m->value != 0);
		if (m->number)
			out_add_u64(o, m->kind == CONLOG_BOOT ? "boot" : "bytes", m->number);
		json_send(p, o, false);
		return;
	}
	if (p->style.names)
		buf_addf(&p->out, "%s:%s: ", s->name, s->port);
	if (m->time_ns)
		buf_addf(&p->out, "-- %s, %s --\n", text, stamp(p, m->time_ns));
	else
		buf_addf(&p->out, "-- %s --\n", text);
	out_send(p, false);
}

static void on_mark(void *arg, const struct log_source *s, const struct conlog_record *m)
{
	struct log_print *p = arg;

	if (p->style.form == LOG_RAW || !in_time(p, m->time_ns))
		return;
	/* A search shows lines; but what it could not search it says. */
	if (p->style.match) {
		CLEANUP_FREE char *text = m->kind == CONLOG_DAMAGED ? mark_text(m) : NULL;

		before_drop(p);
		if (text)
			out_warning("%s:%s: %s", s->name, s->port, text);
		return;
	}
	print_mark(p, s, m);
}

static void on_done(void *arg, const struct log_source *s, const struct err *why)
{
	struct log_print *p = arg;

	if (!why)
		return;
	p->failed = true;
	fflush(stdout);
	out_error("%s:%s: %s", s->name, s->port, why->msg);
}

const struct log_sink log_print_sink = {.lines = on_lines, .mark = on_mark, .done = on_done};
