/* A supervisor before us ended without settling things: by kill -9, or with the whole host. The page and the processes
 * tell what is left of its VM. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uuid.h>

#include "core/audit.h"
#include "core/buf.h"
#include "core/file.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/vm.h"
#include "kvm/qemu_log.h"
#include "kvm/spawn.h"
#include "kvm/supervisor_impl.h"

void sup_boot_id(uint8_t out[16])
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	memset(out, 0, 16);
	if (file_read("/proc/sys/kernel/random/boot_id", 64, &b, NULL) < 0 || b.len < 36)
		return;
	b.data[36] = '\0';
	uuid_t id;
	if (uuid_parse(b.data, id) == 0)
		memcpy(out, id, 16);
}

static bool same_boot(const struct status_page *p)
{
	uint8_t now[16];
	sup_boot_id(now);
	return memcmp(now, p->boot_id, sizeof(now)) == 0;
}

enum sup_found sup_look(struct supervisor *s)
{
	const struct status_page *p = s->page.page;
	struct machine m = s->machine;
	if (!machine_load(&m, p->machine) || m.state == MACHINE_OFF)
		return SUP_NOTHING;
	if (p->qemu_pid > 0 && same_boot(p) && vm_process_exists(p->qemu_pid, p->qemu_start))
		return SUP_ORPHAN;
	return m.state == MACHINE_ENDED ? SUP_NOTHING : SUP_UNSETTLED;
}

static void take_page(struct supervisor *s)
{
	struct status_page *p = status_begin(&s->page);
	p->sup_pid = (int32_t)getpid();
	p->sup_start = vm_process_start(getpid());
	p->adoptions++;
	p->exit_status = -1;
	status_end(&s->page);
	snprintf(s->detail, sizeof(s->detail), "%.*s", (int)sizeof(s->detail) - 1, p->detail);
}

static void take_policy(struct supervisor *s)
{
	struct err err;
	struct domain d;
	if (sup_read_domain(s, true, &d, &err) < 0 && sup_read_domain(s, false, &d, &err) < 0) {
		/* Nothing says what was wished: the default of the format, which never restarts a crash. */
		s->machine.on_poweroff = s->machine.on_crash = ACTION_DESTROY;
		s->machine.on_reboot = ACTION_RESTART;
		return;
	}
	sup_load_policy(s, &d);
	sup_name_disks(s, &d);
	domain_fini(&d);
}

/* Nobody saw its end. */
static void settle(struct supervisor *s)
{
	const struct status_page *p = s->page.page;
	bool rebooted = !same_boot(p), made = p->qemu_pid > 0;
	if (rebooted)
		sup_detail(s, "the host was restarted while the domain ran");
	else if (s->machine.state == MACHINE_STARTING && !made)
		sup_detail(s, "its supervisor was killed while it started the domain");
	else if (s->machine.state != MACHINE_QUITTING)
		sup_describe_death(s);
	s->machine.death = (struct machine_death){
	    .lost = rebooted || (s->machine.state == MACHINE_STARTING && !made)};
	sup_detach(s);
	if (s->machine.state == MACHINE_WAITING && !rebooted) {
		machine_adopt(&s->machine);
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
	const struct status_page *p = s->page.page;
	pid_t pid = p->qemu_pid;
	int pidfd = spawn_open_pidfd(pid, p->qemu_start);
	if (pidfd < 0) {
		settle(s); /* it died since we looked */
		return;
	}
	char detail[SUP_DETAIL_MAX];
	memcpy(detail, s->detail, sizeof(detail));
	sup_attach(s, pid, p->qemu_start, pidfd, false);
	memcpy(s->detail, detail, sizeof(detail)); /* why a crashed guest is kept */
	/* A VM with a console less is managed all the same. */
	if (sup_make_hubs(s, p->consoles, &err) < 0)
		log_error("%s", err.msg);
	sup_connect(s);
	machine_adopt(&s->machine);
	sup_publish(s);
}

void sup_adopt(struct supervisor *s, enum sup_found found)
{
	machine_load(&s->machine, s->page.page->machine);
	s->keep_rings = true;
	take_page(s);
	take_policy(s);
	audit_write(s->home, s->name, "who=supervisor pid=%d what=adopt qemu=%d found=%s",
	    (int)getpid(), (int)s->page.page->qemu_pid, found == SUP_ORPHAN ? "running" : "gone");
	if (found == SUP_ORPHAN)
		take_over(s);
	else
		settle(s);
}
