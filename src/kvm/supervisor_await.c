#include "kvm/supervisor_await.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "core/mem.h"

struct waiting {
	TAILQ_ENTRY(waiting) entry;
	uint64_t until_ms; /* CLOCK_MONOTONIC */
	struct control_req *req;
	char *command; /* QMP's; NULL: `event` is meant */
	struct json_object *args;
	int fd;
	enum machine_event event;
};

struct sup_await {
	struct supervisor *s;
	TAILQ_HEAD(, waiting) list;
	struct event *timer;
	bool serving; /* what is served now waits no more */
};

static bool is_coming(const struct supervisor *s)
{
	static const bool has_monitor[MACHINE_STATES] = {[MACHINE_RUNNING] = true,
	    [MACHINE_PAUSED] = true,
	    [MACHINE_ASKED] = true,
	    [MACHINE_SLEEPING] = true,
	    [MACHINE_RESETTING] = true,
	    [MACHINE_PRESERVED] = true};
	return s->pid != 0 && !s->qmp_ready && has_monitor[s->machine.state] &&
	       !sampler_stopped(&s->sampler) && (s->await == NULL || !s->await->serving);
}

static void waiting_free(struct sup_await *w, struct waiting *q)
{
	TAILQ_REMOVE(&w->list, q, entry);
	json_object_put(q->args);
	cleanup_close(&q->fd);
	free(q->command);
	free(q);
}

static void arm(struct sup_await *w)
{
	const struct waiting *q = TAILQ_FIRST(&w->list);
	uint64_t now = loop_now_ms();
	if (q == NULL) {
		evtimer_del(w->timer);
		return;
	}
	uint64_t ms = q->until_ms > now ? q->until_ms - now : 0;
	struct timeval tv = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};
	evtimer_add(w->timer, &tv);
}

static void serve_until(struct sup_await *w, uint64_t until_ms)
{
	struct waiting *q;
	w->serving = true;
	while ((q = TAILQ_FIRST(&w->list)) != NULL && q->until_ms <= until_ms) {
		if (q->command != NULL)
			sup_control_ops.qmp(w->s, q->command, q->args, q->fd, q->req);
		else
			sup_control_ops.operate(w->s, q->event, q->req);
		waiting_free(w, q);
	}
	w->serving = false;
	arm(w);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	serve_until(arg, loop_now_ms());
}

static struct waiting *add(struct supervisor *s, struct control_req *r)
{
	if (s->await == NULL) {
		s->await = xcalloc(1, sizeof(*s->await));
		s->await->s = s;
		TAILQ_INIT(&s->await->list);
		s->await->timer = evtimer_new(loop_base(s->loop), on_timer, s->await);
		if (s->await->timer == NULL)
			abort(); /* out of memory */
	}
	struct waiting *q = xcalloc(1, sizeof(*q));
	*q = (struct waiting){.until_ms = loop_now_ms() + SUP_AWAIT_MS, .req = r, .fd = -1};
	TAILQ_INSERT_TAIL(&s->await->list, q, entry);
	arm(s->await);
	return q;
}

bool sup_await_event(struct supervisor *s, enum machine_event ev, struct control_req *r)
{
	if (ev == EV_DO_DESTROY || !is_coming(s))
		return false;
	add(s, r)->event = ev;
	return true;
}

bool sup_await_qmp(struct supervisor *s, const char *command, struct json_object *args, int fd,
    struct control_req *r)
{
	if (!is_coming(s))
		return false;
	struct waiting *q = add(s, r);
	q->command = xstrdup(command);
	q->args = json_object_get(args);
	q->fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return true;
}

void sup_await_up(struct supervisor *s)
{
	if (s->await != NULL)
		serve_until(s->await, UINT64_MAX);
}

void sup_await_free(struct supervisor *s)
{
	struct sup_await *w = s->await;
	struct waiting *q;
	struct err err;
	if (w == NULL)
		return;
	err_set(&err, ERR_STATE, "the domain has ended");
	while ((q = TAILQ_FIRST(&w->list)) != NULL) {
		control_reply(q->req, NULL, &err);
		waiting_free(w, q);
	}
	event_free(w->timer);
	free(w);
	s->await = NULL;
}
