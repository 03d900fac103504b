/* hub: the guest's side and the facts; the rest is in hub_log.c, hub_door.c, hub_out.c, hub_in.c, hub_keys.c. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "core/file.h"
#include "core/hostconf.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/sock.h"
#include "core/timestamp.h"
#include "serial/hub_impl.h"
#include "serial/hub_text.h"

#define DRAIN_MAX (16u << 20) /* bytes: a guest that never stops must not hold hub_drain */
#define LINE_TAIL 4096u       /* bytes looked at for the last line */
#define LINES_TAIL 65536u     /* … and for the last lines, or when there is none in LINE_TAIL */

struct hub_line {
	uint64_t end; /* of the ring when it was made */
	char text[160];
};

static void hub_destroy(struct hub *b);

void hub_enter(struct hub *b)
{
	b->depth++;
}

void hub_bury(struct hub *b)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < b->n_clients; i++) {
		struct hub_client *c = b->clients[i];

		if (c->dead)
			hub_client_free(c);
		else
			b->clients[kept++] = c;
	}
	b->n_clients = kept;
}

void hub_leave(struct hub *b)
{
	if (--b->depth > 0)
		return;
	if (b->dead)
		hub_destroy(b);
	else
		hub_bury(b);
}

/* May one more line of a reader's be written now? */
static bool reader_line(struct hub *b)
{
	uint64_t now = loop_now_ms();
	CLEANUP_FREE char *line = NULL;

	if (now - b->reader_ms >= HUB_TYPING_MS) {
		unsigned left_out =
		    b->reader_lines > HUB_READER_LINES ? b->reader_lines - HUB_READER_LINES : 0;

		b->reader_ms = now;
		b->reader_lines = 0;
		if (left_out > 0) {
			line = xasprintf(
			    "via=console what=left-out detail=%u more lines of readers at %s",
			    left_out, b->label);
			b->ops.audit(b->arg, line);
		}
	}
	return !b->dead && ++b->reader_lines <= HUB_READER_LINES;
}

void hub_audit(struct hub *b, const struct hub_client *who, const char *what, const char *fmt, ...)
{
	CLEANUP_FREE char *words = NULL, *line = NULL;
	char title[128] = "";
	va_list ap;

	if (b->dead || !b->ops.audit || (who && who->outsider && !reader_line(b)))
		return;
	va_start(ap, fmt);
	words = xvasprintf(fmt, ap);
	va_end(ap);
	if (who) {
		hub_client_title(who, title, sizeof(title));
		line = xasprintf("who=%s(%u) pid=%d via=console what=%s detail=%s %s", who->user,
		    (unsigned)who->uid, (int)who->pid, what, title, words);
	} else {
		line = xasprintf("via=console what=%s detail=%s", what, words);
	}
	b->ops.audit(b->arg, line);
}

static void tick_arm(struct hub *b, unsigned ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
	uint64_t at = loop_now_ms() + ms;

	if (b->dead || (evtimer_pending(b->tick, NULL) && b->tick_ms <= at))
		return;
	b->tick_ms = at;
	evtimer_add(b->tick, &tv);
}

void hub_changed(struct hub *b)
{
	b->changed = true;
	tick_arm(b, HUB_TICK_MS);
}

void hub_watch_stalled(struct hub *b)
{
	tick_arm(b, HUB_STALLED_MS);
}

void hub_watch_typing(struct hub *b)
{
	struct timeval tv = {.tv_sec = HUB_TYPING_MS / 1000};

	if (!b->dead && !evtimer_pending(b->typing, NULL))
		evtimer_add(b->typing, &tv);
}

void hub_accept_rest(struct hub *b)
{
	for (int i = 0; i < HUB_SOCKETS; i++)
		event_del(b->accepts[i]);
	b->resting = true;
	tick_arm(b, HUB_RETRY_MS);
}

static void hold(struct hub *b)
{
	b->held = true;
	event_del(b->guest_rd);
	tick_arm(b, HUB_TICK_MS);
}

void hub_release(struct hub *b)
{
	if (!b->held)
		return;
	if (hub_log_behind(b)) {
		tick_arm(b, HUB_TICK_MS);
		return;
	}
	b->held = false;
	if (b->guest_rd)
		event_add(b->guest_rd, NULL);
}

static void accept_again(struct hub *b)
{
	for (int i = 0; i < HUB_SOCKETS; i++)
		event_add(b->accepts[i], NULL);
	b->resting = false;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct hub *b = arg;

	(void)fd;
	(void)what;
	hub_enter(b);
	hub_log_flush(b);
	hub_door_sweep(b);
	if (b->resting)
		accept_again(b);
	if (b->people_due)
		hub_out_who(b);
	if (b->changed && b->ops.changed) {
		b->changed = false;
		b->ops.changed(b->arg);
	}
	hub_release(b);
	if (conlog_writer_trouble(b->log))
		tick_arm(b, HUB_RETRY_MS);
	hub_leave(b);
}

static void on_typing(evutil_socket_t fd, short what, void *arg)
{
	struct hub *b = arg;

	(void)fd;
	(void)what;
	hub_enter(b);
	hub_keys_account(b, HUB_TYPING_MS);
	for (unsigned i = 0; i < b->n_clients; i++)
		if (b->clients[i]->typed > 0)
			hub_watch_typing(b);
	hub_leave(b);
}

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
	struct hub *b = arg;

	(void)fd;
	(void)what;
	hub_enter(b);
	hub_out_all(b);
	hub_leave(b);
}

static void guest_close(struct hub *b)
{
	if (b->guest < 0)
		return;
	event_free(b->guest_rd);
	event_free(b->guest_wr);
	b->guest_rd = b->guest_wr = NULL;
	close(TAKE_FD(b->guest));
}

static void warn_in_memory(struct hub *b, const char *why)
{
	b->in_memory = true;
	log_warn("%s: %s; its history is kept in memory and ends with this process", b->label, why);
}

static uint64_t coarse_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME_COARSE, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* When the bytes that were just read came: before they are readable, so that their time is not behind them. */
static void time_note(struct hub *b)
{
	b->last_ns = coarse_ns();
	/* A clock that was set back begins anew. */
	if (b->last_ns - b->noted_ns < RING_NOTE_EVERY_NS)
		return;
	b->noted_ns = b->last_ns;
	ring_note(b->ring, RING_NOTE_TIME, 0, b->last_ns);
}

/* The last n bytes. */
static void tap_feed(struct hub *b, size_t n)
{
	struct iovec iov[2];
	int parts = b->tap ? ring_peek(b->ring, ring_end(b->ring) - n, n, iov) : 0;

	for (int i = 0; i < parts && b->tap && !b->dead; i++)
		b->tap(b->tap_arg, iov[i].iov_base, iov[i].iov_len);
}

/* One read, straight into the ring. Returns bytes; 0 none now; -1 the guest's side is closed. */
static ssize_t guest_read(struct hub *b)
{
	struct iovec iov[2];
	int parts = ring_reserve(b->ring, HUB_READ_MAX, iov);
	ssize_t n = readv(b->guest, iov, parts);
	int e = errno;

	if (n > 0)
		time_note(b);
	ring_commit(b->ring, n > 0 ? (size_t)n : 0);
	if (n <= 0)
		return n < 0 && (e == EAGAIN || e == EINTR) ? 0 : -1;
	if (!b->in_memory && ring_in_memory(b->ring))
		warn_in_memory(b, "its file system is full");
	if (ring_end(b->ring) - conlog_writer_given(b->log) >= HUB_LOG_LAG)
		hub_log_flush(b);
	hub_changed(b);
	tap_feed(b, (size_t)n);
	return n;
}

static void on_guest_readable(evutil_socket_t fd, short what, void *arg)
{
	struct hub *b = arg;
	ssize_t n;

	(void)fd;
	(void)what;
	hub_enter(b);
	n = guest_read(b);
	if (n > 0) {
		hub_out_guest(b);
		if (b->guest_rd && hub_log_behind(b))
			hold(b);
	} else if (n < 0) {
		guest_close(b);
		hub_out_all(b);
		hub_changed(b);
		if (b->ops.lost && !b->dead)
			b->ops.lost(b->arg);
	}
	hub_leave(b);
}

static void on_guest_writable(evutil_socket_t fd, short what, void *arg)
{
	struct hub *b = arg;

	(void)fd;
	(void)what;
	hub_enter(b);
	hub_keys_flush(b);
	hub_leave(b);
}

/* One wake-up's worth of what the guest has said: of its socket's buffer, no more. */
static void guest_catch_up(struct hub *b)
{
	for (int i = 0; i < HUB_CATCH_UP && b->guest >= 0 && guest_read(b) > 0; i++)
		;
}

/* SeaBIOS resets the machine once more, before it says a word, when it finds that it ran before: one boot for who reads. */
static bool same_boot(struct hub *b, enum ring_note_kind kind)
{
	uint64_t now = loop_now_ms(), end = ring_end(b->ring);
	bool same = kind == RING_NOTE_BOOT && b->boot_ms && b->boot_at == end &&
	            now - b->boot_ms < HUB_SAME_BOOT_MS;

	b->boot_ms = kind != RING_NOTE_BOOT ? 0 : same ? b->boot_ms : now;
	b->boot_at = end;
	return same;
}

void hub_note(struct hub *b, enum ring_note_kind kind, uint32_t value)
{
	hub_enter(b);
	guest_catch_up(b);
	if (kind == RING_NOTE_END)
		guest_close(b);
	if (kind == RING_NOTE_BOOT && value == 0)
		b->fresh = b->guest < 0;
	if (same_boot(b, kind)) {
		hub_leave(b);
		return;
	}
	ring_note(b->ring, kind, value, timestamp_ns());
	hub_out_all(b);
	hub_changed(b);
	hub_leave(b);
}

void hub_attach_guest(struct hub *b, int fd)
{
	struct event_base *base = loop_base(b->loop);

	hub_enter(b);
	guest_close(b);
	b->guest = fd;
	fd_set_nonblock(fd, true);
	fd_set_cloexec(fd, true);
	b->guest_rd = event_new(base, fd, EV_READ | EV_PERSIST, on_guest_readable, b);
	b->guest_wr = event_new(base, fd, EV_WRITE, on_guest_writable, b);
	if (!b->guest_rd || !b->guest_wr)
		abort(); /* out of memory, as in core/mem */
	event_add(b->guest_rd, NULL);
	b->held = false;
	if (!b->fresh)
		ring_note(b->ring, RING_NOTE_RECONNECT, 0, timestamp_ns());
	b->fresh = false;
	hub_out_all(b);
	hub_keys_flush(b);
	hub_changed(b);
	hub_leave(b);
}

bool hub_guest_attached(const struct hub *b)
{
	return b->guest >= 0;
}

void hub_drain(struct hub *b)
{
	size_t total = 0;
	ssize_t n = 0;

	hub_enter(b);
	while (b->guest >= 0 && total < DRAIN_MAX && (n = guest_read(b)) > 0) {
		total += (size_t)n;
		hub_out_all(b);
		while (hub_log_behind(b) && conlog_writer_wait(b->log))
			;
	}
	if (n < 0)
		guest_close(b);
	hub_log_flush(b);
	hub_leave(b);
}

static char *tail_lines(const struct hub *b, size_t bytes, unsigned lines)
{
	uint64_t end = ring_end(b->ring), start = ring_start(b->ring);
	uint64_t from = end - start > bytes ? end - bytes : start;
	struct buf raw = BUF_INIT, text = BUF_INIT, out = BUF_INIT;
	size_t skip = 0;

	raw.len = ring_read(b->ring, &from, buf_reserve(&raw, bytes), bytes);
	if (from > 0) { /* not in the middle of a line, nor of an escape sequence */
		const char *nl = raw.len ? memchr(raw.data, '\n', raw.len) : NULL;
		skip = nl ? (size_t)(nl + 1 - raw.data) : 0;
		if (skip == raw.len)
			skip = 0;
	}
	hub_text_clean((uint8_t *)raw.data + skip, raw.len - skip, &text);
	hub_text_tail(text.data ? text.data : "", text.len, lines, &out);
	buf_fini(&raw);
	buf_fini(&text);
	return buf_take(&out);
}

char *hub_last_lines(const struct hub *b, unsigned n)
{
	return tail_lines(b, LINES_TAIL, n);
}

void hub_tail(const struct hub *b, size_t max, struct buf *out)
{
	uint64_t end = ring_end(b->ring), start = ring_start(b->ring);
	uint64_t from = end - start > max ? end - max : start;

	out->len += ring_read(b->ring, &from, buf_reserve(out, max), max);
}

void hub_set_tap(struct hub *b, void (*fn)(void *arg, const void *p, size_t n), void *arg)
{
	b->tap = fn;
	b->tap_arg = arg;
}

/* Cut between characters. */
static void line_set(struct hub_line *l, const char *text)
{
	size_t n = strlen(text);

	if (n >= sizeof(l->text)) {
		n = sizeof(l->text) - 1;
		while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
			n--;
	}
	memcpy(l->text, text, n);
	l->text[n] = '\0';
}

static void line_update(const struct hub *b)
{
	uint64_t end = ring_end(b->ring);
	char *text;

	if (b->line->end == end)
		return;
	text = tail_lines(b, LINE_TAIL, 1);
	if (!text[0]) {
		free(text);
		text = tail_lines(b, LINES_TAIL, 1);
	}
	line_set(b->line, text);
	free(text);
	b->line->end = end;
}

void hub_facts(const struct hub *b, struct hub_facts *f)
{
	memset(f, 0, sizeof(*f));
	f->bytes = ring_end(b->ring);
	f->last_ns = b->last_ns;
	f->clients = hub_attached(b);
	if (b->holder) {
		f->rows = b->holder->rows;
		f->cols = b->holder->cols;
		snprintf(f->holder, sizeof(f->holder), "%s", b->holder->name);
	}
	hub_log_facts(b, f);
	line_update(b);
	memcpy(f->line, b->line->text, sizeof(f->line));
}

static int sockets_open(
    struct hub *b, const struct home *h, const char *name, unsigned index, struct err *err)
{
	static const char *const suffixes[HUB_SOCKETS] = {
	    [HUB_SOCK] = "sock",
	    [HUB_RAW] = "raw",
	};
	CLEANUP_FREE char *run = home_run_dir(h, name);

	for (int i = 0; i < HUB_SOCKETS; i++) {
		b->paths[i] = xasprintf("%s/console%u.%s", run, index, suffixes[i]);
		b->listeners[i] = sock_listen(b->paths[i], 0600, err);
		if (b->listeners[i] < 0)
			return -1;
		home_share(h, b->paths[i], 0660);
		b->accepts[i] = event_new(
		    loop_base(b->loop), b->listeners[i], EV_READ | EV_PERSIST, hub_door_accept, b);
		if (!b->accepts[i] || event_add(b->accepts[i], NULL) < 0)
			return err_set(err, ERR_FAIL, "%s: cannot be watched", b->paths[i]);
	}
	return 0;
}

/* A run directory without space costs the history its file, not the VM its start. */
static struct ring *ring_or_memory(struct hub *b, const char *path, bool keep, struct err *err)
{
	struct err why = {0};
	struct ring *r = ring_open(path, RING_SIZE_DEFAULT, keep, &why);

	if (r)
		return r;
	warn_in_memory(b, why.msg);
	unlink(path);
	return ring_open(NULL, RING_SIZE_DEFAULT, false, err);
}

/* What is wrong with hvmux.conf was told when the VM was started. */
static struct conlog_limits log_limits(const struct home *h)
{
	struct hostconf conf;
	struct conlog_limits l = CONLOG_LIMITS_DEFAULT;

	if (hostconf_load(h, &conf, NULL) < 0)
		return l;
	l = (struct conlog_limits){.size = conf.log_file_size,
	    .files = (unsigned)conf.log_files,
	    .age = conf.log_age,
	    .total = conf.log_total};
	hostconf_fini(&conf);
	return l;
}

static int storage_open(struct hub *b, const struct home *h, const char *name, unsigned index,
    bool keep, struct err *err)
{
	CLEANUP_FREE char *run = home_run_dir(h, name);
	CLEANUP_FREE char *logs = home_log_dir(h, name);
	CLEANUP_FREE char *ring = xasprintf("%s/console%u.ring", run, index);
	CLEANUP_FREE char *log = xasprintf("%s/console%u.log", logs, index);

	struct conlog_limits limits = log_limits(h);

	if (home_mkdir(h, run, err) < 0)
		return -1;
	b->ring = ring_or_memory(b, ring, keep, err);
	if (!b->ring)
		return -1;
	home_share(h, ring, 0640);
	if (home_mkdir(h, logs, err) < 0)
		return -1;
	b->log = conlog_writer_new(b->loop, log, &limits,
	    &(struct conlog_place){
	        .run = ring_run(b->ring), .next = ring_logged(b->ring), .end = ring_end(b->ring)},
	    hub_log_written, b, err);
	return b->log ? 0 : -1;
}

struct hub *hub_new(struct loop *l, const struct home *h, const char *name, unsigned index,
    bool keep, const struct hub_ops *ops, void *arg, struct err *err)
{
	struct hub *b = xcalloc(1, sizeof(*b));

	b->loop = l;
	b->guest = -1;
	b->index = index;
	b->people = 1;
	for (int i = 0; i < HUB_SOCKETS; i++)
		b->listeners[i] = -1;
	b->label = xasprintf("console %u", index);
	b->line = xcalloc(1, sizeof(*b->line));
	b->flush = evtimer_new(loop_base(l), on_flush, b);
	b->tick = evtimer_new(loop_base(l), on_tick, b);
	b->typing = evtimer_new(loop_base(l), on_typing, b);
	if (!b->flush || !b->tick || !b->typing)
		abort(); /* out of memory, as in core/mem */
	if (storage_open(b, h, name, index, keep, err) < 0 ||
	    sockets_open(b, h, name, index, err) < 0) {
		err_wrap(err, "console %u of '%s'", index, name);
		hub_free(b);
		return NULL;
	}
	b->flush_end = ring_end(b->ring);
	ring_notes_logged(b->ring, &b->log_notes);
	b->fresh = !keep;
	if (ops)
		b->ops = *ops;
	b->arg = arg;
	return b;
}

static void hub_destroy(struct hub *b)
{
	b->depth++; /* what the log's writer says now ends nothing */
	/* One that fails tells the others: all of them must still be there. */
	for (unsigned i = 0; i < b->n_clients; i++)
		hub_out_bye(b->clients[i], "the console was closed");
	for (unsigned i = 0; i < b->n_clients; i++)
		hub_client_free(b->clients[i]);
	for (int i = 0; i < HUB_SOCKETS; i++) {
		if (b->accepts[i])
			event_free(b->accepts[i]);
		if (b->listeners[i] >= 0)
			close(b->listeners[i]);
		free(b->paths[i]);
	}
	guest_close(b);
	event_free(b->flush);
	event_free(b->tick);
	event_free(b->typing);
	if (b->log)
		hub_log_finish(b);
	conlog_writer_free(b->log);
	ring_free(b->ring);
	buf_fini(&b->keys);
	free(b->line);
	free(b->label);
	free(b);
}

void hub_free(struct hub *b)
{
	if (!b || b->dead)
		return;
	hub_enter(b);
	hub_keys_account(b, 0);
	if (!b->dead) { /* the owner may have freed it when it heard that */
		b->dead = true;
		/* Nobody may find the sockets from now on, nor may an event call into what is gone. */
		for (int i = 0; i < HUB_SOCKETS; i++) {
			if (b->listeners[i] >= 0)
				unlink(b->paths[i]);
			if (b->accepts[i])
				event_del(b->accepts[i]);
		}
		event_del(b->flush);
		event_del(b->tick);
		event_del(b->typing);
	}
	hub_leave(b);
}
