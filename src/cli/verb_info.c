/* dominfo, domstate. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/dispatch.h"
#include "cli/facts.h"
#include "cli/out.h"
#include "core/autostart.h"
#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "core/vm.h"
#include "core/xml.h"
#include "kvm/restore.h"
#include "serial/console_port.h"

#define NOTES_MAX (64u << 10)

/* What dominfo says, from the page of a live VM or the definition of another. */
struct info {
	char uuid[OUT_UUID_MAX];
	char *title;
	char *user;  /* whom QEMU runs as */
	char *notes; /* what differs from the definition in this run, a sentence per line */
	bool autostart, saved; /* saved: a managed save waits for its next start */
	unsigned vcpus;
	uint64_t memory_kib, used_kib, cpu_ns;
	struct domain_meta meta;
};

/* As the kernel has it, not as it was configured. */
static char *user_of(pid_t pid)
{
	char path[32];
	struct stat st;
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	if (pid <= 0 || stat(path, &st) < 0)
		return NULL;
	const struct passwd *p = getpwuid(st.st_uid);
	return p != NULL ? xstrdup(p->pw_name) : xasprintf("%u", (unsigned)st.st_uid);
}

static char *notes_of(const struct home *h, const char *name)
{
	CLEANUP_FREE char *path = home_run_file(h, name, "notes");
	CLEANUP_BUF struct buf text = BUF_INIT;
	if (file_read(path, NOTES_MAX, &text, NULL) < 0 || text.len == 0)
		return NULL;
	return str_printable_lines(text.data);
}

static int info_fill(const struct home *h, const struct vm *vm, struct info *in, struct err *err)
{
	memset(in, 0, sizeof(*in));
	in->autostart = autostart_get(h, vm->name);
	in->saved = restore_is_managed(h, vm->name);
	if (vm->live) {
		const struct status_page *p = vm->head;
		if (!p)
			return 0;
		out_uuid(p->uuid, in->uuid);
		in->title = p->title[0] ? xstrdup(p->title) : NULL;
		in->user = user_of(p->qemu_pid);
		in->notes = notes_of(h, vm->name);
		in->vcpus = p->vcpus;
		in->memory_kib = p->memory_kib;
		in->used_kib = p->balloon_kib ? p->balloon_kib : p->memory_kib;
		in->cpu_ns = p->cpu_ns;
		return 0;
	}
	struct domain d;
	if (facts_definition(h, vm->name, &d, err) < 0)
		return -1;
	if (d.has_uuid)
		out_uuid(d.uuid, in->uuid);
	in->title = TAKE_PTR(d.title);
	in->vcpus = d.vcpus;
	in->memory_kib = d.memory_kib;
	in->used_kib = d.current_memory_kib;
	domain_fini(&d);
	return 0;
}

static void print_field(const char *name, const char *value)
{
	printf("%-15s %s\n", name, value);
}

static void print_number(const char *name, uint64_t n, const char *unit)
{
	printf("%-15s %llu%s\n", name, (unsigned long long)n, unit);
}

static const char *agent_word(const struct status_page *p)
{
	static const char *const words[] = {[STATUS_AGENT_ABSENT] = "not answering",
	    [STATUS_AGENT_READY] = "ready",
	    [STATUS_AGENT_FROZEN] = "file systems frozen"};
	return p->agent < ARRAY_LEN(words) ? words[p->agent] : NULL;
}

/* What consoles' logs cannot take, or could not since the start. */
static void print_logs(const struct status_page *p)
{
	for (unsigned i = 0; i < p->consoles && i < STATUS_CONSOLES_MAX; i++) {
		const struct status_console *c = &p->console[i];
		char port[STATUS_PORT_NAME_MAX];
		console_port_name(p, i, port);
		if (c->log_trouble[0])
			printf("%-15s %s stands still: %s\n", "Log:", port, c->log_trouble);
		if (c->log_missing)
			printf("%-15s %s: %llu bytes are missing\n", "Log:", port,
			    (unsigned long long)c->log_missing);
	}
}

/* What the guest says of itself. */
static void print_guest(const struct status_page *p)
{
	if (agent_word(p))
		print_field("Guest agent:", agent_word(p));
	if (p->guest_name[0])
		print_field("Guest name:", p->guest_name);
	if (p->guest_os[0])
		print_field("Guest OS:", p->guest_os);
	if (p->guest_users[0])
		print_field("Guest users:", p->guest_users);
	if (p->guest_filesystems[0])
		print_field("Guest disks:", p->guest_filesystems);
	if (p->address[0])
		print_field("Address:", p->address);
}

static void print_balloon(const struct status_page *p)
{
	if (p->balloon_auto && p->balloon_wanted_kib)
		printf("%-15s follows the host's need, to %llu MiB now\n",
		    "Balloon:", (unsigned long long)p->balloon_wanted_kib / 1024);
	else if (p->balloon_auto)
		print_field("Balloon:", "follows the host's need");
}

/* vCPUs and memory that the guest has and does not use. */
static void print_unused(const struct status_page *p)
{
	CLEANUP_BUF struct buf b = BUF_INIT;
	if (p->vcpus_online > 0 && p->vcpus_online < p->vcpus)
		buf_addf(&b, "%u vCPUs", p->vcpus - p->vcpus_online);
	if (p->dimm_told && p->dimm_online_kib < p->dimm_kib)
		buf_addf(&b, "%s%llu MiB of memory", b.len ? ", " : "",
		    (unsigned long long)(p->dimm_kib - p->dimm_online_kib) / 1024);
	if (b.len)
		printf("%-15s %s (plugged in; hvmux guest-online %s)\n", "Not online:", b.data,
		    p->name);
}

static void print_notes(const char *notes)
{
	while (notes && *notes) {
		size_t n = strcspn(notes, "\n");
		printf("%-15s %.*s\n", "Note:", (int)n, notes);
		notes += n + (notes[n] == '\n');
	}
}

static void print_meta(const struct domain_meta *m)
{
	CLEANUP_BUF struct buf tags = BUF_INIT;
	for (size_t i = 0; i < m->n_tags; i++)
		buf_addf(&tags, "%s%s", i ? "," : "", m->tags[i]);
	if (m->group)
		print_field("Group:", m->group);
	if (tags.len)
		print_field("Tags:", tags.data);
	if (m->protect)
		print_field("Protected:", "yes");
}

/* What its policy made of it. */
static void print_restarts(const struct status_page *p)
{
	uint64_t now = timestamp_ns();
	if (p && p->restarts)
		print_number("Restarts:", p->restarts, "");
	if (p && p->next_start_ns)
		printf("%-15s in %llu s\n", "Next attempt:",
		    (unsigned long long)(p->next_start_ns > now
		                             ? (p->next_start_ns - now + 999999999u) / 1000000000u
		                             : 0));
}

/* What a trigger has caught. */
static void print_badge(const struct status_page *p)
{
	char when[OUT_TIME_MAX];
	if (!p || p->badge == STATUS_BADGE_NONE)
		return;
	out_time(p->badge_ns, when);
	printf("%-15s %s: %s (%s; %u caught)\n", "Badge:", p->badge_name, p->badge_line, when,
	    p->badge_count);
}

static void print_order(const struct domain_meta *m)
{
	if (m->order)
		print_number("Start order:", m->order, "");
	for (size_t i = 0; i < m->n_after; i++)
		print_field("Starts after:", m->after[i]);
	if (m->delay)
		print_number("Start delay:", m->delay, " s");
	if (m->timeout)
		print_number("Stop timeout:", m->timeout, " s");
}

/* What virsh does not know: why, and who runs it. */
static void print_ours(const struct vm *vm, const struct info *in)
{
	const struct status_page *p = vm->head;
	print_meta(&in->meta);
	print_order(&in->meta);
	print_field("Reason:", vm_reason_name(facts_reason(vm)));
	if (p && p->detail[0])
		print_field("Detail:", p->detail);
	print_badge(p);
	print_restarts(p);
	if (!vm->live || !p)
		return;
	char started[OUT_TIME_MAX];
	if (p->throwaway)
		print_field("Throwaway:", "yes");
	print_field("Answering:", vm->silent ? "no" : "yes");
	print_field("Accelerator:", p->kvm ? "kvm" : "tcg");
	print_guest(p);
	print_unused(p);
	print_balloon(p);
	print_logs(p);
	if (vm->supervised)
		print_number("Supervisor PID:", (uint64_t)p->sup_pid, "");
	else
		print_field("Supervisor PID:", "-");
	if (p->qemu_pid)
		print_number("QEMU PID:", (uint64_t)p->qemu_pid, "");
	if (in->user)
		print_field("QEMU user:", in->user);
	if (p->started_ns) {
		out_time(p->started_ns, started);
		print_field("Started:", started);
	}
	print_notes(in->notes);
}

static void print_info(const struct vm *vm, const struct info *in)
{
	if (vm->live && vm->head && vm->head->id)
		print_number("Id:", vm->head->id, "");
	else
		print_field("Id:", "-");
	print_field("Name:", vm->name);
	if (in->uuid[0])
		print_field("UUID:", in->uuid);
	if (in->title)
		print_field("Title:", in->title);
	print_field("OS Type:", "hvm");
	print_field("State:", vm_state_name(vm->state));
	print_number("CPU(s):", in->vcpus, "");
	if (in->cpu_ns) /* never a locale's decimal comma */
		printf("%-15s %llu.%us\n",
		    "CPU time:", (unsigned long long)(in->cpu_ns / 1000000000u),
		    (unsigned)(in->cpu_ns / 100000000u % 10u));
	print_number("Max memory:", in->memory_kib, " KiB");
	print_number("Used memory:", in->used_kib, " KiB");
	print_field("Persistent:", vm->defined ? "yes" : "no");
	print_field("Autostart:", in->autostart ? "enable" : "disable");
	print_field("Managed save:", in->saved ? "yes" : "no");
	print_field("Security model:", "none");
	print_field("Security DOI:", "0");
	print_ours(vm, in);
}

static void add_time(struct json_object *o, const char *key, uint64_t ns)
{
	if (ns)
		out_add_u64(o, key, ns);
	else
		json_object_object_add(o, key, NULL);
}

static void add_pid(struct json_object *o, const char *key, int32_t pid)
{
	if (pid > 0)
		out_add_u64(o, key, (uint64_t)pid);
	else
		json_object_object_add(o, key, NULL);
}

/* The same, of every console that is recorded. */
static void add_consoles(struct json_object *o, const struct status_page *p)
{
	struct json_object *all = json_object_new_array();
	for (unsigned i = 0; p && i < p->consoles && i < STATUS_CONSOLES_MAX; i++) {
		const struct status_console *c = &p->console[i];
		struct json_object *one = json_object_new_object();
		char port[STATUS_PORT_NAME_MAX];
		console_port_name(p, i, port);
		out_add_str(one, "port", port);
		out_add_str(one, "log_trouble", c->log_trouble[0] ? c->log_trouble : NULL);
		out_add_u64(one, "log_missing_bytes", c->log_missing);
		json_object_array_add(all, one);
	}
	json_object_object_add(o, "consoles", all);
}

/* null: the guest does not tell. */
static void add_plugged(struct json_object *o, const struct status_page *p)
{
	json_object_object_add(o, "vcpus_online",
	    p && p->vcpus_online ? json_object_new_int64(p->vcpus_online) : NULL);
	out_add_bool(o, "balloon_auto", p && p->balloon_auto);
	out_add_u64(o, "balloon_wanted_kib", p ? p->balloon_wanted_kib : 0);
	out_add_u64(o, "memory_plugged_kib", p ? p->dimm_kib : 0);
	json_object_object_add(o, "memory_online_kib",
	    p && p->dimm_told ? json_object_new_int64((int64_t)p->dimm_online_kib) : NULL);
}

static void print_info_json(const struct vm *vm, const struct info *in)
{
	const struct status_page *p = vm->head;
	bool live = vm->live && p;
	struct json_object *o = json_object_new_object();
	facts_add_json(o, vm);
	out_add_str(o, "uuid", in->uuid[0] ? in->uuid : NULL);
	out_add_str(o, "title", in->title);
	out_add_u64(o, "vcpus", in->vcpus);
	out_add_u64(o, "memory_kib", in->memory_kib);
	out_add_u64(o, "balloon_kib", in->used_kib);
	out_add_u64(o, "cpu_time_ns", in->cpu_ns);
	add_plugged(o, live ? p : NULL);
	out_add_bool(o, "autostart", in->autostart);
	facts_add_meta_json(o, &in->meta);
	facts_add_order_json(o, &in->meta);
	out_add_bool(o, "managed_save", in->saved);
	out_add_str(o, "accelerator", live ? (p->kvm ? "kvm" : "tcg") : NULL);
	add_pid(o, "supervisor_pid", live && vm->supervised ? p->sup_pid : 0);
	add_pid(o, "qemu_pid", live ? p->qemu_pid : 0);
	out_add_str(o, "qemu_user", in->user);
	out_add_str(o, "notes", in->notes);
	add_time(o, "started_time_ns", p ? p->started_ns : 0);
	add_time(o, "changed_time_ns", p ? p->changed_ns : 0);
	out_add_bool(o, "throwaway", live && p->throwaway);
	out_add_u64(o, "restarts", p ? p->restarts : 0);
	add_time(o, "next_start_time_ns", p ? p->next_start_ns : 0);
	add_time(o, "ended_time_ns", p && !vm->live ? p->ended_ns : 0);
	out_add_str(o, "address", live && p->address[0] ? p->address : NULL);
	out_add_str(o, "guest_agent", live ? agent_word(p) : NULL);
	out_add_str(o, "guest_name", live && p->guest_name[0] ? p->guest_name : NULL);
	out_add_str(o, "guest_os", live && p->guest_os[0] ? p->guest_os : NULL);
	out_add_str(o, "guest_users", live && p->guest_users[0] ? p->guest_users : NULL);
	out_add_str(
	    o, "guest_filesystems", live && p->guest_filesystems[0] ? p->guest_filesystems : NULL);
	add_consoles(o, live ? p : NULL);
	out_json(o);
}

/* The VM that the verb's domain means; errors are printed. */
static int find(struct cli *c, struct vm *vm)
{
	struct err err = {0};
	CLEANUP_FREE char *name = vm_resolve(&c->home, cli_value(c, "domain"), &err);
	if (!name || vm_probe(&c->home, name, vm, &err) < 0) {
		out_error("%s", err.msg);
		return -1;
	}
	if (!c->readonly)
		vm_adopt_all(&c->home, vm, 1);
	return 0;
}

/* The title as it is now: the page has the one of the start. */
static void read_words(const struct home *h, const char *name, struct info *in)
{
	CLEANUP_BUF struct buf xml = BUF_INIT;
	if (store_read(h, name, &xml, NULL) < 0)
		return;
	CLEANUP_XML xmlDoc *doc = xml_read(xml.data ? xml.data : "", xml.len, name, "domain", NULL);
	if (!doc)
		return;
	free(in->title);
	in->title = xml_child_text(xmlDocGetRootElement(doc), "title");
	domain_meta_parse(xml.data, xml.len, name, &in->meta, NULL);
}

int verb_dominfo(struct cli *c)
{
	struct err err = {0};
	struct vm vm;
	struct info in;
	if (find(c, &vm) < 0)
		return CLI_FAILED;
	int rc = info_fill(&c->home, &vm, &in, &err);
	if (rc == 0)
		read_words(&c->home, vm.name, &in);
	if (rc < 0)
		out_error("%s", err.msg);
	else if (c->json)
		print_info_json(&vm, &in);
	else
		print_info(&vm, &in);
	free(in.title);
	free(in.user);
	free(in.notes);
	domain_meta_fini(&in.meta);
	vm_fini(&vm);
	return rc < 0 ? CLI_FAILED : CLI_DONE;
}

int verb_domstate(struct cli *c)
{
	struct vm vm;
	if (find(c, &vm) < 0)
		return CLI_FAILED;
	if (c->json) {
		struct json_object *o = json_object_new_object();
		facts_add_json(o, &vm);
		out_json(o);
	} else if (cli_flag(c, "reason"))
		printf("%s (%s)\n", vm_state_name(vm.state), vm_reason_name(facts_reason(&vm)));
	else
		puts(vm_state_name(vm.state));
	vm_fini(&vm);
	return CLI_DONE;
}
