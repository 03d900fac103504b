/* What the status pages say. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/loop.h"
#include "core/mem.h"
#include "core/str.h"
#include "tui/model_impl.h"
#include "tui/widgets.h"

#define ADOPT_AGAIN_MS 10000
#define WATCH_EVERY_MS 2000

/* The page claims a QEMU but has no fresh beat: the one case in which /proc and the lock are asked. */
static void settle(struct model *m, struct vm_entry *e)
{
	struct vm vm;
	uint64_t now = loop_now_ms();
	if (vm_probe(m->home, e->name, &vm, NULL) < 0) {
		e->here = e->defined;
		e->live = e->silent = e->orphan = false;
		e->state = VM_OFF;
		return;
	}
	e->live = vm.live;
	e->silent = vm.silent;
	e->orphan = vm.orphan;
	e->state = vm.state;
	e->here = true;
	if ((vm.orphan || vm.unsettled) && !m->readonly &&
	    (!e->adopted_ms || now - e->adopted_ms > ADOPT_AGAIN_MS)) {
		e->adopted_ms = now;
		vm_adopt_all(m->home, &vm, 1);
	}
	vm_fini(&vm);
}

static void judge(struct model *m, struct vm_entry *e, const struct status_page *p)
{
	uint64_t now = loop_now_ns();
	bool fresh = p->beat_ns <= now && now - p->beat_ns <= VM_SILENT_NS;
	enum vm_state s = p->state < VM_STATE_COUNT ? (enum vm_state)p->state : VM_OFF;
	bool claimed = vm_state_live(s) || (s == VM_CRASHED && p->qemu_pid > 0);
	if (claimed && !fresh) {
		settle(m, e);
		return;
	}
	e->state = s;
	e->live = claimed;
	e->orphan = false;
	e->silent = claimed && p->qmp_wait_ns && p->qmp_wait_ns <= now &&
	            now - p->qmp_wait_ns > VM_SILENT_NS;
	e->here = e->defined || claimed;
}

/* Its last line; before it, that a log of its consoles stands still. */
static void take_line(struct vm_entry *e, const struct status_page *p, const char *line)
{
	unsigned n = p->consoles < STATUS_CONSOLES_MAX ? p->consoles : STATUS_CONSOLES_MAX;

	for (unsigned i = 0; i < n && e->live; i++) {
		CLEANUP_FREE char *text = NULL;

		if (!p->console[i].log_trouble[0])
			continue;
		text = xasprintf("log stands still: %s | %s", p->console[i].log_trouble, line);
		model_text_set(&e->line, text);
		return;
	}
	model_text_set(&e->line, line);
}

static void take_console(struct vm_entry *e, const struct status_page *p)
{
	static const struct status_console none;
	const struct status_console *c = p->consoles ? &p->console[0] : &none;
	e->consoles = p->consoles;
	e->con_bytes = c->bytes;
	e->con_last_ns = c->last_ns;
	e->clients = c->clients;
	e->con_rows = c->rows;
	e->con_cols = c->cols;
	take_line(e, p, c->line);
	model_text_set(&e->holder, c->holder);
}

/* The plan that goes on, and what came of earlier ones. */
static void take_plan(struct vm_entry *e, const struct status_page *p)
{
	model_text_set(&e->job, p->job);
	model_text_set(&e->job_words, p->job_words);
	model_text_set(&e->job_who, p->job_who);
	e->job_done = p->job_done;
	e->job_total = p->job_total;
	e->job_step = p->job_step;
	e->job_steps = p->job_steps;
	e->job_waiting = p->job_waiting;
	e->job_cancel = p->job_cancel != 0;
	e->job_began_ns = p->job_began_ns;
	e->snapshots = p->snapshots;
	e->vcpus_max = p->vcpus_max;
	e->vcpus_online = p->vcpus_online;
	e->dimms = p->dimms;
	e->dimm_kib = p->dimm_kib;
	e->dimm_online_kib = p->dimm_online_kib;
	e->balloon_auto = p->balloon_auto != 0;
	e->balloon_wanted_kib = p->balloon_wanted_kib;
}

static void take_facts(struct vm_entry *e, const struct status_page *p)
{
	uint64_t have = p->balloon_kib ? p->balloon_kib : p->memory_kib;
	e->reason = p->reason < VM_REASON_COUNT ? (enum vm_reason)p->reason : VM_REASON_UNKNOWN;
	model_text_set(&e->title, p->title);
	model_text_set(&e->detail, p->detail);
	model_text_set(&e->address, p->address);
	take_plan(e, p);
	e->badge = p->badge <= STATUS_BADGE_BAD ? (enum status_badge)p->badge : STATUS_BADGE_NONE;
	e->badge_ns = p->badge_ns;
	memcpy(e->badge_name, p->badge_name, sizeof(e->badge_name));
	e->started_ns = p->started_ns;
	e->changed_ns = p->changed_ns;
	e->ended_ns = p->ended_ns;
	e->vcpus = p->vcpus;
	e->memory_kib = have;
	/* What the guest itself says it uses is worth more than what QEMU holds. */
	e->used_kib = p->guest_available_kib && p->guest_available_kib < have
	                  ? have - p->guest_available_kib
	                  : p->rss_kib;
	if (e->used_kib > have) /* QEMU's own share on top is not the guest's */
		e->used_kib = have;
	take_console(e, p);
}

static void history_push(struct vm_entry *e, uint32_t v)
{
	memmove(e->history, e->history + 1, sizeof(e->history) - sizeof(e->history[0]));
	e->history[MODEL_HISTORY - 1] = v;
	if (e->have < MODEL_HISTORY)
		e->have++;
}

static void take_sample(
    struct vm_entry *e, const struct status_page *p, const struct status_sample *s)
{
	uint64_t new = p->seconds_count - e->count;
	e->now = *s;
	if (!e->live)
		memset(&e->now, 0, sizeof(e->now));
	if (new == 1)
		history_push(e, s->cpu_permille);
	else if (new)
		e->have = 0; /* filled from the page when the VM is shown */
	e->count = p->seconds_count;
	e->cpu_shown = e->live ? widget_steady(e->cpu_shown,
	                             e->now.cpu_permille < 3 ? 0 : e->now.cpu_permille, 5)
	                       : 0;
	e->used_shown =
	    widget_steady((uint32_t)(e->used_shown >> 10), (uint32_t)(e->used_kib >> 10), 8) *
	    1024ull;
}
static void read_one(struct model *m, struct vm_entry *e)
{
	char path[NAME_MAX_BYTES + 16];
	struct status_sample s;
	if (!e->run_dir || m->run_fd < 0) {
		e->here = e->defined;
		e->live = e->silent = e->orphan = false;
		e->state = VM_OFF;
		return;
	}
	snprintf(path, sizeof(path), "%s/status", e->name);
	if (status_pread_latest(m->run_fd, path, m->head, &s, NULL) < 0) {
		settle(m, e); /* a supervisor that has not written yet, or nothing at all */
		return;
	}
	judge(m, e, m->head);
	take_facts(e, m->head);
	take_sample(e, m->head, &s);
}

static void refresh_one(struct model *m, struct vm_entry *e)
{
	const char *before = vm_entry_state(e);
	read_one(m, e);
	if (m->changed && e->seen && strcmp(before, vm_entry_state(e)) != 0)
		m->changed(m->changed_arg, e, before);
	e->seen = true;
}

void model_refresh_window(struct model *m)
{
	uint64_t now = loop_now_ms();
	bool touch = now - m->watch_ms >= WATCH_EVERY_MS;
	for (unsigned i = m->first; i < m->n_rows && i < m->first + m->shown; i++) {
		struct vm_entry *e = m->rows[i];
		struct status_sample s[MODEL_HISTORY];
		if (e->folder)
			continue;
		if (e->live && (touch || !e->watched)) {
			CLEANUP_FREE char *path = home_run_file(m->home, e->name, "watch");
			status_watch_touch(path);
			e->watched = true;
		}
		if (e->have || !e->count)
			continue;
		e->have = model_samples(m, e, false, s, MODEL_HISTORY, &e->count);
		for (unsigned k = 0; k < e->have; k++)
			e->history[MODEL_HISTORY - e->have + k] = s[k].cpu_permille;
	}
	if (touch)
		m->watch_ms = now;
}

int model_refresh(struct model *m, struct err *err)
{
	struct timespec ts;
	int rc = model_scan(m, err);
	clock_gettime(CLOCK_REALTIME, &ts);
	m->now_ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	for (size_t i = 0; i < m->n_all; i++)
		refresh_one(m, m->all[i]);
	m->rows_stale = true;
	model_rows(m, &(unsigned){0});
	model_refresh_window(m);
	return rc;
}
const struct status_page *model_page(struct model *m, const struct vm_entry *e)
{
	char path[NAME_MAX_BYTES + 16];
	snprintf(path, sizeof(path), "%s/status", e->name);
	if (m->run_fd < 0 || status_pread_head(m->run_fd, path, m->head, NULL) < 0)
		return NULL;
	return m->head;
}

unsigned model_samples(struct model *m, const struct vm_entry *e, bool minutes,
    struct status_sample *out, unsigned n, uint64_t *count)
{
	CLEANUP_FREE char *path = home_run_file(m->home, e->name, "status");
	const struct status_page *p = status_map(path, NULL);
	unsigned got;
	if (!p)
		return 0;
	got = minutes ? status_minutes(p, out, n) : status_seconds(p, out, n);
	*count = minutes ? p->minutes_count : p->seconds_count;
	status_unmap(p);
	return got;
}
