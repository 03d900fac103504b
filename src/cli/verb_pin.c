/* vcpupin, emulatorpin, iothreadpin: on which of the host's CPUs QEMU's threads may run. A running domain's threads are moved at
 * once; the document says where they belong at its next start. */
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/change.h"
#include "cli/facts.h"
#include "cli/live.h"
#include "cli/out.h"
#include "cli/threads.h"
#include "core/buf.h"
#include "core/mem.h"
#include "core/numset.h"
#include "core/str.h"
#include "core/xml.h"

/* What a verb pins. */
struct pin {
	const char *verb, *element,
	    *attribute; /* <vcpupin vcpu='0' cpuset='…'/>; attribute NULL: one of a kind */
	int (*threads)(struct live *l, struct threads *t, struct err *err);
	unsigned id;
	bool has_id, all; /* all: to no CPU in particular */
	struct numset cpus;
};

/* --- the host --- */

static int pin_thread(const struct pin *p, pid_t tid, struct err *err)
{
	unsigned last = numset_last(&p->cpus);
	cpu_set_t *set = CPU_ALLOC(last + 1);
	size_t size = CPU_ALLOC_SIZE(last + 1);
	if (!set)
		abort(); /* out of memory */
	CPU_ZERO_S(size, set);
	for (unsigned i = numset_next(&p->cpus, 0); i < NUMSET_MAX;
	     i = numset_next(&p->cpus, i + 1))
		CPU_SET_S(i, size, set);
	int rc = sched_setaffinity(tid, size, set), e = errno;
	CPU_FREE(set);
	if (rc == 0 || e == ESRCH) /* a thread that ended needs no place */
		return 0;
	if (e == EINVAL)
		return err_set(err, ERR_INVALID, "this host has none of these CPUs for the domain");
	return err_errno(err, e, "cannot move thread %d", (int)tid);
}

static bool among(const struct threads *t, pid_t tid)
{
	for (unsigned i = 0; i < t->n; i++)
		if (t->thread[i].tid == tid)
			return true;
	return false;
}

/* Every thread of QEMU's that is neither a vCPU nor an IOThread. */
static int pin_emulator(struct live *l, const struct pin *p, struct err *err)
{
	struct threads main = {0}, vcpus = {0}, io = {0};
	int rc = threads_emulator(l, &main, err);
	if (rc == 0)
		rc = threads_vcpus(l, &vcpus, err);
	if (rc == 0)
		rc = threads_iothreads(l, &io, err);
	CLEANUP_FREE char *path =
	    rc == 0 ? xasprintf("/proc/%d/task", (int)main.thread[0].tid) : NULL;
	DIR *d = path ? opendir(path) : NULL;
	if (rc == 0 && !d)
		rc = err_errno(err, errno, "cannot read '%s'", path);
	for (struct dirent *e; rc == 0 && (e = readdir(d));) {
		uint64_t tid;
		if (str_u64(e->d_name, INT32_MAX, &tid) == 0 && !among(&vcpus, (pid_t)tid) &&
		    !among(&io, (pid_t)tid))
			rc = pin_thread(p, (pid_t)tid, err);
	}
	if (d)
		closedir(d);
	threads_fini(&main);
	threads_fini(&vcpus);
	threads_fini(&io);
	return rc;
}

static int pin_one(struct live *l, const struct pin *p, struct err *err)
{
	struct threads t = {0};
	int rc = p->threads(l, &t, err);
	bool found = false;
	for (unsigned i = 0; rc == 0 && i < t.n; i++) {
		if (t.thread[i].id != p->id)
			continue;
		found = true;
		rc = pin_thread(p, t.thread[i].tid, err);
	}
	threads_fini(&t);
	if (rc == 0 && !found)
		rc = err_set(err, ERR_INVALID,
		    "invalid argument: %s %u is not present in the domain", p->attribute, p->id);
	return rc;
}

static int pin_live(struct cli *c, const struct pin *p, struct err *err)
{
	struct live l;
	int rc = live_open(c, &l, err);
	if (rc == 0)
		rc = p->attribute ? pin_one(&l, p, err) : pin_emulator(&l, p, err);
	live_fini(&l);
	return rc;
}

/* --- the document --- */

static xmlNode *find_pin(xmlNode *tune, const struct pin *p, const char *id)
{
	for (xmlNode *n = xml_first(tune); n; n = xml_next(n)) {
		CLEANUP_FREE char *own = p->attribute ? xml_attr(n, p->attribute) : NULL;
		if (xml_is(n, p->element) && (!p->attribute || str_eq(own, id)))
			return n;
	}
	return NULL;
}

static char *write_pin(
    void *arg, const char *xml, size_t n, const char *file, size_t *out_n, struct err *err)
{
	const struct pin *p = arg;
	char id[16];
	snprintf(id, sizeof(id), "%u", p->id);
	CLEANUP_XML xmlDoc *doc = xml_read(xml, n, file, "domain", err);
	if (!doc)
		return NULL;
	xmlNode *tune = xml_need_child(xmlDocGetRootElement(doc), "cputune");
	xmlNode *node = find_pin(tune, p, id);
	if (p->all && node)
		xml_remove(node);
	if (!p->all) {
		CLEANUP_FREE char *cpus = numset_format(&p->cpus, ",");
		node = node ? node : xml_add_child(tune, p->element);
		if (p->attribute)
			xml_set_attr(node, p->attribute, id);
		xml_set_attr(node, "cpuset", cpus);
	}
	if (!xml_first(tune))
		xml_remove(tune);
	return xml_format(doc, out_n);
}

/* --- setting --- */

/* "r" is virsh's word for all CPUs. */
static int parse_cpus(struct pin *p, const char *list, struct err *err)
{
	p->all = str_eq(list, "r");
	if (!p->all)
		return numset_parse(list, NUMSET_MAX, &p->cpus, err);
	for (unsigned i = 0; i < threads_host_cpus(); i++)
		numset_add(&p->cpus, i);
	return 0;
}

static int set_pin(struct cli *c, struct pin *p, struct err *err)
{
	struct vm vm;
	if (parse_cpus(p, cli_value(c, "cpulist"), err) < 0)
		return err_wrap(err, "--cpulist");
	CLEANUP_FREE char *name = vm_resolve(&c->home, cli_value(c, "domain"), err);
	if (!name || vm_probe(&c->home, name, &vm, err) < 0)
		return -1;
	unsigned where = change_where(c, &vm, err);
	vm_fini(&vm);
	if (where == 0 || ((where & CHANGE_LIVE) && pin_live(c, p, err) < 0))
		return -1;
	return change_domain(c, name, where, p->verb, write_pin, p, err) < 0 ? -1 : 0;
}

/* --- showing --- */

struct shown {
	unsigned id;
	char *cpus;
};

struct showing {
	struct shown *rows;
	unsigned n;
};

static void show(struct showing *s, unsigned id, const struct numset *cpus)
{
	s->rows = xreallocarray(s->rows, s->n + 1, sizeof(*s->rows));
	s->rows[s->n++] = (struct shown){id, numset_format(cpus, ",")};
}

static void showing_fini(struct showing *s)
{
	for (unsigned i = 0; i < s->n; i++)
		free(s->rows[i].cpus);
	free(s->rows);
}

static int show_live(struct cli *c, const struct pin *p, struct showing *s, struct err *err)
{
	struct live l;
	struct threads t = {0};
	int rc = live_open(c, &l, err);
	if (rc == 0)
		rc = p->threads(&l, &t, err);
	for (unsigned i = 0; rc == 0 && i < t.n; i++)
		if (!p->has_id || t.thread[i].id == p->id)
			show(s, t.thread[i].id, &t.thread[i].cpus);
	threads_fini(&t);
	live_fini(&l);
	return rc;
}

static const struct numset *defined_pin(const struct domain *d, const struct pin *p, unsigned id)
{
	const struct domain_cputune *t = &d->tune.cpu;
	if (!p->attribute)
		return numset_empty(&t->emulatorpin) ? &d->tune.cpuset : &t->emulatorpin;
	for (size_t i = 0; i < t->n_vcpupins; i++)
		if (t->vcpupins[i].id == id)
			return &t->vcpupins[i].cpus;
	return &d->tune.cpuset;
}

static int show_defined(
    struct cli *c, const char *name, const struct pin *p, struct showing *s, struct err *err)
{
	struct domain d;
	CLEANUP(numset_fini) struct numset all = {0};
	if (facts_definition(&c->home, name, &d, err) < 0)
		return -1;
	for (unsigned i = 0; i < threads_host_cpus(); i++)
		numset_add(&all, i);
	for (unsigned i = 0; i < (p->attribute ? d.vcpus_max : 1); i++) {
		const struct numset *cpus = defined_pin(&d, p, i);
		if (!p->has_id || i == p->id)
			show(s, i, numset_empty(cpus) ? &all : cpus);
	}
	domain_fini(&d);
	return 0;
}

static void print_json(const struct showing *s)
{
	struct json_object *all = json_object_new_array();
	for (unsigned i = 0; i < s->n; i++) {
		struct json_object *o = json_object_new_object();
		out_add_u64(o, "thread", s->rows[i].id);
		out_add_str(o, "affinity", s->rows[i].cpus);
		json_object_array_add(all, o);
	}
	out_json(all);
}

static void print_vcpu_pins(const struct cli *c, const struct showing *s)
{
	static const char *const heads[] = {"VCPU", "CPU Affinity"};
	struct out_table *t = out_table_new(2, heads);
	for (unsigned i = 0; i < s->n; i++) {
		char id[16];
		snprintf(id, sizeof(id), "%u", s->rows[i].id);
		out_table_row(t, (const char *const[]){id, s->rows[i].cpus});
	}
	CLEANUP_BUF struct buf b = BUF_INIT;
	out_table_format(t, !c->quiet, &b);
	fputs(b.data ? b.data : "", stdout);
	out_table_free(t);
}

static void print_emulator_pin(const struct cli *c, const struct showing *s)
{
	if (!c->quiet)
		puts(" emulator: CPU Affinity\n----------------------------------");
	printf("       *: %s\n", s->n ? s->rows[0].cpus : "");
}

static int show_pins(struct cli *c, const struct pin *p, struct err *err)
{
	struct vm vm;
	struct showing s = {0};
	CLEANUP_FREE char *name = vm_resolve(&c->home, cli_value(c, "domain"), err);
	if (!name || vm_probe(&c->home, name, &vm, err) < 0)
		return -1;
	bool live = vm.live && !cli_flag(c, "config");
	vm_fini(&vm);
	if (!live && cli_flag(c, "live"))
		return err_set(
		    err, ERR_STATE, "Requested operation is not valid: domain is not running");
	int rc = live ? show_live(c, p, &s, err) : show_defined(c, name, p, &s, err);
	if (rc == 0 && p->has_id && s.n == 0)
		rc = err_set(err, ERR_INVALID, "vcpupin: Invalid vCPU number '%u'", p->id);
	if (rc == 0 && c->json)
		print_json(&s);
	else if (rc == 0 && p->attribute)
		print_vcpu_pins(c, &s);
	else if (rc == 0)
		print_emulator_pin(c, &s);
	showing_fini(&s);
	return rc;
}

/* --- the verbs --- */

static int pin_or_show(struct cli *c, struct pin *p)
{
	struct err err = {0};
	int rc = cli_value(c, "cpulist") ? set_pin(c, p, &err) : show_pins(c, p, &err);
	numset_fini(&p->cpus);
	return rc == 0 ? CLI_DONE : live_failed(NULL, &err);
}

/* A positional number. false: it is none, and that has been said. */
static bool take_id(const struct cli *c, const char *option, struct pin *p)
{
	const char *word = cli_value(c, option);
	uint64_t n = 0;
	p->has_id = word != NULL;
	if (word && str_u64(word, UINT16_MAX, &n) < 0) {
		out_error("%s: invalid number '%s' for <%s>", p->verb, word, option);
		return false;
	}
	p->id = (unsigned)n;
	return true;
}

int verb_vcpupin(struct cli *c)
{
	struct pin p = {
	    .verb = "vcpupin", .element = "vcpupin", .attribute = "vcpu", .threads = threads_vcpus};
	if (!take_id(c, "vcpu", &p))
		return CLI_FAILED;
	if (cli_value(c, "cpulist") && !p.has_id) {
		out_error("vcpupin: Missing vCPU number in pin mode.");
		return CLI_FAILED;
	}
	return pin_or_show(c, &p);
}

int verb_emulatorpin(struct cli *c)
{
	struct pin p = {
	    .verb = "emulatorpin", .element = "emulatorpin", .threads = threads_emulator};
	return pin_or_show(c, &p);
}

int verb_iothreadpin(struct cli *c)
{
	struct pin p = {.verb = "iothreadpin",
	    .element = "iothreadpin",
	    .attribute = "iothread",
	    .threads = threads_iothreads};
	if (!take_id(c, "iothread", &p))
		return CLI_FAILED;
	return pin_or_show(c, &p);
}
