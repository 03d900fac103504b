#include "tui/console_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/domain_meta.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "core/vm.h"
#include "core/vm_process.h"

#define HISTORY_MAX (1u << 20) /* bytes of the last run that are shown of a console that is off */
#define RETRY_MS 10            /* between looks whether the guest takes keys again */
#define BELL_EVERY_MS 500
#define ADOPT_AGAIN_MS 5000
#define REFUSED_MS 10000 /* a supervisor that turned us away is not asked again at once */
#define PORTS_OF_KIND STATUS_CONSOLES_MAX

struct console_session {
	struct loop *loop;
	const struct home *home;
	struct session_ops ops;
	void *arg;
	struct session_options o;
	char *name;
	char port[STATUS_PORT_NAME_MAX];
	struct console_client *client; /* NULL unless live */
	struct console_place place;    /* where the last attachment stood */
	struct vt_screen *screen;
	struct console_who who;
	struct console_watcher *watchers;
	enum session_state state;
	unsigned rows, cols;
	char words[256];
	bool held; /* the keyboard was ours when the connection was lost, or is wanted at first */
	bool live; /* the replay is over */
	bool answering; /* queries are answered: live, and ours is the keyboard */
	bool silent;
	bool closed;
	uint64_t lost;
	uint64_t boot_offset; /* of the last boot's note, and one; 0 none */
	uint64_t bell_ms, adopted_ms;
	uint64_t rest_ms; /* not tried before */
	struct buf keys;  /* accepted, not yet taken by the client */
	struct event *retry;
};

static void changed(struct console_session *s)
{
	if (!s->closed && s->ops.changed)
		s->ops.changed(s->arg);
}

static void fed(struct console_session *s)
{
	if (!s->closed && s->ops.fed)
		s->ops.fed(s->arg);
	else
		changed(s);
}

static void typable(struct console_session *s)
{
	if (!s->closed && s->ops.typable)
		s->ops.typable(s->arg);
}

/* --- the screen's size --- */

/* Whoever holds the keyboard decides the screen's size; the others see as much of it as they have room for. */
static void fit(struct console_session *s)
{
	unsigned rows = s->rows, cols = s->cols;
	if (s->state != SESSION_LIVE)
		return;
	if (s->client && (s->who.mine || !s->who.rows))
		console_client_size(s->client, rows, cols);
	if (!s->who.mine && s->who.rows && s->who.cols) {
		rows = s->who.rows;
		cols = s->who.cols;
	}
	if (rows != vt_screen_rows(s->screen) || cols != vt_screen_cols(s->screen))
		vt_screen_resize(s->screen, rows, cols);
}

/* --- marks: lines of ours between the guest's --- */

/* --- from the guest --- */

static void answer(struct console_session *s)
{
	bool on = s->o.answers && s->live && s->who.mine;
	if (on != s->answering)
		vt_screen_answer(s->screen, on);
	s->answering = on;
}

static void on_data(void *arg, uint64_t offset, const uint8_t *p, size_t n, bool live)
{
	struct console_session *s = arg;
	(void)offset;
	s->live = live;
	answer(s);
	vt_screen_feed(s->screen, p, n);
	if (live && !s->closed && s->ops.output)
		s->ops.output(s->arg, p, n);
	fed(s);
}

static void on_gap(void *arg, uint64_t from, uint64_t to)
{
	struct console_session *s = arg;
	char size[STR_HUMAN_MAX], text[96];
	s->lost += to - from;
	str_human(to - from, size);
	snprintf(text, sizeof(text), "-- %s of output are missing here --", size);
	vt_screen_mark(s->screen, text);
	changed(s);
}

static void on_note(void *arg, const struct ring_note *n)
{
	struct console_session *s = arg;
	char time[32], text[96];
	timestamp_local(n->time_ns / 1000000000u, TIMESTAMP_LOCAL, time, sizeof(time));
	vt_screen_set_time(s->screen, n->time_ns);
	switch ((enum ring_note_kind)n->kind) {
	case RING_NOTE_TIME:
		return;
	case RING_NOTE_BOOT:
		/* QEMU tells a reset up to three times. */
		if (s->boot_offset == n->offset + 1)
			return;
		s->boot_offset = n->offset + 1;
		vt_screen_restart(s->screen);
		snprintf(text, sizeof(text), "-- %s %s --", n->value ? "reset" : "started", time);
		break;
	case RING_NOTE_RECONNECT:
		snprintf(
		    text, sizeof(text), "-- connected again %s: something may be missing --", time);
		break;
	case RING_NOTE_END:
		snprintf(text, sizeof(text), "-- ended %s --", time);
		break;
	}
	vt_screen_mark(s->screen, text);
	changed(s);
}

static void on_welcome(void *arg, bool resumed)
{
	struct console_session *s = arg;
	struct console_place now = console_client_place(s->client);
	if (!resumed)
		s->boot_offset = 0;
	if (!resumed && s->place.run && now.run != s->place.run)
		vt_screen_restart(
		    s->screen); /* of another run: what was shown stays in the scrollback */
	else if (!resumed)
		vt_screen_reset(s->screen);
}

static void on_who(void *arg, const struct console_who *w)
{
	struct console_session *s = arg;
	size_t size = w->n_watchers * sizeof(*w->watchers);
	s->who = *w;
	free(s->watchers);
	s->watchers = size ? memcpy(xmalloc(size), w->watchers, size) : NULL;
	s->who.watchers = s->watchers;
	answer(s);
	fit(s);
	typable(s);
	changed(s);
}

static void on_asked(void *arg, const char *name)
{
	struct console_session *s = arg;
	if (!s->closed && s->ops.asked)
		s->ops.asked(s->arg, name);
}

static void on_reply(void *arg, const uint8_t *p, size_t n)
{
	struct console_session *s = arg;
	/* What does not fit is an answer that comes too late anyway. */
	if (s->client && !s->keys.len)
		console_client_keys(s->client, p, n);
}

static void on_bell(void *arg)
{
	struct console_session *s = arg;
	uint64_t now = loop_now_ms();
	if (!s->live || s->closed || now - s->bell_ms < BELL_EVERY_MS || !s->ops.bell)
		return;
	s->bell_ms = now;
	s->ops.bell(s->arg);
}

/* --- losing and finding the console --- */

/* Live, gone for a moment, or off: and why, in words. */
static void look(struct console_session *s, struct vm *vm, const char *why)
{
	const struct status_page *p = vm->head;
	if (vm->live) {
		s->state = SESSION_LOST;
		snprintf(s->words, sizeof(s->words), "%.250s", why);
		return;
	}
	s->state = SESSION_ENDED;
	if (p)
		snprintf(s->words, sizeof(s->words), "%s (%s)%s%.180s", vm_state_name(vm->state),
		    vm_reason_name((enum vm_reason)p->reason), *p->detail ? ": " : "", p->detail);
	else
		snprintf(s->words, sizeof(s->words), "%s", vm_state_name(vm->state));
}

static void on_closed(void *arg, const char *why)
{
	struct console_session *s = arg;
	s->place = console_client_place(s->client);
	s->held = s->who.mine;
	s->rest_ms = console_client_refused(s->client) ? loop_now_ms() + REFUSED_MS : 0;
	console_client_free(s->client);
	s->client = NULL;
	s->live = false;
	memset(&s->who, 0, sizeof(s->who));
	answer(s);
	buf_clear(&s->keys);
	s->state = SESSION_LOST;
	snprintf(s->words, sizeof(s->words), "%.250s", why);
	typable(s);
	changed(s);
}

static const struct console_client_ops client_ops = {
    .data = on_data,
    .gap = on_gap,
    .note = on_note,
    .who = on_who,
    .asked = on_asked,
    .welcome = on_welcome,
    .closed = on_closed,
};
static const struct vt_screen_ops screen_ops = {.reply = on_reply, .bell = on_bell};

static void connect_client(struct console_session *s)
{
	struct err err = {0};
	unsigned flags = s->o.flags;
	if (!s->held)
		flags &= ~(unsigned)CONSOLE_KEYBOARD; /* who typed before comes back, too */
	s->client = console_client_open(s->loop, s->home, s->name, s->o.index, flags,
	    s->place.run ? &s->place : NULL, &client_ops, s, &err);
	if (!s->client) {
		snprintf(s->words, sizeof(s->words), "%.250s", err.msg);
		return;
	}
	if (!s->place.run)
		vt_screen_reset(s->screen);
	s->state = SESSION_LIVE;
	s->silent = false;
	s->words[0] = '\0';
	/* Taken over once: not again after every loss. */
	s->o.flags &= ~(unsigned)CONSOLE_TAKE;
	fit(s);
}

/* The guest runs on without its supervisor: a new one is wanted now, not at somebody's next look. */
static void adopt(struct console_session *s, const struct vm *vm)
{
	uint64_t now = loop_now_ms();
	if (!(vm->orphan || vm->unsettled) || s->o.readonly ||
	    (s->adopted_ms && now - s->adopted_ms < ADOPT_AGAIN_MS))
		return;
	s->adopted_ms = now;
	vm_adopt_all(s->home, vm, 1);
}

/* Lost or ended: is the VM gone for good, or only its supervisor; does it run again? */
static void look_again(struct console_session *s)
{
	struct vm vm;
	if (loop_now_ms() < s->rest_ms || vm_probe(s->home, s->name, &vm, NULL) < 0)
		return;
	adopt(s, &vm);
	if (vm.live) {
		connect_client(s);
		if (!s->client)
			look(s, &vm, "its supervisor is gone, the guest runs on");
	} else {
		look(s, &vm, "");
	}
	vm_fini(&vm);
	changed(s);
}

/* What the port is to the guest; and a console of a VM that is stuck looks like one of a guest that is quiet. */
static void look_live(struct console_session *s)
{
	struct vm vm;
	bool was = s->silent;
	char port[sizeof(s->port)];
	memcpy(port, s->port, sizeof(port));
	if (vm_probe(s->home, s->name, &vm, NULL) < 0)
		return;
	s->silent = vm.silent;
	s->words[0] = '\0';
	if (vm.silent && vm.head && vm_process_stopped(vm.head->qemu_pid))
		snprintf(s->words, sizeof(s->words), "QEMU is stopped: kill -CONT %d",
		    (int)vm.head->qemu_pid);
	else if (vm.silent && vm.head && vm_process_stopped(vm.head->sup_pid))
		snprintf(s->words, sizeof(s->words), "supervisor is stopped: kill -CONT %d",
		    (int)vm.head->sup_pid);
	if (vm.head && s->o.index < STATUS_CONSOLES_MAX) {
		const struct status_console *c = &vm.head->console[s->o.index];
		if (c->port < STATUS_PORT_COUNT && c->port_number < PORTS_OF_KIND)
			snprintf(s->port, sizeof(s->port), "%s%u",
			    status_port_word((enum status_port)c->port), c->port_number);
	}
	vm_fini(&vm);
	if (s->silent != was || strcmp(s->port, port) != 0)
		changed(s);
}

void session_tick(struct console_session *s)
{
	if (s->state == SESSION_LIVE)
		look_live(s);
	else
		look_again(s);
}

/* The ring's file outlives the VM: its last screen. */
static void show_history(struct console_session *s)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	if (console_history(s->home, s->name, s->o.index, HISTORY_MAX, &b, NULL) == 0 && b.len)
		vt_screen_feed(s->screen, (const uint8_t *)b.data, b.len);
}

/* --- to the guest --- */

/* True when nothing is left to send. */
static bool send_keys(struct console_session *s)
{
	struct timeval tv = {.tv_usec = RETRY_MS * 1000};
	size_t n = s->keys.len && s->client
	               ? console_client_keys(s->client, s->keys.data, s->keys.len)
	               : 0;
	buf_consume(&s->keys, n);
	if (!s->client || !s->who.mine)
		buf_clear(&s->keys);
	if (!s->keys.len)
		return true;
	event_add(s->retry, &tv);
	return false;
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct console_session *s = arg;
	(void)fd, (void)what;
	if (send_keys(s))
		typable(s);
}

bool session_send(struct console_session *s, const void *p, size_t n)
{
	if (!s->client || !s->who.mine)
		return true;
	if (!send_keys(s))
		return false;
	buf_add(&s->keys, p, n);
	send_keys(s);
	return true;
}

size_t session_unsent(const struct console_session *s)
{
	return s->keys.len + (s->client ? console_client_unsent(s->client) : 0);
}

bool session_key(struct console_session *s, const struct vt_key *k)
{
	struct vt_modes m;
	uint8_t bytes[VT_KEYS_MAX];
	vt_screen_modes(s->screen, &m);
	return session_send(s, bytes, vt_keys_encode(&m, k, bytes));
}

void session_take(struct console_session *s)
{
	if (s->client && !s->o.readonly)
		console_client_take(s->client);
}

void session_release(struct console_session *s)
{
	if (s->client)
		console_client_release(s->client);
}

void session_ask(struct console_session *s)
{
	if (s->client && !s->o.readonly)
		console_client_ask(s->client);
}

void session_resize(struct console_session *s, unsigned rows, unsigned cols)
{
	s->rows = rows;
	s->cols = cols;
	fit(s);
}

/* --- questions --- */

enum session_state session_state(const struct console_session *s)
{
	return s->state;
}

const char *session_words(const struct console_session *s)
{
	return s->words;
}

bool session_silent(const struct console_session *s)
{
	return s->silent;
}

const char *session_name(const struct console_session *s)
{
	return s->name;
}

const char *session_port(const struct console_session *s)
{
	return s->port;
}

struct vt_screen *session_screen(struct console_session *s)
{
	return s->screen;
}

const struct console_who *session_who(const struct console_session *s)
{
	return &s->who;
}

uint64_t session_lost(const struct console_session *s)
{
	return s->lost;
}

/* --- life --- */

/* What the definition says of its consoles; one that cannot be read says nothing. */
static void read_meta(struct console_session *s)
{
	CLEANUP_BUF struct buf xml = BUF_INIT;
	struct domain_meta meta = {0};
	if (store_read(s->home, s->name, &xml, NULL) < 0)
		return;
	domain_meta_parse(xml.data ? xml.data : "", xml.len, s->name, &meta, NULL);
	if (meta.console_deaf)
		s->o.answers = false;
	if (meta.scrollback && s->o.scrollback)
		s->o.scrollback =
		    meta.scrollback < VT_SCROLLBACK_MAX ? meta.scrollback : VT_SCROLLBACK_MAX;
	domain_meta_fini(&meta);
}

struct console_session *session_open(struct loop *l, const struct home *h, const char *name,
    const struct session_options *o, unsigned rows, unsigned cols, const struct session_ops *ops,
    void *arg)
{
	struct console_session *s = xcalloc(1, sizeof(*s));
	s->loop = l;
	s->home = h;
	s->name = xstrdup(name);
	s->o = *o;
	s->held = true;
	read_meta(s);
	s->rows = rows;
	s->cols = cols;
	s->screen = vt_screen_new(rows, cols, s->o.scrollback, &screen_ops, s);
	vt_screen_answer(s->screen, false);
	s->retry = evtimer_new(loop_base(l), on_retry, s);
	snprintf(s->port, sizeof(s->port), "serial%u", o->index % PORTS_OF_KIND);
	connect_client(s);
	if (s->client) {
		look_live(s);
	} else {
		show_history(s);
		look_again(s);
	}
	s->ops = *ops; /* nothing is called before there is a session */
	s->arg = arg;
	return s;
}

static void session_reap(void *arg)
{
	struct console_session *s = arg;
	event_free(s->retry);
	vt_screen_free(s->screen);
	buf_fini(&s->keys);
	free(s->watchers);
	free(s->name);
	free(s);
}

void session_close(struct console_session *s)
{
	if (!s || s->closed)
		return;
	s->closed = true;
	if (s->client)
		console_client_free(s->client);
	s->client = NULL;
	event_del(s->retry);
	loop_defer(s->loop, session_reap, s);
}
