#include "kvm/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/notify.h"
#include "core/sock.h"
#include "core/store.h"
#include "core/str.h"
#include "core/vm.h"
#include "kvm/argv_alias.h"
#include "kvm/hooks.h"
#include "kvm/supervisor_await.h"
#include "kvm/supervisor_impl.h"
#include "kvm/supervisor_plan.h"

#define TICK_SLOTS 20 /* points of the second */
#define READY_WAIT_MS 500
#define WINNER_WAIT_MS 5000  /* for the supervisor that was quicker to serve its socket */
#define LEAVING_WAIT_MS 2000 /* for the one that has told of an end and is about to go */

/* --- words --- */

void sup_detail(struct supervisor *s, const char *fmt, ...)
{
	char text[SUP_DETAIL_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* Cut by vsnprintf, perhaps inside a character. */
	CLEANUP_FREE char *whole = str_printable(text, strlen(text), sizeof(text) - 1);
	snprintf(s->detail, sizeof(s->detail), "%s", whole);
}

static void write_verdict(int fd, const struct err *err)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	if (err == NULL) {
		buf_adds(&b, "ok");
	} else {
		buf_addf(&b, "error %d ", (int)err->code);
		for (const char *p = err->msg; *p != '\0'; p++) {
			if (*p == '\n')
				buf_adds(&b, "\\x0a");
			else
				buf_addc(&b, *p);
		}
	}
	buf_addc(&b, '\n');
	fd_write_all(fd, b.data, b.len);
	close(fd);
}

void sup_ready(struct supervisor *s, const struct err *err)
{
	if (err == NULL)
		notify_systemd("READY=1");
	if (s->ready_fd >= 0)
		write_verdict(TAKE_FD(s->ready_fd), err);
}

int sup_note_process(struct supervisor *s, struct err *err)
{
	if (!s->ended) {
		s->process.sup = getpid();
		s->process.sup_start = vm_process_start(getpid());
	}
	struct status_page *p = status_begin(&s->page);
	p->sup_pid = (int32_t)s->process.sup;
	p->sup_start = s->process.sup_start;
	p->qemu_pid = (int32_t)s->process.qemu;
	p->qemu_start = s->process.qemu_start;
	memcpy(p->boot_id, s->process.boot_id, sizeof(p->boot_id));
	status_end(&s->page);
	if (vm_process_write(s->process_fd, &s->process) == 0)
		return 0;
	return err_errno(err, errno, "cannot write which process runs domain '%s'", s->name);
}

void sup_load_policy(struct supervisor *s, const struct domain *d)
{
	s->machine.on_poweroff = d->on_poweroff;
	s->machine.on_reboot = d->on_reboot;
	s->machine.on_crash = d->on_crash;
	const struct domain_dev *watchdog = domain_dev_find(d, DEV_WATCHDOG);
	s->watchdog_dump = watchdog != NULL && attrs_is(&watchdog->attrs, "@action", "dump");
}

/* --- the process --- */

/* "hvmux: web1" in ps and top. argv's strings and the environment's lie one behind the other; only the former are
 * overwritten: those of `hvmux supervise web1`, or of the `hvmux start …` that we were forked from. Where that named the
 * domain by its UUID a name of more than 41 bytes is cut. */
static void set_title(const char *name)
{
	char title[16];
	CLEANUP_BUF struct buf cmdline = BUF_INIT;
	snprintf(title, sizeof(title), "hvmux: %s", name);
	prctl(PR_SET_NAME, title);
	if (file_read("/proc/self/cmdline", 1u << 16, &cmdline, NULL) < 0 || cmdline.len < 2)
		return;
	if (strcmp(program_invocation_name, cmdline.data) != 0)
		return; /* argv is not where we take it to be */
	memset(program_invocation_name, 0, cmdline.len);
	snprintf(program_invocation_name, cmdline.len, "hvmux: %s", name);
}

static void leave_session(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	setsid(); /* fails for a process that leads one already */
	for (int fd = 0; fd < 3 && null >= 0; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
	if (chdir("/") < 0)
		log_debug("cannot enter /");
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
}

static void on_sigterm(evutil_socket_t sig, short what, void *arg)
{
	struct supervisor *s = arg;
	(void)sig, (void)what;
	notify_systemd("STOPPING=1");
	s->machine.no_restart = true;
	machine_handle(&s->machine, EV_DO_SHUTDOWN, NULL);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct supervisor *s = arg;
	(void)fd, (void)what;
	machine_handle(&s->machine, EV_TIMER, NULL);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	sup_tick(arg);
}

/* Domains tick at different points of the second, so that 300 supervisors do not wake up at once, and in groups: the
 * next one then finds the caches warm and the processor awake. */
static void on_first_tick(evutil_socket_t fd, short what, void *arg)
{
	struct supervisor *s = arg;
	struct timeval second = {1, 0};
	(void)fd, (void)what;
	event_free(s->tick);
	s->tick = event_new(loop_base(s->loop), -1, EV_PERSIST, on_tick, s);
	if (s->tick == NULL)
		abort(); /* out of memory */
	event_add(s->tick, &second);
	malloc_trim(0); /* what the start needed is not needed any more */
	sup_tick(s);
}

static uint32_t phase_us(const char *name)
{
	uint32_t h = 2166136261u; /* FNV-1a */
	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return h % TICK_SLOTS * (1000000u / TICK_SLOTS);
}

static void make_events(struct supervisor *s)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	uint32_t at = (uint32_t)now.tv_nsec / 1000u, want = phase_us(s->name);
	struct timeval first = {0, (want + 1000000u - at) % 1000000u};
	s->timer = evtimer_new(loop_base(s->loop), on_timer, s);
	s->tick = evtimer_new(loop_base(s->loop), on_first_tick, s);
	s->sigterm = evsignal_new(loop_base(s->loop), SIGTERM, on_sigterm, s);
	if (s->timer == NULL || s->tick == NULL || s->sigterm == NULL)
		abort(); /* out of memory */
	evtimer_add(s->tick, &first);
	event_add(s->sigterm, NULL);
	sup_redial_init(s);
	sup_consoles_init(s);
}

/* --- making and freeing --- */

static void sup_init(struct supervisor *s, const struct home *h, const char *name, int ready_fd)
{
	memset(s, 0, sizeof(*s));
	s->home = h;
	s->name = xstrdup(name);
	s->lock = s->pidfd = s->process_fd = -1;
	s->exit_status = -1;
	s->ready_fd = ready_fd;
	s->machine = (struct machine){.ops = &sup_machine_ops, .arg = s, .name = s->name};
	if (ready_fd >= 0 && fd_set_cloexec(ready_fd, true) < 0)
		s->ready_fd = -1;
}

/* Read before the page is opened, which is made anew where its layout is another version's: what that alone knew of the
 * processes is written down first. */
static int open_process(struct supervisor *s, struct err *err)
{
	vm_process_read(s->home, s->name, &s->process);
	s->process_fd = vm_process_open(s->home, s->name, err);
	if (s->process_fd < 0)
		return -1;
	if (vm_process_write(s->process_fd, &s->process) < 0)
		return err_errno(err, errno, "cannot write which process runs the domain");
	return 0;
}

static int open_all(struct supervisor *s, struct err *err)
{
	CLEANUP_FREE char *status = home_run_file(s->home, s->name, "status");
	CLEANUP_FREE char *run = home_run_dir(s->home, s->name);
	CLEANUP_FREE char *domains = home_domains_dir(s->home);
	CLEANUP_FREE char *watch = home_run_file(s->home, s->name, "watch");
	CLEANUP_FREE char *logs = home_log_dir(s->home, s->name);
	CLEANUP_FREE char *log = home_log_file(s->home, s->name, "supervisor.log");
	if (home_mkdir(s->home, logs, err) < 0 || open_process(s, err) < 0 ||
	    status_writer_open(&s->page, status, true, err) < 0)
		return -1;
	const char *const shared[] = {s->home->run, run, s->home->conf, domains};
	for (size_t i = 0; i < ARRAY_LEN(shared); i++)
		home_share_dir(s->home, shared[i]); /* they may be older than hvmux.conf */
	home_share(s->home, status, 0640);
	status_writer_claim(&s->page);
	log_open(log);
	s->loop = loop_new();
	sampler_init(&s->sampler, &s->page, watch);
	make_events(s);
	s->companions = companion_set_new(s->loop, s->home, s->name, &sup_companion_ops, s);
	s->control = control_new(s->loop, s->home, s->name, &sup_control_ops, s, err);
	return s->control == NULL ? -1 : 0;
}

static void sup_fini(struct supervisor *s)
{
	if (s->loop != NULL) {
		qmp_free(s->qmp);
		sup_agent_fini(s);
		sup_plan_free(s);
		sup_await_free(s);
		control_free(s->control);
		hooks_free(s->hooks);
		hooks_free(s->match_hooks);
		sup_triggers_free(s);
		sup_plugged_free(s);
		sup_balloon_free(s);
		sup_crashes_free(s);
		companion_set_free(s->companions);
		sup_restore_free(s);
		for (unsigned i = 0; i < s->n_hubs; i++)
			hub_free(s->hubs[i]);
		struct event *events[] = {s->timer, s->tick, s->sigterm, s->redial,
		    s->console_redial, s->death, s->ready_wait};
		for (size_t i = 0; i < ARRAY_LEN(events); i++)
			if (events[i] != NULL)
				event_free(events[i]);
		sampler_fini(&s->sampler);
		loop_free(s->loop);
	}
	status_writer_close(&s->page);
	if (s->process_fd >= 0)
		close(s->process_fd);
	if (s->pidfd >= 0)
		close(s->pidfd);
	if (s->lock >= 0)
		close(s->lock);
	if (s->ready_fd >= 0)
		close(s->ready_fd);
	free(s->name);
}

/* --- starting --- */

/* A page of the last run says nothing of this one, its history included. */
static void wipe_page(struct supervisor *s)
{
	struct status_page *p = status_begin(&s->page);
	size_t from = offsetof(struct status_page, state);
	memset((char *)p + from, 0, sizeof(*p) - from);
	status_end(&s->page);
}

/* Controllers, a balloon and the like, which were made by completing it and which its source does not have. */
static bool has_made(const struct domain *d)
{
	for (size_t i = 0; i < d->n_controllers; i++)
		if (d->controllers[i].element == 0)
			return true;
	for (size_t i = 0; i < d->n_devs; i++)
		if (d->devs[i].element == 0)
			return true;
	return false;
}

/* xml (taken) becomes its source. What was made is read anew with it: it would be written into it once more. */
static int set_source(struct domain *d, char *xml, unsigned flags, struct err *err)
{
	struct domain now;
	if (!has_made(d)) {
		free(d->source);
		d->source = xml;
		d->source_len = strlen(xml);
		return 0;
	}
	int rc = domain_parse(xml, strlen(xml), d->name, flags, &now, NULL, err);
	free(xml);
	if (rc < 0)
		return -1;
	domain_fini(d);
	*d = now;
	return 0;
}

/* A document that was copied here by hand may lack what define fills in. What has to be the same at every start (uuid, MAC
 * addresses) is written back into it. */
static int complete_document(const struct supervisor *s, struct domain *d, struct err *err)
{
	bool whole = d->has_uuid;
	for (size_t i = 0; i < d->n_nets; i++)
		whole = whole && d->nets[i].mac != NULL;
	if (!str_eq(d->name, s->name))
		return err_set(err, ERR_INVALID,
		    "the definition of '%s' is one of a domain named '%s': use 'hvmux define', or name the "
		    "file after the domain",
		    s->name, d->name);
	if (domain_complete(d, NULL, NULL, err) < 0)
		return -1;
	if (whole)
		return 0;
	CLEANUP_CLOSE int lock = store_lock(s->home, err);
	CLEANUP_FREE char *xml = lock < 0 ? NULL : domain_format(d, err);
	if (xml == NULL || store_write(s->home, s->name, xml, strlen(xml), err) < 0)
		return -1;
	return set_source(d, TAKE_PTR(xml), DOMAIN_PARSE_LENIENT, err);
}

/* With the ids that its devices will have in QEMU. */
static int write_first_live(const struct supervisor *s, struct domain *d, struct err *err)
{
	argv_aliases(d);
	char *xml = domain_format(d, err);
	if (xml == NULL)
		return -1;
	if (set_source(d, xml, DOMAIN_PARSE_LENIENT | DOMAIN_PARSE_LIVE, err) < 0)
		return -1;
	return sup_write_live(s, d, err);
}

static bool take_wish(const struct supervisor *s, const char *file)
{
	CLEANUP_FREE char *path = home_run_file(s->home, s->name, file);
	return unlink(path) == 0;
}

static int sup_start(struct supervisor *s, unsigned flags, struct err *err)
{
	struct domain d;
	/* systemd's unit takes no arguments: how it is to start is wished for by files. */
	bool throwaway = take_wish(s, "start-throwaway") || (flags & SUPERVISOR_THROWAWAY) != 0;
	s->machine.start_paused = take_wish(s, "start-paused") || (flags & SUPERVISOR_PAUSED) != 0;
	sup_plan_settle(s);
	if (sup_restore_find(s, throwaway, err) < 0 ||
	    (s->restore != NULL ? sup_restore_domain(s, &d, err)
	                        : sup_read_domain(s, false, &d, err)) < 0)
		return -1;
	if ((s->restore != NULL ? domain_complete(&d, NULL, NULL, err)
	                        : complete_document(s, &d, err)) < 0) {
		domain_fini(&d);
		return -1;
	}
	sup_load_policy(s, &d);
	wipe_page(s);
	struct status_page *p = status_begin(&s->page);
	snprintf(p->name, sizeof(p->name), "%s", s->name);
	memcpy(p->uuid, d.uuid, sizeof(p->uuid));
	p->throwaway = throwaway;
	/* Hooks may take their time, and somebody looks: as defined, until it is known what QEMU is made with. */
	p->vcpus = d.vcpus;
	p->vcpus_max = d.vcpus_max;
	p->memory_kib = d.memory_kib;
	p->balloon_kib = d.current_memory_kib;
	p->kvm = d.type == DOMAIN_KVM;
	p->persistent = true;
	status_end(&s->page);
	s->process = (struct vm_process){.qemu = 0};
	vm_process_boot_id(s->process.boot_id);
	if (sup_note_process(s, err) < 0) {
		domain_fini(&d);
		return -1;
	}
	machine_start(&s->machine);
	/* Hooks are told what it will run with, and so is a restart. */
	int rc = write_first_live(s, &d, err);
	if (rc == 0 && !sup_prepare(s))
		rc = sup_launch(s, &d, err);
	domain_fini(&d);
	return rc;
}

/* A start that failed before there was a QEMU ends as one whose QEMU died. */
static void start_failed(struct supervisor *s, const struct err *err)
{
	sup_detail(s, "%s", err->msg);
	s->failure = err->code;
	if (s->machine.state == MACHINE_STARTING) {
		machine_handle(&s->machine, EV_DIED, NULL);
		return;
	}
	if (s->control != NULL)
		control_stop(s->control);
	status_writer_close(&s->page);
	close(s->lock);
	s->lock = -1;
	s->ended = true;
	sup_ready(s, err);
}

static int run(struct supervisor *s)
{
	if (!s->ended)
		loop_run(s->loop);
	if (s->ready_wait != NULL)
		sup_ready(
		    s, NULL); /* an end before the monitor answered settles an adoption, too */
	/* A QEMU that lives is never left alone by a regular end. */
	return s->machine.reason == VM_REASON_FAILED || s->machine.state == MACHINE_OFF ? 1 : 0;
}

static void on_ready_wait(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	sup_ready(arg, NULL);
}

/* Whoever had us started has a request to make: it is not refused because the monitor's greeting is still on its way.
 * A QEMU that does not answer is adopted all the same. */
static void ready_soon(struct supervisor *s)
{
	struct timeval tv = {.tv_usec = READY_WAIT_MS * 1000};
	s->ready_wait = evtimer_new(loop_base(s->loop), on_ready_wait, s);
	if (s->ended || s->pid == 0 || s->ready_wait == NULL || evtimer_add(s->ready_wait, &tv) < 0)
		sup_ready(s, NULL);
}

static int serve(struct supervisor *s, unsigned flags)
{
	struct err err = {0}, busy;
	if (open_all(s, &err) < 0) {
		start_failed(s, &err);
		return 1;
	}
	enum sup_found found = sup_look(s);
	bool adopt = (flags & SUPERVISOR_ADOPT) != 0;
	/* An orphan is adopted whatever was asked for: a second QEMU on its disks would ruin them. */
	if (found == SUP_ORPHAN || (adopt && found == SUP_UNSETTLED)) {
		sup_adopt(s, found);
		notify_systemd(
		    "READY=1"); /* restarted by systemd after a crash: it waits for this */
		err_set(&busy, ERR_BUSY, "domain '%s' is already running", s->name);
		if (!adopt)
			sup_ready(s, &busy);
		else
			ready_soon(s);
		return run(s);
	}
	if (adopt) {
		sup_ready(s, NULL); /* nothing to adopt: somebody settled it before us */
		return 0;
	}
	if (sup_start(s, flags, &err) < 0)
		start_failed(s, &err);
	return run(s);
}

/* Somebody else holds the lock: adopted, started, or just about to be. */
static int lost_race(struct supervisor *s, unsigned flags, struct err *err)
{
	if ((flags & SUPERVISOR_ADOPT) == 0) {
		struct vm vm;
		if (err->code == ERR_BUSY && vm_probe(s->home, s->name, &vm, NULL) == 0) {
			if (vm.supervised && (vm.state == VM_STARTING || vm.state == VM_OFF))
				err_set(err, ERR_BUSY,
				    "domain '%s' is being started by another process", s->name);
			vm_fini(&vm);
		}
		sup_ready(s, err);
		return 1;
	}
	CLEANUP_FREE char *path = home_run_file(s->home, s->name, "control.sock");
	for (unsigned ms = 0; ms < WINNER_WAIT_MS && vm_locked(s->home, s->name); ms += 10) {
		int fd = sock_connect(path, NULL);
		if (fd >= 0) {
			close(fd);
			break;
		}
		nanosleep(&(struct timespec){0, 10000000}, NULL);
	}
	sup_ready(s, NULL);
	return 0;
}

static int check_defined(const struct supervisor *s, unsigned flags, struct err *err)
{
	CLEANUP_FREE char *xml = home_domain_xml(s->home, s->name);
	if (name_check("domain", s->name, err) < 0)
		return -1;
	if ((flags & SUPERVISOR_ADOPT) == 0 && access(xml, F_OK) < 0)
		return err_set(
		    err, ERR_NOT_FOUND, "failed to get domain '%s': it is not defined", s->name);
	return 0;
}

/* Its page says that it has ended, and the supervisor that wrote that has not gone yet. */
static bool is_leaving(const struct home *h, const char *name)
{
	struct vm vm;
	if (vm_probe(h, name, &vm, NULL) < 0)
		return false;
	bool ended = vm.state == VM_OFF ||
	             (vm.state == VM_CRASHED && vm.head != NULL && vm.head->qemu_pid == 0);
	bool leaving = vm.supervised && ended;
	vm_fini(&vm);
	return leaving;
}

/* Whoever sees "crashed" and starts it at once is not told that it runs. */
static int lock(const struct home *h, const char *name, unsigned flags, struct err *err)
{
	int fd = vm_lock(h, name, err);
	for (unsigned ms = 0; fd < 0 && err->code == ERR_BUSY && ms < LEAVING_WAIT_MS; ms += 10) {
		if ((flags & SUPERVISOR_ADOPT) != 0 || !is_leaving(h, name))
			break;
		nanosleep(&(struct timespec){0, 10000000}, NULL);
		fd = vm_lock(h, name, err);
	}
	return fd;
}

int supervisor_main(const struct home *h, const char *name, unsigned flags, int ready_fd)
{
	struct supervisor s;
	struct err err;
	int rc = 1;
	sup_init(&s, h, name, ready_fd);
	if (check_defined(&s, flags, &err) < 0) {
		sup_ready(&s, &err);
		sup_fini(&s);
		return 1;
	}
	leave_session();
	mallopt(M_ARENA_MAX, 1); /* a plan's thread leaves no heap of its own behind */
	s.lock = lock(h, s.name, flags, &err);
	if (s.lock >= 0) {
		set_title(s.name);
		rc = serve(&s, flags);
	} else {
		rc = lost_race(&s, flags, &err);
	}
	sup_fini(&s);
	return rc;
}
