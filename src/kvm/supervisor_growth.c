/* Now and then: how full the VM's images and the folders that they lie in are, for their history (core/growth.h). Asked by a
 * process of its own: a file system that hangs must not hold up the supervisor. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/detach.h"
#include "core/growth.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/timestamp.h"
#include "kvm/supervisor_impl.h"

#define FIRST_S 60 /* after a start or an adoption */
#define OWN_EVERY_S \
	3600 /* for its images, when others of the same folder have told how full that is */

/* Has anybody told of the folder of the first disk in this space of time? */
static bool folder_due(const struct supervisor *s)
{
	const struct status_page *p = s->page.page;
	if (p->disks == 0 || p->disk[0].path[0] != '/')
		return false;
	CLEANUP_FREE char *folder = xstrdup(p->disk[0].path);
	*strrchr(folder, '/') = '\0';
	return growth_due(s->home, folder[0] ? folder : "/", timestamp_ns() / 1000000000u);
}

void sup_growth_tick(struct supervisor *s)
{
	struct err err;
	uint64_t now = loop_now_ms() / 1000;
	if (s->growth_at_s == 0) {
		/* Supervisors that were started together do not ask together. */
		s->growth_at_s = now + FIRST_S + (uint64_t)getpid() % FIRST_S;
		s->growth_own_s = s->growth_at_s;
	}
	if (now < s->growth_at_s)
		return;
	s->growth_at_s = now + GROWTH_FINE_S;
	if (now < s->growth_own_s && !folder_due(s))
		return;
	s->growth_own_s = now + OWN_EVERY_S;
	char *argv[] = {(char *)"hvmux", (char *)"-c", (char *)(uintptr_t)home_uri(s->home),
	    (char *)"growth-record", s->name, NULL};
	const struct detach d = {
	    .what = "the look at how full disks are", .h = s->home, .argv = argv, .ready = -1};
	if (detach(&d, &err) < 0)
		log_warn("%s", err.msg);
}
