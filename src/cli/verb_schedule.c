/* snapshot-schedule: snapshots that are made by themselves (core/schedule.h), listed, changed, and carried out. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>
#include <json-c/json.h>

#include "cli/dispatch.h"
#include "cli/out.h"
#include "core/audit.h"
#include "core/domain.h"
#include "core/mem.h"
#include "core/program.h"
#include "core/schedule.h"
#include "core/store.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "core/vm.h"

#define DEFAULT_NAME "auto"
#define RUN_MS (6 * 3600 * 1000) /* for a snapshot with much memory on a slow disk */
#define SETTLE_S 60 /* an image that changed so shortly after a snapshot was changed by that */

static uint64_t now_s(void)
{
	return timestamp_ns() / 1000000000u;
}

/* --- list --- */
static void time_text(uint64_t seconds, char out[TIMESTAMP_MAX])
{
	if (seconds == 0)
		snprintf(out, TIMESTAMP_MAX, "-");
	else
		timestamp_local(seconds, "%Y-%m-%d %H:%M", out, TIMESTAMP_MAX);
}

static void keep_text(const struct schedule *s, char out[48])
{
	char span[24] = "";
	if (s->keep > 0)
		schedule_format_span(s->keep, span);
	if (s->count > 0)
		snprintf(out, 48, "%s%s%" PRIu64, span, *span ? ", " : "", s->count);
	else
		snprintf(out, 48, "%s", *span ? span : "all");
}

static size_t count_own(const struct schedule *s, const struct snapshots *all)
{
	size_t n = 0;
	for (size_t i = 0; i < all->n; i++)
		n += str_eq(all->v[i].schedule, s->name);
	return n;
}

static void add_json(struct json_object *list, const char *domain, const struct schedule *s,
    const struct snapshots *all)
{
	struct json_object *o = json_object_new_object();
	uint64_t last = schedule_last(s, all);
	out_add_str(o, "domain", domain);
	out_add_str(o, "name", s->name);
	out_add_u64(o, "every", s->every);
	out_add_u64(o, "keep", s->keep);
	out_add_u64(o, "count", s->count);
	out_add_bool(o, "disk_only", s->disk_only);
	out_add_bool(o, "quiesce", s->quiesce);
	out_add_u64(o, "last", last);
	out_add_u64(o, "next", schedule_next(s, last));
	out_add_u64(o, "snapshots", count_own(s, all));
	out_add_str(o, "trouble", s->trouble);
	json_object_array_add(list, o);
}

static void add_row(
    struct out_table *t, const char *domain, const struct schedule *s, const struct snapshots *all)
{
	char every[24], keep[48], last[TIMESTAMP_MAX], next[TIMESTAMP_MAX], n[24];
	uint64_t at = schedule_last(s, all), due = schedule_next(s, at);
	schedule_format_span(s->every, every);
	keep_text(s, keep);
	time_text(at, last);
	if (due <= now_s())
		snprintf(next, sizeof next, "now");
	else
		time_text(due, next);
	snprintf(n, sizeof n, "%zu", count_own(s, all));
	out_table_row(t, (const char *[]){domain, s->name, every, keep,
	                     s->disk_only ? "disks" : "whole", last, next, n});
}

/* One domain's, into a table or a list, whichever there is. */
static int add_domain(const struct home *h, const char *domain, struct out_table *t,
    struct json_object *list, struct buf *trouble, struct err *err)
{
	CLEANUP(schedules_fini) struct schedules s = {0};
	CLEANUP(snapshots_fini) struct snapshots all = {0};
	if (schedules_read(h, domain, &s, err) < 0 || snapshots_load(h, domain, &all, err) < 0)
		return -1;
	for (size_t i = 0; i < s.n; i++) {
		if (list != NULL)
			add_json(list, domain, &s.v[i], &all);
		else
			add_row(t, domain, &s.v[i], &all);
		if (s.v[i].trouble != NULL)
			buf_addf(trouble, "%s of '%s' failed: %s\n", s.v[i].name, domain,
			    s.v[i].trouble);
	}
	return 0;
}

static int list(struct cli *c, const char *domain)
{
	static const char *const heads[] = {
	    "Domain", "Schedule", "Every", "Keep", "Kind", "Last", "Next", "Snapshots"};
	struct err err = {0};
	char **names = NULL;
	size_t n = 0;
	CLEANUP_BUF struct buf trouble = BUF_INIT, text = BUF_INIT;
	struct out_table *t = out_table_new(ARRAY_LEN(heads), heads);
	struct json_object *all = c->json ? json_object_new_array() : NULL;
	int rc = 0;
	if (domain != NULL)
		rc = add_domain(&c->home, domain, t, all, &trouble, &err);
	else
		rc = schedules_domains(&c->home, &names, &n, &err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = add_domain(&c->home, names[i], t, all, &trouble, &err);
	store_names_free(names);
	if (rc == 0 && all != NULL)
		out_json(json_object_get(all));
	else if (rc == 0) {
		out_table_format(t, true, &text);
		fwrite(text.data, 1, text.len, stdout);
		for (const char *line = trouble.data; line != NULL && *line != '\0';) {
			int len = (int)strcspn(line, "\n");
			out_warning("%.*s", len, line);
			line += len + (line[len] == '\n');
		}
	}
	json_object_put(all);
	out_table_free(t);
	return rc == 0 ? CLI_DONE : out_refusal(NULL, &err);
}

/* --- change --- */
/* What the options say of it. */
static int take_options(const struct cli *c, struct schedule *s, struct err *err)
{
	const char *every = cli_value(c, "every");
	unsigned n;
	const char *const *keep = cli_values(c, "keep", &n);
	if (every != NULL && schedule_parse_span(every, &s->every, NULL, err) < 0)
		return -1;
	if (s->every == 0)
		return err_set(err, ERR_USAGE, "--every says how often, as in --every 6h");
	if (s->every < SCHEDULE_EVERY_MIN)
		return err_set(
		    err, ERR_USAGE, "--every: not more often than every %u s", SCHEDULE_EVERY_MIN);
	if (n > 0)
		s->keep = s->count = 0;
	for (unsigned i = 0; i < n; i++) {
		uint64_t value;
		bool is_time;
		if (schedule_parse_span(keep[i], &value, &is_time, err) < 0)
			return -1;
		*(is_time ? &s->keep : &s->count) = value;
	}
	if (cli_flag(c, "quiesce") && !cli_flag(c, "disk-only"))
		return err_set(err, ERR_USAGE,
		    "--quiesce is for --disk-only: with its memory the guest's disks are whole by themselves");
	s->disk_only = cli_flag(c, "disk-only");
	s->quiesce = cli_flag(c, "quiesce");
	return 0;
}

static int change(struct cli *c, const char *domain, const char *name, struct err *err)
{
	CLEANUP(schedules_fini) struct schedules s = {0};
	CLEANUP_CLOSE int lock = store_lock(&c->home, err);
	bool removes = cli_flag(c, "remove");
	if (lock < 0 || schedule_name_check(name, err) < 0 ||
	    schedules_read(&c->home, domain, &s, err) < 0)
		return -1;
	struct schedule *one = schedules_find(&s, name);
	if (removes && one == NULL)
		return err_set(
		    err, ERR_NOT_FOUND, "domain '%s' has no schedule '%s'", domain, name);
	if (removes)
		schedules_remove(&s, name);
	else if (one == NULL && s.n == SCHEDULES_MAX)
		return err_set(
		    err, ERR_INVALID, "a domain has at most %u schedules", SCHEDULES_MAX);
	else {
		one = one != NULL ? one : schedules_add(&s, name);
		free(TAKE_PTR(one->trouble));
		one->tried = 0;
		if (take_options(c, one, err) < 0)
			return -1;
	}
	if (schedules_write(&c->home, domain, &s, err) < 0)
		return -1;
	audit_write(&c->home, domain, "uid=%u pid=%d what=snapshot-schedule name=%s %sresult=ok",
	    (unsigned)getuid(), (int)getpid(), name, removes ? "removed " : "");
	return 0;
}

/* --- carried out --- */
struct running {
	struct cli *c;
	const char *domain;
	struct schedule *s;
	struct snapshots all;
	uint64_t now;
};

/* This program with these words; what it says goes where a failure is told. */
static int run_words(
    const struct running *r, const char *const *words, const char *input, struct err *err)
{
	const char *argv[16] = {"/proc/self/exe"};
	size_t n = 1;
	if (r->c->home.mode != HOME_PRIVATE) {
		argv[n++] = "-c";
		argv[n++] = home_uri(&r->c->home);
	}
	while (*words != NULL && n + 1 < ARRAY_LEN(argv))
		argv[n++] = *words++;
	return program_run_input(argv, input, RUN_MS, NULL, err);
}

/* Does the guest run, or has it written since? One that is off stays as it is. */
static bool has_changed(const struct running *r, uint64_t last)
{
	struct vm vm;
	struct domain d;
	bool changed = last == 0;
	CLEANUP_BUF struct buf xml = BUF_INIT;
	if (vm_probe(&r->c->home, r->domain, &vm, NULL) < 0)
		return false;
	bool live = vm.live;
	vm_fini(&vm);
	if (live || changed)
		return true;
	if (store_read(&r->c->home, r->domain, &xml, NULL) < 0 || xml.len == 0 ||
	    domain_parse(xml.data, xml.len, r->domain, DOMAIN_PARSE_LENIENT, &d, NULL, NULL) < 0)
		return false;
	for (size_t i = 0; i < d.n_disks; i++) {
		struct stat st;
		const char *path = d.disks[i].image.path;
		changed |= path != NULL && !d.disks[i].readonly && stat(path, &st) == 0 &&
		           (S_ISBLK(st.st_mode) || (uint64_t)st.st_mtime > last + SETTLE_S);
	}
	domain_fini(&d);
	return changed;
}

static int make_one(struct running *r, struct err *err)
{
	size_t n;
	char span[24];
	schedule_format_span(r->s->every, span);
	struct snapshot s = {.name = schedule_snapshot_name(r->s, &r->all, r->now),
	    .description = xasprintf("made by the schedule '%s', every %s", r->s->name, span),
	    .schedule = xstrdup(r->s->name)};
	CLEANUP_FREE char *xml = snapshot_format(&s, &n, err);
	snapshot_fini(&s);
	if (xml == NULL)
		return -1;
	const char *words[] = {"snapshot-create", r->domain, "--xmlfile", "-", NULL, NULL, NULL};
	size_t k = 4;
	if (r->s->disk_only)
		words[k++] = "--disk-only";
	if (r->s->quiesce)
		words[k++] = "--quiesce";
	return run_words(r, words, xml, err);
}

static int prune(struct running *r, struct err *err)
{
	size_t n;
	CLEANUP_FREE size_t *gone = schedule_prune(r->s, &r->all, r->now, &n);
	for (size_t i = 0; i < n; i++) {
		const char *name = r->all.v[gone[i]].name;
		const char *const words[] = {
		    "snapshot-delete", r->domain, "--snapshotname", name, NULL};
		if (run_words(r, words, "", err) < 0)
			return err_wrap(err, "'%s', which is to go", name);
		out_message(r->c, "Domain snapshot %s of '%s' has had its time, and is deleted",
		    name, r->domain);
	}
	return 0;
}

static int run_schedule(struct running *r, struct err *err)
{
	const struct home *h = &r->c->home;
	if (snapshots_load(h, r->domain, &r->all, err) < 0)
		return -1;
	uint64_t last = schedule_last(r->s, &r->all);
	/* A failure to delete is waited out as one to make. */
	if (r->s->tried + SCHEDULE_AGAIN_S > r->now)
		return 0;
	if (schedule_next(r->s, last) <= r->now && has_changed(r, last)) {
		if (make_one(r, err) < 0)
			return -1;
		out_message(
		    r->c, "'%s' has a snapshot by its schedule '%s'", r->domain, r->s->name);
		snapshots_fini(&r->all);
		if (snapshots_load(h, r->domain, &r->all, err) < 0)
			return -1;
	}
	return prune(r, err);
}

/* What came of it is written down, when it is another thing than before. */
static void remember(const struct running *r, const struct err *why)
{
	struct err err = {0};
	CLEANUP(schedules_fini) struct schedules s = {0};
	if (why->code == ERR_NONE && r->s->trouble == NULL)
		return;
	CLEANUP_CLOSE int lock = store_lock(&r->c->home, &err);
	if (lock < 0 || schedules_read(&r->c->home, r->domain, &s, &err) < 0)
		return;
	struct schedule *one = schedules_find(&s, r->s->name);
	if (one == NULL)
		return;
	free(one->trouble);
	one->trouble = why->code != ERR_NONE ? xstrdup(why->msg) : NULL;
	one->tried = why->code != ERR_NONE ? r->now : 0;
	if (schedules_write(&r->c->home, r->domain, &s, &err) < 0)
		out_error("%s", err.msg);
}

/* One at a time for a domain: a timer and its supervisor may both look. */
static int lock_domain(const struct home *h, const char *domain, struct err *err)
{
	CLEANUP_FREE char *dir = home_run_dir(h, domain);
	CLEANUP_FREE char *path = home_run_file(h, domain, "schedule.lock");
	if (home_mkdir(h, dir, err) < 0)
		return -1;
	CLEANUP_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_errno(err, errno, "cannot open '%s'", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(
		    err, ERR_BUSY, "the schedules of '%s' are being carried out", domain);
	return TAKE_FD(fd);
}

static int run_domain(struct cli *c, const char *domain)
{
	struct err err = {0};
	struct vm vm;
	CLEANUP(schedules_fini) struct schedules s = {0};
	/* Undefined since. */
	if (vm_probe(&c->home, domain, &vm, NULL) < 0)
		return CLI_DONE;
	vm_fini(&vm);
	CLEANUP_CLOSE int lock = lock_domain(&c->home, domain, &err);
	if (lock < 0)
		return err.code == ERR_BUSY ? CLI_DONE : out_refusal(NULL, &err);
	if (schedules_read(&c->home, domain, &s, &err) < 0)
		return out_refusal(NULL, &err);
	int status = CLI_DONE;
	for (size_t i = 0; i < s.n; i++) {
		struct err why = {0};
		struct running r = {.c = c, .domain = domain, .s = &s.v[i], .now = now_s()};
		if (run_schedule(&r, &why) < 0) {
			out_error("schedule '%s' of '%s': %s", s.v[i].name, domain, why.msg);
			status = CLI_FAILED;
		}
		remember(&r, &why);
		snapshots_fini(&r.all);
	}
	return status;
}

static int run_all(struct cli *c)
{
	struct err err = {0};
	char **names = NULL;
	size_t n = 0;
	int status = CLI_DONE;
	if (schedules_domains(&c->home, &names, &n, &err) < 0)
		return out_refusal(NULL, &err);
	for (size_t i = 0; i < n; i++)
		if (run_domain(c, names[i]) != CLI_DONE)
			status = CLI_FAILED;
	store_names_free(names);
	return status;
}

/* --- the verb --- */
int verb_snapshot_schedule(struct cli *c)
{
	struct err err = {0};
	const char *word = cli_value(c, "domain"), *name = cli_value(c, "prefix");
	bool changes = cli_flag(c, "remove") || cli_flag(c, "every") || cli_flag(c, "keep");
	bool runs = cli_flag(c, "run");
	if (c->readonly && (changes || runs)) {
		out_error("operation snapshot-schedule forbidden for read only access");
		return CLI_FAILED;
	}
	if (word == NULL && changes) {
		out_error("a domain has to be named");
		return CLI_USAGE;
	}
	CLEANUP_FREE char *domain = word != NULL ? vm_resolve(&c->home, word, &err) : NULL;
	if (word != NULL && domain == NULL)
		return out_refusal(NULL, &err);
	if (runs)
		return domain != NULL ? run_domain(c, domain) : run_all(c);
	if (!changes)
		return list(c, domain);
	if (name == NULL)
		name = DEFAULT_NAME;
	if (change(c, domain, name, &err) < 0)
		return out_refusal(NULL, &err);
	out_message(c,
	    cli_flag(c, "remove") ? "Schedule '%s' of '%s' is removed; its snapshots stay"
	                          : "Schedule '%s' of '%s' is set",
	    name, domain);
	return CLI_DONE;
}
