/* A supervisor before us ended without settling things: by kill -9, or with the whole host. The page and the processes
 * tell what is left of its VM. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/audit.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/timestamp.h"
#include "core/vm.h"
#include "kvm/qemu_log.h"
#include "kvm/spawn.h"
#include "kvm/supervisor_impl.h"
#include "kvm/supervisor_plan.h"

static bool same_boot(const struct supervisor *s)
{
	uint8_t now[16];
	vm_process_boot_id(now);
	return memcmp(now, s->process.boot_id, sizeof(now)) == 0;
}

enum sup_found sup_look(struct supervisor *s)
{
	const struct status_page *p = s->page.page;
	struct machine m = s->machine;
	if (vm_process_qemu_exists(&s->process))
		return SUP_ORPHAN;
	if (!machine_load(&m, p->machine) || m.state == MACHINE_OFF)
		return SUP_NOTHING;
	return m.state == MACHINE_ENDED ? SUP_NOTHING : SUP_UNSETTLED;
}

static void take_page(struct supervisor *s)
{
	struct err err;
	struct status_page *p = status_begin(&s->page);
	p->adoptions++;
	p->exit_status = -1;
	status_end(&s->page);
	if (sup_note_process(s, &err) < 0)
		log_error("%s", err.msg);
	snprintf(s->detail, sizeof(s->detail), "%.*s", (int)sizeof(s->detail) - 1, p->detail);
	/* The wait is this supervisor's to announce. */
	char *wait = strstr(s->detail, SUP_STARTS_AGAIN);
	if (wait != NULL)
		wait[wait > s->detail + 1 ? -2 : 0] = '\0';
}

/* Nanoseconds of CLOCK_REALTIME at which a process began, by field 22 of its stat. */
static uint64_t began_ns(uint64_t start)
{
	struct timespec up;
	long hz = sysconf(_SC_CLK_TCK);
	uint64_t now = timestamp_ns();
	if (hz <= 0 || clock_gettime(CLOCK_BOOTTIME, &up) < 0)
		return now;
	uint64_t up_ns = (uint64_t)up.tv_sec * 1000000000u + (uint64_t)up.tv_nsec;
	uint64_t age = up_ns - start * (1000000000u / (uint64_t)hz);
	return age < up_ns ? now - age : now;
}

/* Its page was of another version's layout, or is lost: what it said is made anew. What QEMU is doing
 * is heard from itself. */
static void make_page(struct supervisor *s, const struct domain *d)
{
	s->machine.state = MACHINE_RUNNING;
	s->machine.reason = VM_REASON_BOOTED;
	if (d != NULL) {
		unsigned n = 0;
		for (size_t i = 0; i < d->n_consoles; i++)
			n += d->consoles[i].recorded;
		sup_fill_page(s, d, n < STATUS_CONSOLES_MAX ? n : STATUS_CONSOLES_MAX);
	}
	struct status_page *p = status_begin(&s->page);
	snprintf(p->name, sizeof(p->name), "%s", s->name);
	p->id = s->process.id;
	p->started_ns = began_ns(s->process.qemu_start);
	status_end(&s->page);
	vm_process_boot_id(s->process.boot_id); /* it runs, so it was made in this boot */
}

static void take_policy(struct supervisor *s, bool new_page)
{
	struct err err;
	struct domain d;
	if (sup_read_domain(s, true, &d, &err) < 0 && sup_read_domain(s, false, &d, &err) < 0) {
		/* Nothing says what was wished: the default of the format, which never restarts a crash. */
		s->machine.on_poweroff = s->machine.on_crash = ACTION_DESTROY;
		s->machine.on_reboot = ACTION_RESTART;
		if (new_page)
			make_page(s, NULL);
		return;
	}
	if (new_page)
		make_page(s, &d);
	sup_load_policy(s, &d);
	sup_name_disks(s, &d);
	domain_fini(&d);
}

/* What a dead QEMU's consoles still have for their logs gets there, and where it ended. */
static void end_consoles(struct supervisor *s)
{
	struct err err;
	if (sup_make_hubs(s, s->page.page->consoles, &err) < 0)
		log_error("%s", err.msg);
	for (unsigned i = 0; i < s->n_hubs; i++)
		hub_note(s->hubs[i], RING_NOTE_END, 0);
}

/* Nobody saw its end. */
static void settle(struct supervisor *s)
{
	bool rebooted = !same_boot(s), made = s->process.qemu > 0;
	sup_plan_settle(s);
	if (rebooted)
		sup_detail(s, "the host was restarted while the domain ran");
	else if (s->machine.state == MACHINE_STARTING && !made)
		sup_detail(s, "its supervisor was killed while it started the domain");
	else if (s->machine.state != MACHINE_QUITTING)
		sup_describe_death(s);
	s->machine.death = (struct machine_death){
	    .lost = rebooted || (s->machine.state == MACHINE_STARTING && !made)};
	if (made && !rebooted)
		end_consoles(s);
	sup_crash_died(s);
	sup_detach(s);
	if ((s->machine.state == MACHINE_WAITING && !rebooted) ||
	    s->machine.state == MACHINE_RELEASING) {
		machine_adopt(&s->machine);
		sup_publish(s); /* when it starts again */
		return;
	}
	if (s->machine.state == MACHINE_WAITING)
		s->machine.state =
		    MACHINE_RUNNING; /* what it had been about to be: lost with the host */
	machine_handle(&s->machine, EV_DIED, NULL);
}

static void take_over(struct supervisor *s)
{
	struct err err;
	pid_t pid = s->process.qemu;
	uint64_t start = s->process.qemu_start;
	int pidfd = spawn_open_pidfd(pid, start);
	if (pidfd < 0) {
		settle(s); /* it died since we looked */
		return;
	}
	char detail[SUP_DETAIL_MAX];
	memcpy(detail, s->detail, sizeof(detail));
	sup_attach(s, pid, start, pidfd, false);
	memcpy(s->detail, detail, sizeof(detail)); /* why a crashed guest is kept */
	/* A VM with a console less is managed all the same. */
	if (sup_make_hubs(s, s->page.page->consoles, &err) < 0)
		log_error("%s", err.msg);
	sup_link_ports(s);
	(void)sup_devices_changed(s); /* a plan may have, without its page */
	sup_connect(s);
	machine_adopt(&s->machine);
	sup_publish(s);
}

void sup_adopt(struct supervisor *s, enum sup_found found)
{
	machine_load(&s->machine, s->page.page->machine);
	s->keep_rings = true;
	take_policy(s, found == SUP_ORPHAN && s->machine.state == MACHINE_OFF);
	take_page(s);
	companion_adopt(s->companions);
	audit_write(s->home, s->name, "who=supervisor pid=%d what=adopt qemu=%d found=%s",
	    (int)getpid(), (int)s->process.qemu, found == SUP_ORPHAN ? "running" : "gone");
	if (found == SUP_ORPHAN)
		take_over(s);
	else
		settle(s);
}
