/* What is kept of a crash (core/crashes.h, kvm/recorder.h): gathered here, in memory, while consoles and page are as they
 * were; written by a thread. A panic is given a moment in which the guest says what it knows, unless QEMU ends before. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "core/audit.h"
#include "core/crashes.h"
#include "core/file.h"
#include "core/hostconf.h"
#include "core/jsonl.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/rate.h"
#include "core/store.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "core/triggers.h"
#include "kvm/recorder.h"
#include "kvm/supervisor_impl.h"
#include "serial/console_port.h"
#include "serial/ring.h"

#define LAST_WORDS_MS 1000 /* after a panic */
#define EVENTS_KEPT 200u
#define EVENT_MAX 300u /* bytes of one: a guest causes them */
/* A guest that panics, reboots and panics must not push out what was kept of its first crash. */
#define RECORDS_MAX 10u
#define RECORD_EVERY_NS (600 * 1000000000ull) /* another one */

struct sup_crashes {
	struct supervisor *s;
	char *event[EVENTS_KEPT]; /* a line each; number k at k % EVENTS_KEPT */
	uint64_t n_events;
	const char *reason; /* of what is being waited for; NULL nothing */
	char *words;
	struct event *timer;
	bool panicked; /* kept already of this boot */
	struct rate records;
	struct recorder *writing;
	struct recording *next; /* waits for it */
};

static struct sup_crashes *crashes_of(struct supervisor *s);

/* --- QEMU's last events --- */

void sup_crash_note(
    struct supervisor *s, const char *event, struct json_object *data, uint64_t time_ns)
{
	struct sup_crashes *c = crashes_of(s);
	char when[TIMESTAMP_MAX];
	struct json_object *o = json_object_new_object();
	timestamp_format(time_ns != 0 ? time_ns : timestamp_ns(), when);
	json_object_object_add(o, "time", json_object_new_string(when));
	json_object_object_add(o, "event", json_object_new_string(event));
	const char *text =
	    data == NULL ? "" : json_object_to_json_string_ext(data, JSON_C_TO_STRING_PLAIN);
	if (data != NULL && strlen(text) <= EVENT_MAX)
		json_object_object_add(o, "data", json_object_get(data));
	else if (data != NULL)
		json_object_object_add(o, "data", json_object_new_string("too long to be kept"));
	char **slot = &c->event[c->n_events++ % EVENTS_KEPT];
	free(*slot);
	*slot = xstrdup(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	json_object_put(o);
}

static void add_events(const struct sup_crashes *c, struct recording *r)
{
	struct buf b = BUF_INIT;
	uint64_t first = c->n_events > EVENTS_KEPT ? c->n_events - EVENTS_KEPT : 0;
	for (uint64_t i = first; i < c->n_events; i++)
		buf_addf(&b, "%s\n", c->event[i % EVENTS_KEPT]);
	recording_add(r, "qmp-events.jsonl", &b);
}

/* --- consoles, document, figures --- */

/* Without hubs, as when an adopter finds it dead, the ring's file tells. */
static void console_tail(const struct supervisor *s, unsigned i, struct buf *out)
{
	char file[32];
	if (i < s->n_hubs) {
		hub_tail(s->hubs[i], RECORDING_TAIL, out);
		return;
	}
	snprintf(file, sizeof(file), "console%u.ring", i);
	CLEANUP_FREE char *path = home_run_file(s->home, s->name, file);
	struct ring *ring = ring_open_reader(path, NULL);
	if (ring == NULL)
		return;
	uint64_t end = ring_end(ring), start = ring_start(ring);
	uint64_t from = end - start > RECORDING_TAIL ? end - RECORDING_TAIL : start;
	out->len += ring_read(ring, &from, buf_reserve(out, RECORDING_TAIL), RECORDING_TAIL);
	ring_free(ring);
}

static void add_consoles(const struct supervisor *s, struct recording *r)
{
	const struct status_page *p = s->page.page;
	for (unsigned i = 0; i < p->consoles && i < STATUS_CONSOLES_MAX; i++) {
		char port[STATUS_PORT_NAME_MAX], name[STATUS_PORT_NAME_MAX + 8];
		struct buf b = BUF_INIT;
		console_port_name(p, i, port);
		snprintf(name, sizeof(name), "%s.raw", port);
		console_tail(s, i, &b);
		recording_add(r, name, &b);
	}
}

static void add_document(const struct supervisor *s, struct recording *r)
{
	struct buf b = BUF_INIT;
	CLEANUP_FREE char *live = home_run_file(s->home, s->name, "live.xml");
	if (file_read(live, STORE_XML_MAX, &b, NULL) < 0)
		(void)store_read(s->home, s->name, &b, NULL);
	recording_add(r, "domain.xml", &b);
}

static void add_history(const struct supervisor *s, struct recording *r)
{
	const struct status_page *p = s->page.page;
	r->seconds = xcalloc(STATUS_SECONDS, sizeof(*r->seconds));
	r->minutes = xcalloc(STATUS_MINUTES, sizeof(*r->minutes));
	r->n_seconds = status_seconds(p, r->seconds, STATUS_SECONDS);
	r->n_minutes = status_minutes(p, r->minutes, STATUS_MINUTES);
	r->seconds_ns = p->seconds_ns;
}

/* --- the summary --- */

static void exit_words(const struct supervisor *s, char out[80])
{
	int st = s->exit_status;
	if (s->pid != 0)
		snprintf(out, 80, "runs (process %d)", (int)s->pid);
	else if (st < 0)
		snprintf(out, 80, "ended, exit status unknown");
	else if (WIFSIGNALED(st))
		snprintf(
		    out, 80, "killed by signal %d (%s)", WTERMSIG(st), strsignal(WTERMSIG(st)));
	else
		snprintf(out, 80, "ended with exit status %d", WEXITSTATUS(st));
}

static void add_str(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(
	    o, key, value == NULL || *value == '\0' ? NULL : json_object_new_string(value));
}

static void add_int(struct json_object *o, const char *key, uint64_t value)
{
	json_object_object_add(o, key, json_object_new_uint64(value));
}

static struct json_object *exit_json(const struct supervisor *s)
{
	struct json_object *o = json_object_new_object();
	int st = s->exit_status;
	json_object_object_add(o, "running", json_object_new_boolean(s->pid != 0));
	if (s->pid == 0 && st >= 0 && WIFEXITED(st))
		json_object_object_add(o, "status", json_object_new_int(WEXITSTATUS(st)));
	if (s->pid == 0 && st >= 0 && WIFSIGNALED(st))
		json_object_object_add(o, "signal", json_object_new_int(WTERMSIG(st)));
	return o;
}

static struct json_object *consoles_json(const struct supervisor *s)
{
	const struct status_page *p = s->page.page;
	struct json_object *list = json_object_new_array();
	for (unsigned i = 0; i < p->consoles && i < STATUS_CONSOLES_MAX; i++) {
		char port[STATUS_PORT_NAME_MAX];
		struct json_object *o = json_object_new_object();
		console_port_name(p, i, port);
		add_str(o, "port", port);
		add_int(o, "bytes", p->console[i].bytes);
		add_str(o, "line", p->console[i].line);
		json_object_array_add(list, o);
	}
	return list;
}

static void add_summary(const struct supervisor *s, struct recording *r, const char *reason,
    const char *words, uint64_t now)
{
	const struct status_page *p = s->page.page;
	char when[TIMESTAMP_MAX], started[TIMESTAMP_MAX];
	struct json_object *o = json_object_new_object();
	struct buf b = BUF_INIT;
	timestamp_format(now, when);
	timestamp_format(p->started_ns, started);
	add_str(o, "domain", s->name);
	add_str(o, "reason", reason);
	add_str(o, "detail", words);
	add_str(o, "time", when);
	add_str(o, "started", started);
	add_int(o, "uptime_s", now > p->started_ns ? (now - p->started_ns) / 1000000000u : 0);
	add_str(o, "state", machine_state_name(s->machine.state));
	json_object_object_add(o, "qemu", exit_json(s));
	add_int(o, "vcpus", p->vcpus);
	add_int(o, "memory_kib", p->memory_kib);
	add_str(o, "accelerator", p->kvm ? "kvm" : "tcg");
	add_int(o, "restarts", p->restarts);
	add_int(o, "adoptions", p->adoptions);
	add_str(o, "badge", p->badge_name);
	add_str(o, "badge_line", p->badge_line);
	json_object_object_add(o, "consoles", consoles_json(s));
	add_str(o, "hvmux", HVMUX_VERSION);
	buf_adds(&b, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY));
	buf_addc(&b, '\n');
	recording_add(r, CRASHES_SUMMARY, &b);
	json_object_put(o);
}

static void add_story(const struct supervisor *s, struct recording *r, const char *reason,
    const char *words, uint64_t now)
{
	const struct status_page *p = s->page.page;
	char when[TIMESTAMP_MAX], started[TIMESTAMP_MAX], qemu[80], up[STR_HUMAN_MAX];
	struct buf b = BUF_INIT;
	timestamp_format(now, when);
	timestamp_format(p->started_ns, started);
	exit_words(s, qemu);
	str_age(now > p->started_ns ? (now - p->started_ns) / 1000000000u : 0, up);
	buf_addf(&b, "Domain:      %s\nWhat:        %s\nDetail:      %s\nWhen:        %s\n",
	    s->name, reason, words[0] != '\0' ? words : "-", when);
	buf_addf(&b,
	    "Started:     %s (%s before)\nQEMU:        %s\nMachine:     %u vCPUs, %" PRIu64
	    " MiB, %s\n",
	    started, up, qemu, p->vcpus, p->memory_kib >> 10, p->kvm ? "kvm" : "tcg");
	if (p->badge_name[0] != '\0')
		buf_addf(&b, "Trigger:     %s: %s\n", p->badge_name, p->badge_line);
	for (unsigned i = 0; i < p->consoles && i < STATUS_CONSOLES_MAX; i++) {
		char port[STATUS_PORT_NAME_MAX];
		console_port_name(p, i, port);
		buf_addf(&b, "Console:     %s, %" PRIu64 " bytes; last line: %s\n", port,
		    p->console[i].bytes, p->console[i].line);
	}
	recording_add(r, CRASHES_STORY, &b);
}

/* --- from the moment to the thread --- */

static void on_written(void *arg, const char *path, const struct err *err);

static void write_next(struct sup_crashes *c)
{
	struct recording *r = TAKE_PTR(c->next);
	if (r == NULL)
		return;
	c->writing = recorder_new(c->s->loop, r, on_written, c);
	if (c->writing == NULL)
		log_error("the crash cannot be recorded: no thread can be made");
}

static void on_written(void *arg, const char *path, const struct err *err)
{
	struct sup_crashes *c = arg;
	struct supervisor *s = c->s;
	if (path == NULL) {
		log_error("the crash is not recorded: %s", err->msg);
	} else {
		struct json_object *o = json_object_new_object();
		json_object_object_add(o, "path", json_object_new_string(path));
		sup_tell(s, "crash-record", path, o);
	}
	recorder_free(TAKE_PTR(c->writing));
	write_next(c);
}

static void set_limits(const struct supervisor *s, struct recording *r)
{
	struct hostconf conf;
	r->keep = 20;
	r->keep_bytes = 64u << 20;
	if (hostconf_load(s->home, &conf, NULL) < 0)
		return;
	r->keep = (unsigned)conf.crash_records;
	r->keep_bytes = conf.crash_size;
	hostconf_fini(&conf);
}

static char *make_id(const char *reason, uint64_t now)
{
	char when[32] = "";
	struct tm tm;
	time_t t = (time_t)(now / 1000000000u);
	if (gmtime_r(&t, &tm) != NULL)
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return xasprintf("%s-%s", when, reason);
}

static void collect(struct sup_crashes *c, const char *reason, const char *words)
{
	struct supervisor *s = c->s;
	uint64_t now = timestamp_ns();
	c->panicked |= str_eq(reason, "panic");
	if (!rate_take(&c->records, loop_now_ns(), RECORDS_MAX, RECORD_EVERY_NS)) {
		log_warn("this crash is not recorded: too many in a row (%s: %s)", reason, words);
		return;
	}
	struct recording *r = recording_new(s->home, s->name);
	r->id = make_id(reason, now);
	set_limits(s, r);
	/* Whoever is short of space has the short ones. */
	add_summary(s, r, reason, words, now);
	add_story(s, r, reason, words, now);
	add_events(c, r);
	add_document(s, r);
	add_history(s, r);
	add_consoles(s, r);
	recording_free(c->next); /* the newest counts, where the disk is this slow */
	c->next = r;
	if (c->writing == NULL)
		write_next(c);
}

/* What is waited for has come, or will not come any more. */
static void flush(struct sup_crashes *c)
{
	const char *reason = TAKE_PTR(c->reason);
	if (reason == NULL)
		return;
	CLEANUP_FREE char *words = TAKE_PTR(c->words);
	evtimer_del(c->timer);
	collect(c, reason, c->s->detail[0] != '\0' ? c->s->detail : words);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	flush(arg);
}

void sup_crash(struct supervisor *s, const char *reason, const char *words)
{
	struct sup_crashes *c = crashes_of(s);
	struct timeval tv = {LAST_WORDS_MS / 1000, (LAST_WORDS_MS % 1000) * 1000};
	if (c->reason != NULL || (c->panicked && str_eq(reason, "panic")))
		return;
	c->reason = reason;
	c->words = xstrdup(words);
	evtimer_add(c->timer, &tv);
}

/* Did QEMU end without having been told to, by us, by its guest or in good order from outside? */
static bool unexpected(const struct machine *m)
{
	switch (m->state) {
	case MACHINE_RUNNING:
	case MACHINE_PAUSED:
	case MACHINE_ASKED:
	case MACHINE_SLEEPING:
	case MACHINE_RESETTING:
	case MACHINE_DUMPING:
		return !m->plug_pulled && !m->death.lost && !(m->death.known && m->death.clean);
	default:
		return false;
	}
}

void sup_crash_died(struct supervisor *s)
{
	struct sup_crashes *c = crashes_of(s);
	flush(c);
	if (unexpected(&s->machine) && !(c->panicked && s->machine.state == MACHINE_DUMPING))
		collect(c, "crash", s->detail);
}

void sup_crash_boot(struct supervisor *s)
{
	struct sup_crashes *c = crashes_of(s);
	flush(c); /* before the next boot's words are among the last ones */
	c->panicked = false;
}

/* --- making and freeing --- */

static struct sup_crashes *crashes_of(struct supervisor *s)
{
	if (s->crashes != NULL)
		return s->crashes;
	s->crashes = xcalloc(1, sizeof(*s->crashes));
	s->crashes->s = s;
	s->crashes->timer = evtimer_new(loop_base(s->loop), on_timer, s->crashes);
	if (s->crashes->timer == NULL)
		abort(); /* out of memory */
	return s->crashes;
}

void sup_crash_end(struct supervisor *s)
{
	if (s->crashes != NULL)
		flush(s->crashes);
}

/* Nobody waits for this process any more: what is to be kept is written now. */
void sup_crashes_free(struct supervisor *s)
{
	struct sup_crashes *c = s->crashes;
	if (c == NULL)
		return;
	s->crashes = NULL;
	while (c->writing != NULL || c->next != NULL) {
		bool written = recorder_free(TAKE_PTR(c->writing));
		audit_write(s->home, s->name, "who=supervisor pid=%d what=crash-record result=%s",
		    (int)getpid(), written ? "ok" : "its files cannot be written");
		write_next(c);
	}
	for (unsigned i = 0; i < EVENTS_KEPT; i++)
		free(c->event[i]);
	event_free(c->timer);
	free(c->words);
	free(c);
}
