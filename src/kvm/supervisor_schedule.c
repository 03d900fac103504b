/* Once a minute: how many snapshots there are, for the page; and, where the domain has schedules, whoever carries them out is asked to
 * look (core/schedule.h), in a process of its own: for hosts without a timer that does it. */
#include <unistd.h>

#include "core/detach.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/schedule.h"
#include "kvm/supervisor_impl.h"

#define EVERY_S 60

void sup_count_snapshots(struct supervisor *s)
{
	size_t n = snapshots_count(s->home, s->name);
	struct status_page *page = status_begin(&s->page);
	page->snapshots = (uint32_t)n;
	status_end(&s->page);
}

void sup_schedule_tick(struct supervisor *s)
{
	struct err err;
	uint64_t now = loop_now_ms() / 1000;
	if (s->schedule_at_s == 0)
		sup_count_snapshots(s);
	/* Supervisors that were started together do not look together. */
	if (s->schedule_at_s == 0)
		s->schedule_at_s = now + (uint64_t)getpid() % EVERY_S;
	if (now < s->schedule_at_s)
		return;
	s->schedule_at_s = now + EVERY_S;
	sup_count_snapshots(s);
	CLEANUP_FREE char *path = schedules_path(s->home, s->name);
	if (access(path, F_OK) < 0)
		return;
	char *argv[] = {(char *)"hvmux", (char *)"-q", (char *)"-c",
	    (char *)(uintptr_t)home_uri(s->home), (char *)"snapshot-schedule", s->name,
	    (char *)"--run", NULL};
	const struct detach d = {
	    .what = "the look at schedules", .h = s->home, .argv = argv, .ready = -1};
	if (detach(&d, &err) < 0)
		log_warn("%s", err.msg);
}
