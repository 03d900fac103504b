/* log: what consoles have shown, from rotated logs to the last byte, by time and boot, searched. */
#include <dirent.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/dispatch.h"
#include "cli/log_feed.h"
#include "cli/log_print.h"
#include "cli/log_time.h"
#include "cli/out.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "core/vm.h"
#include "serial/console_port.h"

#define FOLLOW_MS 250   /* the ring tells nobody that it has more, the log's folder does */
#define FOLLOW_LINES 10 /* shown before what comes, as tail -f does */
#define LINE_GUESS 160u /* bytes of a line, for the last ones */
#define TAIL_MIN 65536u
#define OUT_BYTES (256u << 10)

struct log_job {
	struct cli *c;
	struct log_source *sources;
	size_t n, cap;
	struct log_range range;
	struct log_style style;
	struct log_match *match;
	bool follow;
};

/* --- whose consoles --- */

static void add_source(struct log_job *j, const char *name, unsigned index, const char *port)
{
	struct log_source *s;

	if (j->n == j->cap)
		j->sources = xreallocarray(
		    j->sources, j->cap = j->cap ? j->cap * 2 : 16, sizeof(*j->sources));
	s = &j->sources[j->n++];
	*s = (struct log_source){.name = xstrdup(name), .index = index};
	snprintf(s->port, sizeof(s->port), "%s", port);
}

static bool has_history(const struct cli *c, const char *name, unsigned index)
{
	static const char *const suffixes[] = {"", ".1", ".1.gz"};
	CLEANUP_FREE char *ring = xasprintf("console%u.ring", index);
	CLEANUP_FREE char *ring_path = home_run_file(&c->home, name, ring);
	bool any = access(ring_path, F_OK) == 0;

	for (size_t i = 0; !any && i < ARRAY_LEN(suffixes); i++) {
		CLEANUP_FREE char *log = xasprintf("console%u.log%s", index, suffixes[i]);
		CLEANUP_FREE char *path = home_log_file(&c->home, name, log);

		any = access(path, F_OK) == 0;
	}
	return any;
}

/* Every console of a VM that has said something, or may have. */
static void add_consoles(struct log_job *j, const char *name)
{
	char ports[CONSOLE_PORTS_MAX][STATUS_PORT_NAME_MAX];
	unsigned n = console_port_list(&j->c->home, name, ports);

	for (unsigned i = 0; i < CONSOLE_PORTS_MAX; i++) {
		char plain[LOG_PORT_MAX];

		snprintf(plain, sizeof(plain), "console%u", i);
		if (has_history(j->c, name, i))
			add_source(j, name, i, i < n ? ports[i] : plain);
	}
}

static int add_port(struct log_job *j, const char *name, const char *word, struct err *err)
{
	char ports[CONSOLE_PORTS_MAX][STATUS_PORT_NAME_MAX];
	char plain[LOG_PORT_MAX];
	unsigned index = 0, n = console_port_list(&j->c->home, name, ports);

	if (word && console_port_find(&j->c->home, name, word, &index, err) < 0)
		return -1;
	snprintf(plain, sizeof(plain), "console%u", index);
	add_source(j, name, index, index < n ? ports[index] : plain);
	return 0;
}

/* A log outlives its domain. */
static char *resolve(const struct cli *c, const char *word, struct err *err)
{
	CLEANUP_FREE char *dir = NULL;
	char *name = vm_resolve(&c->home, word, err);

	if (name || name_check("domain", word, NULL) < 0)
		return name;
	dir = home_log_dir(&c->home, word);
	return access(dir, F_OK) == 0 ? xstrdup(word) : NULL;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Every VM that has a log, running, defined or not. */
static int add_all(struct log_job *j, struct err *err)
{
	DIR *d = opendir(j->c->home.log);
	char **names = NULL;
	size_t n = 0;

	if (!d)
		return errno == ENOENT ? 0 : err_errno(err, errno, "%s", j->c->home.log);
	for (struct dirent *e; (e = readdir(d));) {
		if (name_check("domain", e->d_name, NULL) < 0)
			continue;
		names = xreallocarray(names, n + 1, sizeof(*names));
		names[n++] = xstrdup(e->d_name);
	}
	closedir(d);
	if (n > 0)
		qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 0; i < n; i++) {
		add_consoles(j, names[i]);
		free(names[i]);
	}
	free(names);
	return 0;
}

static int add_named(struct log_job *j, const char *word, struct err *err)
{
	const char *port =
	    cli_value(j->c, "port") ? cli_value(j->c, "port") : cli_value(j->c, "devname");
	CLEANUP_FREE char *name = resolve(j->c, word, err);

	if (!name)
		return -1;
	/* A search looks at all of them; a text is one console's. */
	if (!port && j->match) {
		add_consoles(j, name);
		return 0;
	}
	if (add_port(j, name, port, err) < 0)
		return -1;
	/* Nothing printed looks like a console that was silent. */
	if (!has_history(j->c, name, j->sources[j->n - 1].index))
		out_warning("%s:%s: nothing is recorded yet: that begins when '%s' is started",
		    name, j->sources[j->n - 1].port, name);
	return 0;
}

static int find_sources(struct log_job *j, struct err *err)
{
	unsigned n;
	const char *const *words = cli_values(j->c, "domain", &n);

	if (cli_flag(j->c, "all"))
		return add_all(j, err);
	for (unsigned i = 0; i < n; i++)
		if (add_named(j, words[i], err) < 0)
			return -1;
	return 0;
}

/* --- what is asked for --- */

static int check_words(struct cli *c, struct err *err)
{
	unsigned names;
	bool all = cli_flag(c, "all"), raw = cli_flag(c, "raw"), grep = cli_value(c, "grep");
	const char *why = NULL;

	cli_values(c, "domain", &names);
	if (names == 0 && !all)
		why = "requires a domain, or --all";
	else if (names > 0 && all)
		why = "takes a domain or --all, not both";
	else if (all && (cli_value(c, "port") || cli_value(c, "devname")))
		why = "takes --port with domains that are named, not with --all";
	else if (!grep && (cli_flag(c, "ignore-case") || cli_flag(c, "invert-match") ||
	                      cli_value(c, "context")))
		why = "needs --grep for --ignore-case, --invert-match and --context";
	else if (raw && (grep || c->json || cli_flag(c, "timestamps") || cli_value(c, "lines")))
		why =
		    "gives the bytes as they are with --raw: without --grep, --json, --timestamps and "
		    "--lines";
	else if (raw && (names != 1))
		why = "takes one domain with --raw";
	else if (raw && isatty(STDOUT_FILENO))
		why =
		    "does not write the guest's own bytes to a terminal, which they could control; send "
		    "--raw to a file or a pipe";
	else if (cli_value(c, "boot") &&
	         (cli_value(c, "since") || cli_value(c, "until") || all || names > 1))
		why = "takes --boot with one domain, and without --since and --until";
	else if (cli_flag(c, "list-boots") && (all || names != 1))
		why = "lists the boots of one domain";
	else if (cli_flag(c, "follow") && (cli_value(c, "until") || cli_value(c, "boot")))
		why = "follows what comes: not with --until or --boot";
	if (why)
		return err_set(err, ERR_USAGE, "command 'log' %s; see '%s help log'", why, c->prog);
	return 0;
}

static int take_boot(struct log_job *j, struct err *err)
{
	const char *word = cli_value(j->c, "boot");
	bool back = word && word[0] == '-';
	uint64_t n = 0;

	if (!word)
		return 0;
	if (str_u64(word + back, 1000000, &n) < 0)
		return err_set(err, ERR_USAGE,
		    "invalid value '%s' for --boot: 0 is the last one, -1 the one before it, 1 the oldest "
		    "one; see --list-boots",
		    word);
	j->range.by_boot = true;
	j->range.boot = back ? -(long)n : (long)n;
	return 0;
}

static int take_time(struct log_job *j, const char *opt, uint64_t *ns, struct err *err)
{
	const char *word = cli_value(j->c, opt);

	if (!word || log_time_parse(word, timestamp_ns(), ns, err) == 0)
		return 0;
	err_wrap(err, "--%s", opt);
	return -1;
}

static int take_match(struct log_job *j, struct err *err)
{
	const struct cli *c = j->c;
	const char *pattern = cli_value(c, "grep");
	unsigned flags = (cli_flag(c, "ignore-case") ? LOG_MATCH_ICASE : 0) |
	                 (cli_flag(c, "invert-match") ? LOG_MATCH_INVERT : 0);
	uint64_t context = cli_number(c, "context", 0);

	if (!pattern)
		return 0;
	if (context > LOG_CONTEXT_MAX)
		return err_set(err, ERR_USAGE, "invalid value '%s' for --context: at most %u lines",
		    cli_value(c, "context"), LOG_CONTEXT_MAX);
	j->match = log_match_new(pattern, flags, err);
	if (!j->match) {
		err->code = ERR_USAGE;
		return -1;
	}
	j->style.match = j->match;
	j->style.context = (size_t)context;
	return 0;
}

static int take_lines(struct log_job *j, struct err *err)
{
	uint64_t n = cli_number(j->c, "lines", 0);
	bool asked = cli_value(j->c, "lines");

	if (asked && (n < 1 || n > LOG_LINES_MAX))
		return err_set(err, ERR_USAGE,
		    "invalid value '%s' for --lines: from 1 to %u; --since shows more",
		    cli_value(j->c, "lines"), LOG_LINES_MAX);
	if (!asked && j->follow && !j->range.since_ns)
		n = FOLLOW_LINES;
	j->style.last = j->style.form == LOG_RAW ? 0 : (size_t)n;
	return 0;
}

static int take_wishes(struct log_job *j, struct err *err)
{
	struct cli *c = j->c;
	unsigned names;

	cli_values(c, "domain", &names);
	j->range.until_ns = UINT64_MAX;
	j->follow = cli_flag(c, "follow");
	if (check_words(c, err) < 0 || take_boot(j, err) < 0 ||
	    take_time(j, "since", &j->range.since_ns, err) < 0 ||
	    take_time(j, "until", &j->range.until_ns, err) < 0 || take_match(j, err) < 0)
		return -1;
	j->style.form = c->json ? LOG_JSON : cli_flag(c, "raw") ? LOG_RAW : LOG_TEXT;
	j->style.names = j->match || cli_flag(c, "all") || names > 1;
	j->style.timestamps = j->match || cli_flag(c, "timestamps") || cli_flag(c, "all");
	j->style.colour = j->match && isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	j->style.since_ns = j->range.since_ns;
	j->style.until_ns = j->range.until_ns;
	return take_lines(j, err);
}

/* --- boots --- */

static void boot_row(struct out_table *t, const struct conlog_boot *b, size_t i, size_t n)
{
	static const char *const how[] = {[CONLOG_BOOT_STARTED] = "started",
	    [CONLOG_BOOT_RESET] = "reset",
	    [CONLOG_BOOT_CUT] = "its beginning is not kept"};
	CLEANUP_FREE char *back = xasprintf("%ld", (long)i - (long)n + 1);
	CLEANUP_FREE char *number =
	    b->number ? xasprintf("%llu", (unsigned long long)b->number) : xstrdup("-");
	char begin[LOG_STAMP_MAX], end[LOG_STAMP_MAX];

	log_print_stamp(b->begin_ns, begin);
	log_print_stamp(b->end_ns, end);
	out_table_row(t, (const char *const[]){back, number, begin, end, how[b->how]});
}

static struct json_object *boot_json(const struct conlog_boot *b, size_t i, size_t n)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "index", json_object_new_int64((int64_t)i - (int64_t)n + 1));
	out_add_u64(o, "boot", b->number);
	out_add_u64(o, "first_ns", b->begin_ns);
	out_add_u64(o, "last_ns", b->end_ns);
	out_add_bool(o, "reset", b->how == CONLOG_BOOT_RESET);
	out_add_bool(o, "complete", b->how != CONLOG_BOOT_CUT);
	return o;
}

static int list_boots(struct log_job *j, struct err *err)
{
	static const char *const heads[] = {"", "Boot", "First entry", "Last entry", "How"};
	const struct log_source *s = &j->sources[0];
	struct conlog_reader *r = conlog_reader_new(&j->c->home, s->name, s->index, err);
	struct conlog_boot *boots;
	CLEANUP_BUF struct buf text = BUF_INIT;
	size_t n;

	if (!r)
		return -1;
	n = conlog_reader_boots(r, &boots);
	if (j->c->json) {
		struct json_object *all = json_object_new_array();

		for (size_t i = 0; i < n; i++)
			json_object_array_add(all, boot_json(&boots[i], i, n));
		out_json(all);
	} else {
		struct out_table *t = out_table_new(ARRAY_LEN(heads), heads);

		for (size_t i = 0; i < n; i++)
			boot_row(t, &boots[i], i, n);
		out_table_format(t, !j->c->quiet, &text);
		fwrite(text.data, 1, text.len, stdout);
		out_table_free(t);
	}
	free(boots);
	conlog_reader_free(r);
	return 0;
}

/* --- running --- */

static uint64_t tail_bytes(const struct log_job *j)
{
	uint64_t n = j->style.last * LINE_GUESS;

	return n < TAIL_MIN ? TAIL_MIN : n;
}

/* For the last lines of all that there is: begins far enough back, and further if that was not enough. */
static struct log_feed *run_tail(struct log_job *j, struct log_print *p)
{
	j->range.tail = tail_bytes(j);
	for (;; j->range.tail *= 4) {
		struct log_feed *f = log_feed_new(
		    &j->c->home, j->sources, j->n, &j->range, false, false, &log_print_sink, p);

		log_feed_run(f);
		/* The first one may be half a line. */
		if (log_print_lines(p) > j->style.last || log_feed_whole(f))
			return f;
		log_feed_free(f);
		log_print_restart(p);
	}
}

static struct log_feed *run_range(struct log_job *j, struct log_print *p)
{
	bool threaded = j->match && !j->follow, raw = j->style.form == LOG_RAW;
	struct log_feed *f;

	/* Who wants to see what comes does not wait for all that ever came. */
	if (j->follow && !raw && !j->range.since_ns)
		j->range.tail = tail_bytes(j);
	f = log_feed_new(
	    &j->c->home, j->sources, j->n, &j->range, threaded, raw, &log_print_sink, p);
	log_feed_run(f);
	return f;
}

static int run(struct log_job *j)
{
	struct log_print *p = log_print_new(&j->style);
	bool tail = j->style.last && !j->range.since_ns && !j->range.by_boot && !j->match &&
	            j->range.until_ns == UINT64_MAX && j->n == 1;
	struct log_feed *f = tail ? run_tail(j, p) : run_range(j, p);
	int status;

	if (!j->follow)
		log_feed_flush(f);
	log_print_flush(p);
	while (j->follow) {
		log_feed_wait(f, FOLLOW_MS);
		log_feed_run(f);
		fflush(stdout);
	}
	log_feed_free(f);
	status =
	    log_print_failed(p) || (j->match && log_print_lines(p) == 0) ? CLI_FAILED : CLI_DONE;
	log_print_free(p);
	return status;
}

static void job_fini(struct log_job *j)
{
	for (size_t i = 0; i < j->n; i++)
		free(j->sources[i].name);
	free(j->sources);
	log_match_free(j->match);
}

int verb_log(struct cli *c)
{
	struct log_job j = {.c = c};
	struct err err = {0};
	int status;

	c->bare = true;
	/* The text is UTF-8 whatever the terminal is, and so is the pattern. */
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		setlocale(LC_CTYPE, "");
	if (take_wishes(&j, &err) < 0 || find_sources(&j, &err) < 0 ||
	    (cli_flag(c, "list-boots") && list_boots(&j, &err) < 0)) {
		out_error("%s", err.msg);
		status = out_status(&err);
	} else if (cli_flag(c, "list-boots")) {
		status = CLI_DONE;
	} else {
		setvbuf(stdout, NULL, _IOFBF, OUT_BYTES);
		status = run(&j);
	}
	job_fini(&j);
	return status;
}
