/* Patterns on the consoles (core/triggers.h, serial/trigger.h): what matches becomes a badge on the page, an event, a
 * program that is told, or an answer that is typed. Only what the guest says now is looked at, never history.
 *
 * An answer is typed while nobody holds the console's keyboard, or it would be mixed with what an operator types, who sees
 * the prompt himself; it waits for the next time that the prompt comes. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/audit.h"
#include "core/domain_meta.h"
#include "core/file.h"
#include "core/hostconf.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "kvm/hooks.h"
#include "kvm/supervisor_impl.h"
#include "serial/console_port.h"
#include "serial/trigger.h"

#define SEEN_NS \
	300000000ull /* a badge younger than this was not there when the keyboard was taken */
#define SPENT_FILE "responded" /* in the run directory: "CONSOLE PATTERN" a line */
#define SPENT_MAX 65536u       /* bytes of it */

struct sup_port {
	struct sup_triggers *t;
	unsigned console;
	char name[STATUS_PORT_NAME_MAX];
	struct trigger_watch *watch; /* NULL: no such console */
};

struct sup_triggers {
	struct supervisor *s;
	struct domain_meta meta;
	struct triggers_entry
	    entry[TRIGGER_RULES_MAX]; /* by the set's numbers; they borrow from meta */
	struct trigger_set *set;
	struct sup_port port[STATUS_CONSOLES_MAX];
	struct event *pause;
	uint64_t fed_ms;
	uint64_t refused;             /* rules whose refusal is told already */
	struct rate matches, answers; /* what of them stands in the audit log */
};

/* --- what has matched --- */

static void copy_cut(char *to, size_t size, const char *from)
{
	size_t n = strlen(from);
	if (n >= size) {
		n = size - 1;
		while (n > 0 && ((unsigned char)from[n] & 0xc0) == 0x80)
			n--;
	}
	memcpy(to, from, n);
	to[n] = '\0';
}

/* The loudest stays until somebody has seen it; of equals the newest. */
static void put_badge(const struct sup_port *p, const struct trigger_rule *rule, const char *line)
{
	struct supervisor *s = p->t->s;
	if (rule->badge == STATUS_BADGE_NONE)
		return;
	struct status_page *page = status_begin(&s->page);
	page->badge_count++;
	if (rule->badge >= page->badge) {
		page->badge = rule->badge;
		page->badge_console = p->console;
		page->badge_ns = timestamp_ns();
		copy_cut(page->badge_name, sizeof(page->badge_name), rule->name);
		copy_cut(page->badge_line, sizeof(page->badge_line), line);
	}
	status_end(&s->page);
}

static void tell_match(const struct sup_port *p, const struct trigger_rule *rule, const char *line)
{
	struct supervisor *s = p->t->s;
	CLEANUP_FREE char *detail = xasprintf("%s on %s: %s", rule->name, p->name, line);
	struct json_object *o = json_object_new_object();
	json_object_object_add(o, "trigger", json_object_new_string(rule->name));
	json_object_object_add(o, "badge", json_object_new_string(status_badge_word(rule->badge)));
	json_object_object_add(o, "port", json_object_new_string(p->name));
	json_object_object_add(o, "console", json_object_new_int((int)p->console));
	json_object_object_add(o, "line", json_object_new_string(line));
	sup_tell_rated(s, &p->t->matches, "console-match", detail, o);
}

static void run_hook(const struct sup_port *p, const struct triggers_entry *e, const char *line)
{
	struct supervisor *s = p->t->s;
	struct hostconf conf;
	unsigned timeout = HOOKS_TIMEOUT_S;
	if (s->match_hooks == NULL && hostconf_load(s->home, &conf, NULL) == 0) {
		timeout = (unsigned)conf.hook_timeout;
		hostconf_fini(&conf);
	}
	if (s->match_hooks == NULL)
		s->match_hooks = hooks_new(s->loop, s->home, s->name, timeout);
	if (hooks_run_match(s->match_hooks, e->hook, e->rule.name, p->name, line) < 0)
		log_warn("the hook '%s' of trigger '%s' is not run: too many wait already", e->hook,
		    e->rule.name);
}

/* --- answers --- */

/* The next supervisor does not answer once more in this boot. */
static void note_spent(const struct sup_port *p, unsigned rule)
{
	CLEANUP_FREE char *path = home_run_file(p->t->s->home, p->t->s->name, SPENT_FILE);
	CLEANUP_FREE char *line = xasprintf("%u %s\n", p->console, p->t->entry[rule].rule.pattern);
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || fd_write_all(fd, line, strlen(line)) < 0)
		log_warn("cannot write '%s': an answer may be typed twice", path);
}

static void spent_line(struct sup_triggers *t, const char *line)
{
	char *pattern;
	unsigned long console = strtoul(line, &pattern, 10);
	if (console >= STATUS_CONSOLES_MAX || t->port[console].watch == NULL || *pattern != ' ')
		return;
	for (unsigned i = 0; i < trigger_set_count(t->set); i++)
		if (t->entry[i].send != NULL && str_eq(t->entry[i].rule.pattern, pattern + 1))
			trigger_watch_spent(t->port[console].watch, i);
}

static void load_spent(struct sup_triggers *t)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	CLEANUP_FREE char *path = home_run_file(t->s->home, t->s->name, SPENT_FILE);
	char *rest;
	if (file_read(path, SPENT_MAX, &b, NULL) < 0 || b.data == NULL)
		return;
	for (char *line = strtok_r(b.data, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest))
		spent_line(t, line);
}

static bool respond(const struct sup_port *p, unsigned rule, const char *line)
{
	struct sup_triggers *t = p->t;
	struct supervisor *s = t->s;
	const struct triggers_entry *e = &t->entry[rule];
	if (hub_type(s->hubs[p->console], e->send, e->n_send) < 0) {
		if ((t->refused >> rule & 1) == 0 && sup_may_tell(s, &t->answers, "respond"))
			audit_write(s->home, s->name,
			    "who=supervisor pid=%d what=respond port=%s result=not typed, somebody else types: %s",
			    (int)getpid(), p->name, line);
		t->refused |= 1ull << rule;
		return false;
	}
	/* A guest that resets itself asks again and again. */
	if (sup_may_tell(s, &t->answers, "respond"))
		audit_write(s->home, s->name,
		    "who=supervisor pid=%d what=respond port=%s bytes=%zu result=ok detail=%s",
		    (int)getpid(), p->name, e->n_send, line);
	note_spent(p, rule);
	return true;
}

static bool on_match(void *arg, unsigned rule, const char *line)
{
	const struct sup_port *p = arg;
	const struct triggers_entry *e = &p->t->entry[rule];
	if (e->send != NULL)
		return respond(p, rule, line);
	put_badge(p, &e->rule, line);
	tell_match(p, &e->rule, line);
	if (str_eq(e->rule.name, TRIGGER_PANIC)) {
		CLEANUP_FREE char *words = xasprintf("panic: \"%.300s\"", line);
		sup_crash(p->t->s, "panic", words);
	}
	if (e->hook != NULL)
		run_hook(p, e, line);
	return true;
}

/* --- the stream --- */

static void pause_later(struct sup_triggers *t, unsigned ms)
{
	struct timeval tv = {0, (suseconds_t)ms * 1000};
	if (!evtimer_pending(t->pause, NULL))
		evtimer_add(t->pause, &tv);
}

static void on_pause(evutil_socket_t fd, short what, void *arg)
{
	struct sup_triggers *t = arg;
	uint64_t quiet = loop_now_ms() - t->fed_ms;
	(void)fd, (void)what;
	if (quiet < TRIGGER_PAUSE_MS) {
		pause_later(t, (unsigned)(TRIGGER_PAUSE_MS - quiet));
		return;
	}
	for (unsigned i = 0; i < STATUS_CONSOLES_MAX; i++)
		if (t->port[i].watch != NULL)
			trigger_watch_pause(t->port[i].watch);
}

static void on_bytes(void *arg, const void *bytes, size_t n)
{
	struct sup_port *p = arg;
	if (!trigger_watch_feed(p->watch, bytes, n))
		return;
	p->t->fed_ms = loop_now_ms();
	pause_later(p->t, TRIGGER_PAUSE_MS);
}

void sup_triggers_boot(struct supervisor *s)
{
	CLEANUP_FREE char *path = home_run_file(s->home, s->name, SPENT_FILE);
	struct sup_triggers *t = s->triggers;
	unlink(path);
	for (unsigned i = 0; t != NULL && i < STATUS_CONSOLES_MAX; i++)
		if (t->port[i].watch != NULL)
			trigger_watch_boot(t->port[i].watch);
	if (t != NULL)
		t->refused = 0;
}

/* --- making and freeing --- */

/* A document that says nonsense was refused when it was defined; of one that was put here by hand, what can be read
 * counts. */
static void read_meta(struct sup_triggers *t)
{
	struct err err = {0};
	CLEANUP_BUF struct buf xml = BUF_INIT;
	CLEANUP_FREE char *path = home_run_file(t->s->home, t->s->name, "live.xml");
	if (file_read(path, STORE_XML_MAX, &xml, NULL) < 0 || xml.data == NULL)
		return;
	if (domain_meta_parse(xml.data, xml.len, path, &t->meta, &err) < 0)
		log_warn("%s", err.msg);
	sup_xml_done(t->s);
}

static void make_set(struct sup_triggers *t)
{
	struct triggers_entry all[TRIGGER_RULES_MAX];
	unsigned n = triggers_of(&t->meta, all);
	struct err err;
	t->set = trigger_set_new();
	for (unsigned i = 0; i < n; i++) {
		int rule = trigger_set_add(t->set, &all[i].rule, &err);
		if (rule >= 0)
			t->entry[rule] = all[i];
		else
			log_warn("%s", err.msg);
	}
}

static void watch_consoles(struct sup_triggers *t)
{
	struct supervisor *s = t->s;
	for (unsigned i = 0; i < s->n_hubs; i++) {
		struct sup_port *p = &t->port[i];
		p->t = t;
		p->console = i;
		console_port_name(s->page.page, i, p->name);
		p->watch = trigger_watch_new(t->set, p->name, on_match, p);
		hub_set_tap(s->hubs[i], on_bytes, p);
	}
}

void sup_triggers_load(struct supervisor *s)
{
	sup_triggers_free(s);
	if (s->n_hubs == 0)
		return;
	struct sup_triggers *t = xcalloc(1, sizeof(*t));
	s->triggers = t;
	t->s = s;
	t->pause = evtimer_new(loop_base(s->loop), on_pause, t);
	if (t->pause == NULL)
		abort(); /* out of memory */
	read_meta(t);
	make_set(t);
	watch_consoles(t);
	load_spent(t);
}

void sup_triggers_free(struct supervisor *s)
{
	struct sup_triggers *t = s->triggers;
	if (t == NULL)
		return;
	s->triggers = NULL;
	for (unsigned i = 0; i < s->n_hubs; i++)
		hub_set_tap(s->hubs[i], NULL, NULL);
	for (unsigned i = 0; i < STATUS_CONSOLES_MAX; i++)
		trigger_watch_free(t->port[i].watch);
	trigger_set_free(t->set);
	event_free(t->pause);
	domain_meta_fini(&t->meta);
	free(t);
}

/* --- badges are taken away --- */

static void clear_badge(struct supervisor *s)
{
	struct status_page *p = status_begin(&s->page);
	p->badge = STATUS_BADGE_NONE;
	p->badge_count = p->badge_console = 0;
	p->badge_ns = 0;
	p->badge_name[0] = p->badge_line[0] = '\0';
	status_end(&s->page);
}

void sup_triggers_seen(struct supervisor *s, unsigned console, const char *who)
{
	const struct status_page *p = s->page.page;
	/* Who took it is told with a delay: what came meanwhile may be the answer to what he typed. */
	if (p->badge == STATUS_BADGE_NONE || p->badge_console != console ||
	    timestamp_ns() - p->badge_ns < SEEN_NS)
		return;
	audit_write(
	    s->home, s->name, "via=console who=%s what=acknowledge detail=%s", who, p->badge_name);
	clear_badge(s);
}

void sup_ctl_acknowledge(void *arg, struct json_object *params, struct control_req *r)
{
	struct supervisor *s = arg;
	struct json_object *o = json_object_new_object();
	const struct status_page *p = s->page.page;
	(void)params;
	json_object_object_add(o, "badge",
	    p->badge == STATUS_BADGE_NONE ? NULL : json_object_new_string(p->badge_name));
	json_object_object_add(o, "count", json_object_new_int((int)p->badge_count));
	clear_badge(s);
	control_reply(r, o, NULL);
}

void sup_ctl_reload_triggers(void *arg, struct json_object *params, struct control_req *r)
{
	(void)params;
	sup_triggers_load(arg);
	control_reply(r, NULL, NULL);
}
