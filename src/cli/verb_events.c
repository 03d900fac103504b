/* events: what supervisors tell their subscribers, in virsh event's form. Supervisors that start later are found
 * through inotify on the run directories. */
#include <errno.h>
#include <poll.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "cli/dispatch.h"
#include "cli/history.h"
#include "cli/out.h"
#include "core/jsonl.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/pattern.h"
#include "core/rpc.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "core/vm.h"

#define CONNECT_MS 1000     /* a supervisor that hangs holds the others up for this long, once */
#define HUNG_RETRY_MS 30000 /* and is tried again after this */
/* A socket is seen when it is bound and answers when it listens: tried again at this pace for a moment. */
#define RETRY_MS 20
#define EAGER_MS 2000

static const char *const event_types[] = {"lifecycle", "reboot", "io-error", "watchdog",
    "balloon-change", "dump", "agent-lifecycle", "side-process", "hook", "console-log",
    "console-match", "crash-record", "block-job", "block-threshold", "plan"};

struct source {
	char *name;
	struct rpc_client *rpc; /* NULL: not connected */
	uint64_t not_before;    /* loop_now_ms() of the next try */
};

struct watcher {
	struct cli *c;
	const char *domain, *type; /* NULL any */
	bool qemu;                 /* QEMU's own events instead of ours */
	bool no_case;
	regex_t *pattern; /* NULL: type is a name */
	int notify;
	struct source *sources;
	size_t n;
	uint64_t eager_until; /* loop_now_ms() */
	uint64_t received;
	bool one_shot;
};

static volatile sig_atomic_t interrupted;

static void note_interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

/* --- which supervisors there are --- */

static struct source *find_source(struct watcher *w, const char *name)
{
	for (size_t i = 0; i < w->n; i++)
		if (str_eq(w->sources[i].name, name))
			return &w->sources[i];
	w->sources = xreallocarray(w->sources, w->n + 1, sizeof(*w->sources));
	w->sources[w->n] = (struct source){.name = xstrdup(name)};
	return &w->sources[w->n++];
}

static void watch_dir(struct watcher *w, const char *dir)
{
	if (w->notify >= 0)
		(void)inotify_add_watch(w->notify, dir, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
}

static void connect_source(struct watcher *w, const char *name)
{
	struct source *s = find_source(w, name);
	struct err err = {0};
	if (s->rpc || loop_now_ms() < s->not_before)
		return;
	s->rpc = rpc_connect(&w->c->home, name, CONNECT_MS, &err);
	struct json_object *params = s->rpc && w->qemu ? json_object_new_object() : NULL;
	if (params)
		out_add_bool(params, "qemu", true);
	if (s->rpc && rpc_call(s->rpc, "subscribe", params, CONNECT_MS, NULL, &err) < 0) {
		rpc_free(s->rpc);
		s->rpc = NULL;
	}
	if (s->rpc || err.code == ERR_NOT_FOUND)
		return;
	s->not_before = loop_now_ms() + HUNG_RETRY_MS;
	out_warning("no events of domain '%s': %s", name, err.msg);
}

static int look_around(struct watcher *w, struct err *err)
{
	struct vm *vms;
	size_t n;
	watch_dir(w, w->c->home.run);
	if (vm_list_brief(&w->c->home, &vms, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		CLEANUP_FREE char *dir = home_run_dir(&w->c->home, vms[i].name);
		if (w->domain && !str_eq(vms[i].name, w->domain))
			continue;
		watch_dir(w, dir);
		if (vms[i].supervised)
			connect_source(w, vms[i].name);
	}
	vm_list_free(vms, n);
	return 0;
}

/* --- events --- */

static void print_event(const struct watcher *w, struct json_object *p, const char *type)
{
	const char *words = json_get_str(p, "detail"), *domain = json_get_str(p, "domain");
	int64_t ns = json_get_int(p, "time_ns", 0);
	char stamp[OUT_TIME_MAX] = "";
	if (w->c->json) {
		out_json_line(json_object_get(p));
		return;
	}
	if (cli_flag(w->c, "timestamp"))
		out_time(ns > 0 ? (uint64_t)ns : timestamp_ns(), stamp);
	/* QEMU's words may be a guest's. */
	CLEANUP_FREE char *line =
	    xasprintf("%s%sevent '%s' for domain '%s'%s%s", stamp, stamp[0] ? ": " : "", type,
	        domain ? domain : "?", words && words[0] ? ": " : "", words ? words : "");
	CLEANUP_FREE char *shown = str_printable(line, strlen(line), SIZE_MAX);
	puts(shown);
	fflush(stdout);
}

/* virsh's form: "event RTC_CHANGE at 1795270953.012345 for domain 'vm1': {...}". */
static void print_qemu_event(const struct watcher *w, struct json_object *p, const char *type)
{
	struct json_object *data = json_get_obj(p, "data");
	const char *domain = json_get_str(p, "domain");
	int64_t ns = json_get_int(p, "time_ns", 0);
	char stamp[OUT_TIME_MAX] = "";
	if (w->c->json) {
		out_json_line(json_object_get(p));
		return;
	}
	if (cli_flag(w->c, "timestamp"))
		out_time(ns > 0 ? (uint64_t)ns : timestamp_ns(), stamp);
	const char *text = data == NULL
	                       ? ""
	                       : json_object_to_json_string_ext(data,
	                             JSON_C_TO_STRING_NOSLASHESCAPE |
	                                 (cli_flag(w->c, "pretty")
	                                         ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED
	                                         : JSON_C_TO_STRING_PLAIN));
	CLEANUP_FREE char *line =
	    stamp[0] ? xasprintf("%s: event %s for domain '%s'%s%s", stamp, type,
	                   domain ? domain : "?", text[0] ? ": " : "", text)
	             : xasprintf("event %s at %lld.%06u for domain '%s'%s%s", type,
	                   (long long)(ns / 1000000000), (unsigned)(ns / 1000 % 1000000),
	                   domain ? domain : "?", text[0] ? ": " : "", text);
	CLEANUP_FREE char *shown = str_printable_lines(line);
	puts(shown);
	fflush(stdout);
}

static bool type_wanted(const struct watcher *w, const char *type)
{
	if (w->pattern)
		return regexec(w->pattern, type, 0, NULL, 0) == 0;
	return !w->type || (w->no_case ? strcasecmp(type, w->type) == 0 : str_eq(type, w->type));
}

static void take_notification(struct watcher *w, struct json_object *o)
{
	struct json_object *p = json_get_obj(o, "params");
	const char *method = json_get_str(o, "method"), *type = json_get_str(p, "event");
	if (!str_eq(method, w->qemu ? "qemu-event" : "event") || !type || !type_wanted(w, type))
		return;
	if (w->one_shot && w->received)
		return;
	(w->qemu ? print_qemu_event : print_event)(w, p, type);
	w->received++;
}

static void drain_source(struct watcher *w, struct source *s)
{
	struct err err = {0};
	for (struct json_object *o; (o = rpc_next(s->rpc, 0, &err));) {
		take_notification(w, o);
		json_object_put(o);
	}
	if (err.code == ERR_TIMEOUT)
		return;
	rpc_free(s->rpc);
	s->rpc = NULL;
	s->not_before = 0;
}

static void drain_notify(struct watcher *w)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	while (read(w->notify, events, sizeof(events)) > 0)
		;
	w->eager_until = loop_now_ms() + EAGER_MS;
}

/* One wait of at most ms (-1: for ever). */
static void wait_and_take(struct watcher *w, int ms)
{
	struct pollfd *p = xcalloc(w->n + 1, sizeof(*p));
	p[0] = (struct pollfd){w->notify, POLLIN, 0};
	for (size_t i = 0; i < w->n; i++)
		p[i + 1] =
		    (struct pollfd){w->sources[i].rpc ? rpc_fd(w->sources[i].rpc) : -1, POLLIN, 0};
	size_t n = w->n;
	if (poll(p, n + 1, ms) > 0) {
		if (p[0].revents)
			drain_notify(w);
		for (size_t i = 0; i < n; i++)
			if (p[i + 1].revents)
				drain_source(w, &w->sources[i]);
	}
	free(p);
}

static int next_wait(const struct watcher *w, uint64_t now, uint64_t end)
{
	uint64_t ms = end == UINT64_MAX ? UINT64_MAX : end - now;
	if (now < w->eager_until && ms > RETRY_MS)
		ms = RETRY_MS;
	return ms > INT32_MAX ? (end == UINT64_MAX ? -1 : INT32_MAX) : (int)ms;
}

/* 0 when the wish was fulfilled or time ran out. */
static int watch(struct watcher *w, uint64_t end, struct err *err)
{
	bool look = true;
	while (!interrupted && !(w->one_shot && w->received)) {
		uint64_t now = loop_now_ms();
		if (now >= end) {
			if (!w->c->json && !w->c->quiet)
				puts("event loop timed out");
			return 0;
		}
		if (look && look_around(w, err) < 0)
			return -1;
		uint64_t eager = w->eager_until;
		wait_and_take(w, next_wait(w, now, end));
		look = w->eager_until != eager || loop_now_ms() < w->eager_until;
	}
	if (interrupted && !w->c->json && !w->c->quiet)
		puts("event loop interrupted");
	return 0;
}

static void watcher_fini(struct watcher *w)
{
	for (size_t i = 0; i < w->n; i++) {
		rpc_free(w->sources[i].rpc);
		free(w->sources[i].name);
	}
	free(w->sources);
	if (w->notify >= 0)
		close(w->notify);
}

static int list_types(struct cli *c)
{
	struct json_object *all = json_object_new_array();
	for (size_t i = 0; i < ARRAY_LEN(event_types); i++) {
		if (!c->json)
			puts(event_types[i]);
		json_object_array_add(all, json_object_new_string(event_types[i]));
	}
	if (c->json)
		out_json(all);
	else
		json_object_put(all);
	return CLI_DONE;
}

static bool type_known(const char *type)
{
	for (size_t i = 0; i < ARRAY_LEN(event_types); i++)
		if (str_eq(type, event_types[i]))
			return true;
	return false;
}

static int run_watch(struct cli *c, struct watcher *w)
{
	struct err err = {0};
	uint64_t seconds = cli_number(c, "timeout", 0);
	uint64_t end = cli_value(c, "timeout") ? loop_now_ms() + seconds * 1000u : UINT64_MAX;
	struct sigaction sa = {.sa_handler = note_interrupt};
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	/* Missing before the first VM ever started; without permission there is nothing to watch either. */
	(void)home_mkdir(&c->home, c->home.run, NULL);
	w->notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	int rc = watch(w, end, &err);
	if (rc < 0)
		out_error("%s", err.msg);
	else if (!c->json && !c->quiet)
		printf("events received: %llu\n", (unsigned long long)w->received);
	watcher_fini(w);
	return rc == 0 && w->received ? CLI_DONE : CLI_FAILED;
}

int verb_events(struct cli *c)
{
	struct err err = {0};
	const char *word = cli_value(c, "domain"), *type = cli_value(c, "event");
	if (cli_flag(c, "list"))
		return list_types(c);
	if (type && !type_known(type)) {
		out_error("unknown event type '%s'; see '%s events --list'", type, c->prog);
		return CLI_USAGE;
	}
	CLEANUP_FREE char *domain = word ? vm_resolve(&c->home, word, &err) : NULL;
	/* The journal outlives its domain. */
	if (word && !domain && cli_flag(c, "history") && name_check("domain", word, NULL) == 0) {
		CLEANUP_FREE char *log = home_log_file(&c->home, word, "audit.log");
		domain = access(log, F_OK) == 0 ? xstrdup(word) : NULL;
	}
	if (word && !domain) {
		out_error("%s", err.msg);
		return CLI_FAILED;
	}
	if (cli_flag(c, "history")) {
		uint64_t hours = cli_number(c, "since", 0), now = timestamp_ns();
		uint64_t back = hours * 3600 * 1000000000ull;
		return history_print(c, domain, cli_flag(c, "all") ? NULL : type,
		    hours > 0 && hours < 1000000 && back < now ? now - back : 0);
	}
	struct watcher w = {.c = c,
	    .domain = domain,
	    .type = cli_flag(c, "all") ? NULL : type,
	    .notify = -1,
	    .one_shot = !cli_flag(c, "loop")};
	return run_watch(c, &w);
}

static int watch_qemu(struct cli *c, struct watcher *w)
{
	regex_t pattern;
	if (!cli_flag(c, "regex") || !w->type)
		return run_watch(c, w);
	struct err err = {0};
	int flags = REG_EXTENDED | REG_NOSUB | (w->no_case ? REG_ICASE : 0);
	if (pattern_regcomp(&pattern, w->type, flags, &err) < 0) {
		out_error("%s", err.msg);
		return CLI_FAILED;
	}
	w->pattern = &pattern;
	int status = run_watch(c, w);
	regfree(&pattern);
	return status;
}

int verb_qemu_monitor_event(struct cli *c)
{
	struct err err = {0};
	const char *word = cli_value(c, "domain");
	CLEANUP_FREE char *domain = word ? vm_resolve(&c->home, word, &err) : NULL;
	if (word && !domain) {
		out_error("%s", err.msg);
		return CLI_FAILED;
	}
	struct watcher w = {.c = c,
	    .domain = domain,
	    .type = cli_value(c, "event"),
	    .qemu = true,
	    .no_case = cli_flag(c, "no-case"),
	    .notify = -1,
	    .one_shot = !cli_flag(c, "loop")};
	return watch_qemu(c, &w);
}
