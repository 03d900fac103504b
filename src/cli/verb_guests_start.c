/* guests-start: what the host does at its boot. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/children.h"
#include "cli/dispatch.h"
#include "cli/guests.h"
#include "cli/out.h"
#include "core/autostart.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/vm.h"
#include "disk/pool.h"

#define PARALLEL 4u /* starts at a time: each reads images and firmware from the same disks */
#define PARALLEL_MAX 64u

struct starting {
	struct cli *c;
	struct guests g;
	struct children *pool;
	size_t done;
	unsigned started, failed;
};

static bool is_live(const struct cli *c, const char *name)
{
	struct vm vm;
	if (vm_probe(&c->home, name, &vm, NULL) < 0)
		return false;
	bool live = vm.live;
	vm_fini(&vm);
	return live;
}

static void settle(struct starting *s, size_t i, bool up)
{
	boot_order_done(&s->g.order, i, up, loop_now_ms());
	out_progress(s->c, (unsigned)++s->done, (unsigned)s->g.n, s->g.entries[i].name);
}

static void begin(struct starting *s, size_t i)
{
	const char *name = s->g.entries[i].name;
	if (is_live(s->c, name)) {
		out_message(s->c, "Domain '%s' is running already", name);
		settle(s, i, false);
		return;
	}
	children_run(s->pool, "start", name, i);
}

static void take(struct starting *s, struct children_result *r)
{
	const char *name = s->g.entries[r->tag].name;
	if (r->ok) {
		s->started++;
		out_message(s->c, "Domain '%s' started", name);
	} else {
		s->failed++;
		out_error("Domain '%s' was not started:\n%s", name, r->words);
	}
	fflush(stdout);
	settle(s, r->tag, r->ok);
	free(r->words);
}

/* Until all are done: every one of them comes to be free, since there are no circles. */
static void start_all(struct starting *s)
{
	while (s->done < s->g.n) {
		struct children_result r;
		ptrdiff_t i;
		while (!children_full(s->pool) &&
		       (i = boot_order_next(&s->g.order, loop_now_ms())) >= 0)
			begin(s, (size_t)i);
		if (s->done == s->g.n)
			break;
		uint64_t ms = boot_order_wait(&s->g.order, loop_now_ms());
		if (children_full(s->pool) || ms == UINT64_MAX)
			ms = children_empty(s->pool) ? 0 : UINT64_MAX;
		if (children_wait(s->pool, ms > INT32_MAX ? -1 : (int)ms, &r))
			take(s, &r);
	}
}

int verb_guests_start(struct cli *c)
{
	struct starting s = {.c = c};
	struct err err = {0};
	char **names;
	size_t n;
	uint64_t parallel = cli_number(c, "parallel", PARALLEL);
	if (parallel < 1 || parallel > PARALLEL_MAX) {
		out_error("--parallel is a number from 1 to %u", PARALLEL_MAX);
		return CLI_USAGE;
	}
	if (autostart_names(&c->home, &names, &n, &err) < 0) {
		out_error("%s", err.msg);
		return CLI_FAILED;
	}
	/* Their disks may be there. */
	if (pool_start_all(&c->home, &err) < 0)
		out_warning("not all storage pools were started: %s", err.msg);
	guests_init(&s.g, c, names, n, false);
	s.pool = children_new(c, (unsigned)parallel);
	start_all(&s);
	out_message(c, "%u started, %u failed, %u were running", s.started, s.failed,
	    (unsigned)s.g.n - s.started - s.failed);
	children_free(s.pool);
	guests_fini(&s.g);
	return s.failed ? CLI_FAILED : CLI_DONE;
}
