/* From a definition to a QEMU process. Also the way back after a crash: everything is read anew, nothing is kept in
 * memory while the VM runs. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <libxml/parser.h>

#include "core/audit.h"
#include "core/file.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/sock.h"
#include "core/store.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "core/vm.h"
#include "kvm/argv_alias.h"
#include "kvm/argv_host.h"
#include "kvm/cgroup_threads.h"
#include "kvm/chain_guard.h"
#include "kvm/disk_files.h"
#include "kvm/disk_volumes.h"
#include "kvm/net_ends.h"
#include "kvm/qemu_log.h"
#include "kvm/spawn.h"
#include "kvm/supervisor_devices.h"
#include "kvm/supervisor_gone.h"
#include "kvm/supervisor_impl.h"
#include "kvm/supervisor_plan.h"
#include "kvm/throwaway.h"
#include "kvm/supervisor_kit.h"
#include "serial/console_port.h"

void sup_xml_done(const struct supervisor *s)
{
	if (!sup_plan_in_thread(s))
		xmlCleanupParser();
}

int sup_read_domain(struct supervisor *s, bool live, struct domain *d, struct err *err)
{
	CLEANUP_BUF struct buf xml = BUF_INIT;
	CLEANUP_FREE char *path =
	    live ? home_run_file(s->home, s->name, "live.xml") : home_domain_xml(s->home, s->name);
	int rc = live ? file_read(path, STORE_XML_MAX, &xml, err)
	              : store_read(s->home, s->name, &xml, err);
	if (rc < 0)
		return -1;
	rc = domain_parse(xml.data == NULL ? "" : xml.data, xml.len, path,
	    live ? DOMAIN_PARSE_LENIENT | DOMAIN_PARSE_LIVE : 0, d, NULL, err);
	sup_xml_done(s); /* nothing of libxml2 stays while the VM runs */
	/* One that was written before aliases were: its devices have the ids that they were made with. */
	if (rc == 0 && live)
		argv_aliases(d);
	return rc;
}

/* --- what the VM needs is there --- */

static int check_files(struct domain *d, struct buf *notes, struct err *err)
{
	if (disk_files_check(d, notes, err) < 0)
		return -1;
	if (d->kernel != NULL && disk_file_check("kernel", d->kernel, false, err) < 0)
		return -1;
	if (d->initrd != NULL && disk_file_check("initrd", d->initrd, false, err) < 0)
		return -1;
	return 0;
}

static int ask_caps(const struct supervisor *s, const struct domain *d, struct caps *c,
    struct caps_kvm *k, struct err *err)
{
	if (caps_get(s->home, d->emulator, d->arch, c, err) < 0)
		return -1;
	memset(k, 0, sizeof(*k));
	if (d->type != DOMAIN_KVM)
		return 0;
	if (caps_kvm_get(s->home, c, k, err) == 0 && k->usable)
		return 0;
	err_set(err, ERR_UNSUPPORTED, "%s", k->why);
	caps_fini(c);
	return -1;
}

/* --- the page --- */

static void copy_text(char *to, size_t size, const char *from)
{
	/* Cut between characters. */
	CLEANUP_FREE char *text =
	    str_printable(from == NULL ? "" : from, from == NULL ? 0 : strlen(from), size - 1);
	snprintf(to, size, "%s", text);
}

static void page_devices(struct status_page *p, const struct domain *d)
{
	p->disks = d->n_disks < STATUS_DISKS_MAX ? (uint32_t)d->n_disks : STATUS_DISKS_MAX;
	p->nets = d->n_nets < STATUS_NETS_MAX ? (uint32_t)d->n_nets : STATUS_NETS_MAX;
	memset(p->disk, 0, sizeof(p->disk));
	memset(p->net, 0, sizeof(p->net));
	for (unsigned i = 0; i < p->disks; i++) {
		struct stat st;
		struct status_disk *k = &p->disk[i];
		copy_text(k->target, sizeof(k->target), d->disks[i].target);
		copy_text(k->path, sizeof(k->path), d->disks[i].image.path);
		if (d->disks[i].image.path == NULL || stat(d->disks[i].image.path, &st) < 0)
			continue;
		k->allocation = (uint64_t)st.st_blocks * 512;
		k->physical = (uint64_t)st.st_size;
		k->capacity = d->disks[i].image.format == DISK_RAW ? k->physical : 0;
	}
	for (unsigned i = 0; i < p->nets; i++) {
		const struct domain_net *net = &d->nets[i];
		copy_text(p->net[i].mac, sizeof(p->net[i].mac), net->mac);
		if (net_has_device(net))
			copy_text(p->net[i].target, sizeof(p->net[i].target), net->target);
	}
}

static void page_ports(struct status_page *p, const struct domain *d)
{
	struct chr_port ports[STATUS_CONSOLES_MAX];
	unsigned n = chr_ports(d, ports, STATUS_CONSOLES_MAX);
	for (unsigned i = 0; i < n; i++) {
		p->console[i].port = ports[i].kind;
		p->console[i].port_number = ports[i].number;
	}
}

void sup_fill_page(struct supervisor *s, const struct domain *d, unsigned n_consoles)
{
	CLEANUP_FREE char *defined = home_domain_xml(s->home, s->name);
	bool persistent = access(defined, F_OK) == 0;
	if (s->process.id == 0)
		s->process.id = vm_next_id(s->home);
	struct status_page *p = status_begin(&s->page);
	copy_text(p->name, sizeof(p->name), s->name);
	copy_text(p->title, sizeof(p->title), d->title);
	memcpy(p->uuid, d->uuid, sizeof(p->uuid));
	p->id = s->process.id;
	p->detail[0] = p->address[0] = '\0';
	p->exit_status = -1;
	p->started_ns = timestamp_ns();
	p->ended_ns = 0;
	p->vcpus = d->vcpus;
	p->vcpus_max = d->vcpus_max;
	p->memory_kib = d->memory_kib;
	p->balloon_kib = d->current_memory_kib;
	p->guest_free_kib = p->guest_available_kib = 0;
	p->cpu_ns = p->user_ns = p->system_ns = p->rss_kib = p->kvm_exits = 0;
	memset(p->vcpu_ns, 0, sizeof(p->vcpu_ns));
	p->kvm = d->type == DOMAIN_KVM;
	p->persistent = persistent;
	p->consoles = n_consoles;
	page_ports(p, d);
	page_devices(p, d);
	status_end(&s->page);
}

/* What was counted of one that stays goes on. */
static void keep_counts(struct status_page *p, const struct status_page *was)
{
	for (unsigned i = 0; i < p->disks; i++)
		for (unsigned k = 0; k < was->disks; k++)
			if (strcmp(p->disk[i].target, was->disk[k].target) == 0) {
				struct status_disk now = p->disk[i];
				p->disk[i] = was->disk[k];
				p->disk[i].capacity = now.capacity;
				p->disk[i].allocation = now.allocation;
				p->disk[i].physical = now.physical;
				memcpy(p->disk[i].path, now.path, sizeof(now.path));
			}
	for (unsigned i = 0; i < p->nets; i++)
		for (unsigned k = 0; k < was->nets; k++)
			if (strcmp(p->net[i].mac, was->net[k].mac) == 0 &&
			    strcmp(p->net[i].target, was->net[k].target) == 0)
				p->net[i] = was->net[k];
}

/* Taps have their names once they are open. */
static void name_nets(struct supervisor *s, const struct domain *d)
{
	struct status_page *p = status_begin(&s->page);
	for (unsigned i = 0; i < p->nets; i++)
		if (net_has_device(&d->nets[i]))
			copy_text(p->net[i].target, sizeof(p->net[i].target), d->nets[i].target);
	status_end(&s->page);
}

bool sup_devices_changed(struct supervisor *s)
{
	struct domain d;
	struct err err;
	if (s->pid == 0)
		return false; /* it has ended */
	if (sup_read_domain(s, true, &d, &err) < 0) {
		log_warn("%s", err.msg);
		return false;
	}
	(void)disk_volumes_resolve(s->home, &d, NULL);
	if (s->page.page->throwaway != 0)
		throwaway_lift(&d);
	struct status_page *was = xmalloc(sizeof(*was));
	*was = *s->page.page;
	struct status_page *p = status_begin(&s->page);
	page_devices(p, &d);
	keep_counts(p, was);
	p->vcpus = d.vcpus;
	p->vcpus_max = d.vcpus_max;
	p->memory_kib = d.memory_kib;
	bool cpus = was->vcpus != p->vcpus;
	status_end(&s->page);
	sup_name_disks(s, &d);
	sup_plugged_look(s);
	free(was);
	domain_fini(&d);
	return cpus;
}

/* Not fsynced: the run directory does not outlive the host's boot, and a start must not wait for a disk. */
int sup_write_live(const struct supervisor *s, const struct domain *d, struct err *err)
{
	CLEANUP_FREE char *path = home_run_file(s->home, s->name, "live.xml");
	CLEANUP_FREE char *fresh = home_run_file(s->home, s->name, "live.xml.new");
	if (d->source == NULL)
		return 0;
	CLEANUP_CLOSE int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || fd_write_all(fd, d->source, d->source_len) < 0 || rename(fresh, path) < 0)
		return err_errno(err, errno, "cannot write '%s'", path);
	return 0;
}

/* --- sockets, consoles, the process --- */

int sup_make_hubs(struct supervisor *s, unsigned n, struct err *err)
{
	for (; s->n_hubs < n && s->n_hubs < STATUS_CONSOLES_MAX; s->n_hubs++) {
		s->hubs[s->n_hubs] = hub_new(
		    s->loop, s->home, s->name, s->n_hubs, s->keep_rings, &sup_hub_ops, s, err);
		if (s->hubs[s->n_hubs] == NULL)
			return -1;
	}
	return 0;
}

/* serial0.raw beside console0.raw: a name that a change of the definition does not move to another port. What cannot be
 * linked is missed by scripts alone. */
void sup_link_ports(struct supervisor *s)
{
	const struct status_page *p = s->page.page;
	for (unsigned i = 0; i < s->n_hubs; i++) {
		char name[STATUS_PORT_NAME_MAX], file[STATUS_PORT_NAME_MAX + 8], to[32];
		console_port_name(p, i, name);
		snprintf(file, sizeof(file), "%s.raw", name);
		snprintf(to, sizeof(to), "console%u.raw", i);
		CLEANUP_FREE char *path = home_run_file(s->home, s->name, file);
		if (str_eq(file, to))
			continue;
		unlink(path);
		if (symlink(to, path) < 0)
			log_warn("cannot make '%s': %s", path, strerror(errno));
	}
}

/* QEMU's ids of the disks, by which its counters come. */
void sup_name_disks(struct supervisor *s, const struct domain *d)
{
	char id[ARGV_ID_MAX];
	for (unsigned i = 0; i < d->n_disks && i < STATUS_DISKS_MAX; i++) {
		argv_disk_id(d, i, id);
		sampler_disk(&s->sampler, i, id);
	}
}

static int spawn_it(
    struct supervisor *s, const struct argv_out *a, const struct sup_kit *k, struct err *err)
{
	int pidfd = -1;
	CLEANUP_FREE char *shell = argv_shell(a);
	CLEANUP_CLOSE int log_fd = qemu_log_open(s->home, s->name, shell, err);
	if (log_fd < 0)
		return -1;
	const struct spawn what = {.argv = a->argv,
	    .env = a->env,
	    .fds = k->fds,
	    .n_fds = k->n_fds,
	    .log_fd = log_fd,
	    .dir = "/",
	    .confine = &k->confine,
	    .cgroups = k->doors,
	    .n_cgroups = k->n_doors,
	    .process_fd = s->process_fd,
	    .process = &s->process};
	pid_t pid = spawn_process(&what, &pidfd, err);
	if (pid < 0)
		return -1;
	sup_attach(s, pid, vm_process_start(pid), pidfd, true);
	return 0;
}

/* Made while QEMU loads its libraries: it takes no connection before that. Without them there is no VM. */
static void make_consoles(struct supervisor *s, unsigned n)
{
	struct err err;
	if (sup_make_hubs(s, n, &err) == 0) {
		sup_link_ports(s);
		return;
	}
	sup_detail(s, "%s", err.msg);
	spawn_signal(s->pidfd, SIGKILL);
}

static int launch(
    struct supervisor *s, struct domain *d, struct argv_out *a, struct sup_kit *k, struct err *err)
{
	if (a->n_consoles > STATUS_CONSOLES_MAX)
		return err_set(err, ERR_UNSUPPORTED, "more than %d consoles in one domain",
		    STATUS_CONSOLES_MAX);
	/* What is shown, and what a restart reads, are the domain's own disks. */
	throwaway_lift(d);
	sup_fill_page(s, d, a->n_consoles);
	sup_name_disks(s, d);
	s->places = thread_wishes(&d->tune);
	int rc = sup_kit_fill(k, s, d, a, err);
	if (rc == 0)
		rc = sup_devices_note(s, d, err);
	if (rc == 0)
		name_nets(s, d);
	if (rc == 0)
		rc = chain_guard_begin(s->home, d, err);
	s->chains_checked = false;
	if (rc < 0 || spawn_it(s, a, k, err) < 0)
		return -1;
	make_consoles(s, a->n_consoles);
	return 0;
}

static int build_and_launch(
    struct supervisor *s, struct domain *d, struct sup_kit *k, struct err *err)
{
	struct caps caps;
	struct caps_kvm kvm;
	struct argv_out argv;
	CLEANUP_FREE char *run = home_run_dir(s->home, s->name);
	CLEANUP_FREE char *log = home_log_dir(s->home, s->name);
	if (ask_caps(s, d, &caps, &kvm, err) < 0)
		return -1;
	struct argv_in in = {
	    .run_dir = run, .log_dir = log, .kvm = d->type == DOMAIN_KVM ? &kvm : NULL};
	struct argv_host host;
	in.incoming = sup_restore_is_stream(s);
	sup_kit_argv(k, s, &in);
	int rc = argv_host_init(&host, s->home, d, &caps, &in, err);
	if (rc == 0)
		rc = argv_host_prepare(&host, s->home, d, &in, err);
	if (rc == 0)
		rc = sup_kit_own(k, in.ram_dir, err);
	if (rc == 0)
		rc = argv_build(d, &caps, &in, &argv, err);
	if (rc == 0) {
		buf_adds(&k->notes, argv.notes == NULL ? "" : argv.notes);
		sup_kit_tell(k, s);
		rc = launch(s, d, &argv, k, err);
		argv_fini(&argv);
	}
	argv_host_fini(&host);
	caps_fini(&caps);
	return rc;
}

static int put_overlays(struct supervisor *s, struct domain *d, struct err *err)
{
	return throwaway_apply(s->home, s->name, d, s->page.page->throwaway != 0, err);
}

int sup_launch(struct supervisor *s, struct domain *d, struct err *err)
{
	struct sup_kit kit;
	CLEANUP_BUF struct buf missing = BUF_INIT;
	gone_forget(s->home, s->name);
	if (disk_volumes_resolve(s->home, d, err) < 0 || check_files(d, &missing, err) < 0 ||
	    chain_guard_check(s->home, d, s->page.page->throwaway != 0, err) < 0 ||
	    put_overlays(s, d, err) < 0 || sup_devices_resolve(s, d, err) < 0 ||
	    sup_kit_init(&kit, s, d, err) < 0)
		return -1;
	buf_adds(&kit.notes, missing.data != NULL ? missing.data : "");
	CLEANUP_FREE char *user = confine_words(&kit.confine, s->home);
	if (s->home->mode == HOME_SYSTEM && !kit.confine.other_user && geteuid() == 0)
		buf_addf(&kit.notes, "QEMU runs %s\n", user);
	else
		log_info("QEMU runs %s", user);
	int rc = build_and_launch(s, d, &kit, err);
	sup_kit_fini(&kit);
	for (unsigned i = 0; rc == 0 && i < s->n_hubs; i++)
		hub_note(s->hubs[i], RING_NOTE_BOOT, 0);
	if (rc == 0) {
		sup_crash_boot(s);
		sup_triggers_boot(s);
	}
	if (rc == 0)
		sup_connect(s);
	else
		sup_devices_drop(s, d, true);
	malloc_trim(0);
	return rc;
}

void sup_check_chains(struct supervisor *s)
{
	struct domain d;
	CLEANUP_BUF struct buf notes = BUF_INIT;
	if (s->chains_checked || sup_read_domain(s, true, &d, NULL) < 0)
		return;
	s->chains_checked = true;
	(void)disk_volumes_resolve(s->home, &d, NULL);
	chain_guard_end(s->home, &d, &notes);
	domain_fini(&d);
	if (notes.len == 0)
		return;
	buf_addc(&notes, '\0');
	log_warn("%s", notes.data);
	audit_write(s->home, s->name, "who=guest what=chain-changed detail=%s", notes.data);
}

int sup_launch_live(struct supervisor *s, struct err *err)
{
	struct domain d;
	if (sup_read_domain(s, true, &d, err) < 0)
		return -1;
	/* What a document that was copied here by hand lacks, it lacks in its live copy, too. */
	int rc = domain_complete(&d, NULL, NULL, err);
	argv_aliases(&d); /* of what was added */
	if (rc == 0)
		rc = sup_launch(s, &d, err);
	domain_fini(&d);
	return rc;
}
