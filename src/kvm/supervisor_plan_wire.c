/* The ways of a plan to QEMU and to the guest's agent. What cannot be sent just now, because a connection is made anew, waits. */
#include <fcntl.h>
#include <stdlib.h>

#include "core/mem.h"
#include "core/str.h"
#include "kvm/plan_secret.h"
#include "kvm/supervisor_plan_impl.h"

#define CONNECT_MS 10000  /* for a monitor, or an agent, that is connected anew */
#define AGENT_LOOK_MS 200 /* between looks for it */

/* --- the monitor --- */

struct sent {
	struct sup_plans *plans;
	void (*fn)(void *arg, struct json_object *result, const struct err *err);
	void *arg;
};

/* The connection is going: what is sent now would be lost. */
static void got_answer(void *arg, struct json_object *result, const struct err *err)
{
	struct sent w = *(struct sent *)arg;
	free(arg);
	if (err != NULL && err->code == ERR_IO)
		w.plans->monitor_down = true;
	w.fn(w.arg, result, err);
}

static void held_free(struct sup_held *h)
{
	TAILQ_REMOVE(&h->plans->held, h, entry);
	json_object_put(h->args);
	cleanup_close(&h->fd);
	free(h->command);
	free(h);
}

static void send_command(struct sup_plans *p, const char *command, struct json_object *args, int fd,
    unsigned timeout_ms, void (*fn)(void *arg, struct json_object *result, const struct err *err),
    void *fn_arg)
{
	struct sent *w = xcalloc(1, sizeof(*w));
	*w = (struct sent){p, fn, fn_arg};
	qmp_send_fd(
	    p->s->qmp, command, plan_secret_fill(p->s->home, args), fd, timeout_ms, got_answer, w);
}

static void arm_held(struct sup_plans *p)
{
	struct sup_held *h;
	uint64_t now = loop_now_ms(), at = 0;
	TAILQ_FOREACH(h, &p->held, entry)
	{
		uint64_t due = h->agent && h->until_ms > now + AGENT_LOOK_MS ? now + AGENT_LOOK_MS
		                                                             : h->until_ms;
		at = at == 0 || due < at ? due : at;
	}
	uint64_t ms = at > now ? at - now : 0;
	struct timeval tv = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};
	if (at != 0)
		evtimer_add(p->held_timer, &tv);
}

static void hold_command(struct sup_plans *p, bool agent, const char *command,
    struct json_object *args, int fd, unsigned timeout_ms,
    void (*fn)(void *arg, struct json_object *result, const struct err *err), void *fn_arg)
{
	struct sup_held *h = xcalloc(1, sizeof(*h));
	*h = (struct sup_held){.plans = p,
	    .agent = agent,
	    .command = xstrdup(command),
	    .args = json_object_get(args),
	    .fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0),
	    .timeout_ms = timeout_ms,
	    .until_ms = loop_now_ms() + CONNECT_MS,
	    .fn = fn,
	    .arg = fn_arg};
	TAILQ_INSERT_TAIL(&p->held, h, entry);
	arm_held(p);
}

void sup_wire_qmp(void *arg, const char *command, struct json_object *args, int fd,
    unsigned timeout_ms, void (*fn)(void *arg, struct json_object *result, const struct err *err),
    void *fn_arg)
{
	struct sup_plans *p = arg;
	if (p->s->qmp == NULL || !p->s->qmp_ready || p->monitor_down)
		hold_command(p, false, command, args, fd, timeout_ms, fn, fn_arg);
	else
		send_command(p, command, args, fd, timeout_ms, fn, fn_arg);
}

/* The first that cannot wait any longer, or whose agent has come; NULL none. */
static struct sup_held *find_due(struct sup_plans *p)
{
	struct sup_held *h;
	uint64_t now = loop_now_ms();
	TAILQ_FOREACH(h, &p->held, entry)
	if (h->until_ms <= now || (h->agent && sup_agent_check(p->s, NULL) == 0))
		return h;
	return NULL;
}

static void give_up(struct sup_plans *p, struct sup_held *h)
{
	struct sup_held said = *h;
	struct err err;
	if (!h->agent)
		err_set(&err, ERR_STATE, "'%s': QEMU's monitor is not connected", h->command);
	else if (sup_agent_check(p->s, &err) == 0)
		err_set(&err, ERR_TIMEOUT, "'%s': the guest's agent does not answer", h->command);
	held_free(h);
	said.fn(said.arg, NULL, &err);
}

static void on_held_timer(evutil_socket_t fd, short what, void *arg)
{
	struct sup_plans *p = arg;
	(void)fd, (void)what;
	for (struct sup_held *h; (h = find_due(p)) != NULL;) {
		if (h->agent && h->until_ms > loop_now_ms()) {
			agent_send(p->s->guest.agent, h->command, json_object_get(h->args), 0,
			    h->timeout_ms, h->fn, h->arg);
			held_free(h);
		} else {
			give_up(p, h);
		}
	}
	arm_held(p);
}

void sup_run_monitor_up(struct sup_plans *p)
{
	struct sup_held *h, *next;
	p->monitor_down = false;
	for (h = TAILQ_FIRST(&p->held); h != NULL; h = next) {
		next = TAILQ_NEXT(h, entry);
		if (h->agent)
			continue;
		send_command(p, h->command, h->args, h->fd, h->timeout_ms, h->fn, h->arg);
		held_free(h);
	}
}

/* --- the agent --- */

struct agent_refusal {
	struct err err;
	void (*fn)(void *arg, struct json_object *result, const struct err *err);
	void *arg;
};

static void refuse_agent(void *arg)
{
	struct agent_refusal *w = arg;
	w->fn(w->arg, NULL, &w->err);
	free(w);
}

void sup_wire_agent(void *arg, const char *command, struct json_object *args, unsigned timeout_ms,
    void (*fn)(void *arg, struct json_object *result, const struct err *err), void *fn_arg)
{
	struct sup_plans *p = arg;
	struct err err;
	if (sup_agent_check(p->s, &err) == 0) {
		agent_send(
		    p->s->guest.agent, command, json_object_get(args), 0, timeout_ms, fn, fn_arg);
		return;
	}
	/* A guest must not stay frozen because the agent's channel is just being connected anew. */
	if (p->s->guest.configured && str_eq(command, "guest-fsfreeze-thaw")) {
		hold_command(p, true, command, args, -1, timeout_ms, fn, fn_arg);
		return;
	}
	struct agent_refusal *w = xcalloc(1, sizeof(*w));
	*w = (struct agent_refusal){err, fn, fn_arg};
	loop_defer(p->s->loop, refuse_agent, w);
}

/* --- making and freeing --- */

void sup_wire_init(struct sup_plans *p)
{
	TAILQ_INIT(&p->held);
	p->held_timer = evtimer_new(loop_base(p->s->loop), on_held_timer, p);
	if (p->held_timer == NULL)
		abort(); /* out of memory */
}

void sup_wire_fini(struct sup_plans *p)
{
	struct sup_held *h;
	while ((h = TAILQ_FIRST(&p->held)) != NULL)
		give_up(p, h);
	event_free(p->held_timer);
}
