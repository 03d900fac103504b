/* guests-stop: what the host does at its halt. Every guest is asked in time, and none holds the halt up for ever. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/children.h"
#include "cli/dispatch.h"
#include "cli/guests.h"
#include "cli/out.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/vm.h"

#define TIMEOUT_S 120u
#define TIMEOUT_MAX_S 86400u
#define ASK_AGAIN_MS 15000u /* a guest that was booting did not hear its button */
#define DESTROYS 16u        /* at a time */
#define DESTROY_LOOK_MS 200 /* between looks at what they did, while others are waited for */

struct stopping {
	struct cli *c;
	struct guests g;
	struct guest {
		int pidfd;   /* of its supervisor, which ends after it; -1: it has ended */
		bool orphan; /* it has none, and could not get one */
		bool asked;
		bool destroying;  /* its time was over: the pool is at it, or was */
		uint64_t next_ms; /* when it is asked again */
		uint64_t end_ms;  /* when its time is over */
	} * guest;                /* by boot_order's index */
	struct children *pool;    /* destroys */
	uint64_t began_ms, timeout_ms;
	unsigned off, killed, failed;
};

static uint64_t own_timeout(const struct stopping *s, size_t i)
{
	unsigned own = guests_meta(&s->g, i)->timeout;
	return own ? own * 1000ull : s->timeout_ms;
}

/* --- who is there --- */

static void open_guest(struct stopping *s, size_t i)
{
	const struct home *h = &s->c->home;
	const char *name = s->g.entries[i].name;
	struct vm_process p;
	struct vm vm;
	struct err err = {0};
	if (vm_probe(h, name, &vm, NULL) == 0) {
		bool adopt = vm.orphan;
		vm_fini(&vm);
		if (adopt && vm_spawn_supervisor(h, name, VM_SPAWN_ADOPT, &err) < 0)
			out_warning("domain '%s': %s", name, err.msg);
	}
	s->guest[i].pidfd = -1;
	if (!vm_process_read(h, name, &p))
		return;
	s->guest[i].orphan = vm_process_qemu_exists(&p) && !vm_process_exists(p.sup, p.sup_start);
	int fd = p.sup > 0 ? (int)syscall(SYS_pidfd_open, p.sup, 0) : -1;
	/* Checked after the open: from here on the descriptor means this process. */
	if (fd >= 0 && vm_process_exists(p.sup, p.sup_start))
		s->guest[i].pidfd = fd;
	else if (fd >= 0)
		close(fd);
}

static int find_guests(struct stopping *s, struct err *err)
{
	struct vm *vms;
	size_t n, live = 0;
	if (vm_list_brief(&s->c->home, &vms, &n, err) < 0)
		return -1;
	char **names = xcalloc(n + 1, sizeof(*names));
	for (size_t i = 0; i < n; i++)
		if (vms[i].live || vms[i].supervised)
			names[live++] = xstrdup(vms[i].name);
	vm_list_free(vms, n);
	guests_init(&s->g, s->c, names, live, true);
	s->guest = xcalloc(live + 1, sizeof(*s->guest));
	for (size_t i = 0; i < live; i++)
		open_guest(s, i);
	return 0;
}

/* --- those whose time is over --- */

/* Within ms milliseconds (-1: for ever); false: none was done. */
static bool take_destroyed(struct stopping *s, int ms)
{
	struct children_result r;
	if (!children_wait(s->pool, ms, &r))
		return false;
	const char *name = s->g.entries[r.tag].name;
	if (r.ok) {
		s->killed++;
		out_warning("domain '%s' did not shut down within %llu s and was destroyed", name,
		    (unsigned long long)own_timeout(s, r.tag) / 1000);
	} else {
		s->failed++;
		out_error("domain '%s' did not shut down, and could not be destroyed:\n%s", name,
		    r.words);
	}
	free(r.words);
	return true;
}

static void destroy(struct stopping *s, size_t i)
{
	s->guest[i].destroying = true;
	children_run(s->pool, "destroy", s->g.entries[i].name, i);
}

/* Its own time may be short because it always hangs: it does not run on until the last of the others is off. */
static void destroy_due(struct stopping *s)
{
	uint64_t now = loop_now_ms();
	while (!children_empty(s->pool) && take_destroyed(s, 0))
		;
	for (size_t i = 0; i < s->g.n; i++) {
		const struct guest *g = &s->guest[i];
		if (g->pidfd >= 0 && g->asked && !g->destroying && now >= g->end_ms &&
		    !children_full(s->pool))
			destroy(s, i);
	}
}

static void destroy_rest(struct stopping *s)
{
	for (size_t i = 0; i < s->g.n; i++) {
		if ((s->guest[i].pidfd < 0 && !s->guest[i].orphan) || s->guest[i].destroying)
			continue;
		if (children_full(s->pool))
			take_destroyed(s, -1);
		destroy(s, i);
	}
	while (!children_empty(s->pool))
		take_destroyed(s, -1);
}

/* --- asking --- */

/* SIGTERM to the supervisor: its guest's power button, and no policy starts the guest anew. It needs no answer, so that
 * one supervisor that hangs holds up nobody. */
static void ask(struct stopping *s, size_t i)
{
	struct guest *g = &s->guest[i];
	uint64_t now = loop_now_ms();
	if (syscall(SYS_pidfd_send_signal, g->pidfd, SIGTERM, NULL, 0) < 0 && errno != ESRCH &&
	    !g->asked)
		out_warning(
		    "domain '%s' cannot be asked: %s", s->g.entries[i].name, strerror(errno));
	if (!g->asked)
		g->end_ms = guests_meta(&s->g, i)->timeout ? now + own_timeout(s, i)
		                                           : s->began_ms + s->timeout_ms;
	g->asked = true;
	g->next_ms = now + ASK_AGAIN_MS;
}

static void note_end(struct stopping *s, size_t i)
{
	struct guest *g = &s->guest[i];
	close(g->pidfd);
	g->pidfd = -1;
	s->off++;
	uint64_t ms = loop_now_ms() - s->began_ms; /* never a locale's decimal comma */
	out_message(s->c, "Domain '%s' is shut down (%u.%u s)", s->g.entries[i].name,
	    (unsigned)(ms / 1000), (unsigned)(ms / 100 % 10));
	fflush(stdout);
	out_progress(s->c, s->off, (unsigned)s->g.n, s->g.entries[i].name);
}

/* Is this one still to be waited for? One whose time is over is not. */
static bool awaited(const struct guest *g, uint64_t now)
{
	return g->pidfd >= 0 && g->asked && !g->destroying && now < g->end_ms;
}

/* One wait, until something ends or something is due. */
static void wait_some(struct stopping *s, uint64_t until)
{
	CLEANUP_FREE struct pollfd *p = xcalloc(s->g.n + 1, sizeof(*p));
	destroy_due(s);
	uint64_t now = loop_now_ms(), due = until;
	if (!children_empty(s->pool) && due > now + DESTROY_LOOK_MS)
		due = now + DESTROY_LOOK_MS;
	for (size_t i = 0; i < s->g.n; i++) {
		const struct guest *g = &s->guest[i];
		p[i] = (struct pollfd){g->destroying ? -1 : g->pidfd, POLLIN, 0};
		if (awaited(g, now) && g->next_ms < due)
			due = g->next_ms;
		if (awaited(g, now) && g->end_ms < due)
			due = g->end_ms;
	}
	uint64_t ms = due > now ? due - now : 0;
	poll(p, s->g.n, ms > INT32_MAX ? INT32_MAX : (int)ms);
	now = loop_now_ms();
	for (size_t i = 0; i < s->g.n; i++) {
		if (p[i].revents != 0)
			note_end(s, i);
		else if (awaited(&s->guest[i], now) && s->guest[i].next_ms <= now)
			ask(s, i);
	}
}

/* Of the guests of this level (UINT_MAX: of all). */
static bool any_awaited(const struct stopping *s, unsigned level)
{
	uint64_t now = loop_now_ms();
	for (size_t i = 0; i < s->g.n; i++)
		if ((level == UINT32_MAX || s->g.entries[i].level == level) &&
		    awaited(&s->guest[i], now))
			return true;
	return false;
}

/* The last one to start goes first. A level that is slow has its share of the time, and is waited for further while the
 * next one is asked: a guest that hangs must not take the time of all the others. */
static void stop_levels(struct stopping *s)
{
	uint64_t end = s->began_ms + s->timeout_ms;
	for (unsigned left = boot_order_levels(&s->g.order); left > 0; left--) {
		uint64_t now = loop_now_ms();
		uint64_t share = now + (end > now ? (end - now) / left : 0);
		for (size_t i = 0; i < s->g.n; i++)
			if (s->g.entries[i].level == left - 1 && s->guest[i].pidfd >= 0)
				ask(s, i);
		while (left > 1 && any_awaited(s, left - 1) && loop_now_ms() < share)
			wait_some(s, share);
	}
	while (any_awaited(s, UINT32_MAX))
		wait_some(s, UINT64_MAX);
}

int verb_guests_stop(struct cli *c)
{
	struct stopping s = {.c = c, .began_ms = loop_now_ms()};
	struct err err = {0};
	uint64_t timeout = cli_number(c, "timeout", TIMEOUT_S);
	if (timeout > TIMEOUT_MAX_S) {
		out_error("--timeout is a number of seconds up to %u", TIMEOUT_MAX_S);
		return CLI_USAGE;
	}
	s.timeout_ms = timeout * 1000;
	if (find_guests(&s, &err) < 0) {
		out_error("%s", err.msg);
		return CLI_FAILED;
	}
	s.pool = children_new(c, DESTROYS);
	stop_levels(&s);
	destroy_rest(&s);
	children_free(s.pool);
	out_message(c, "%u shut down, %u destroyed, %u failed", s.off, s.killed, s.failed);
	for (size_t i = 0; i < s.g.n; i++)
		if (s.guest[i].pidfd >= 0)
			close(s.guest[i].pidfd);
	free(s.guest);
	guests_fini(&s.g);
	return s.failed ? CLI_FAILED : CLI_DONE;
}
