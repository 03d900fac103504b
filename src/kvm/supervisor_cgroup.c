/* A VM's control groups and the places of its threads, from its definition to the host. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/file.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/cgroup_limits.h"
#include "kvm/cgroup_threads.h"
#include "kvm/supervisor_kit.h"

#define SYSTEMCTL_MS 10000

/* --- the control groups --- */

static bool has_limits(const struct domain_tune *t)
{
	size_t n;
	char **words = cgroup_limits_properties(t, &n);
	for (size_t i = 0; i < n; i++)
		free(words[i]);
	free(words);
	return n > 0;
}

/* The unit's own group is systemd's: what is written there behind its back is undone when it reloads. */
static void limit_unit(struct sup_kit *k, const struct supervisor *s, const struct domain_tune *t)
{
	size_t n;
	struct err err;
	char **words = cgroup_limits_properties(t, &n);
	CLEANUP_FREE char *program = file_find_program("systemctl");
	char **argv = xcalloc(n + 5, sizeof(*argv));
	const struct confine own = {.max_files = 1024};
	const struct companion_spec spec = {.label = "systemctl",
	    .what = "systemctl set-property",
	    .argv = argv,
	    .fd = -1,
	    .confine = &own};
	argv[0] = program;
	argv[1] = (char *)"set-property";
	argv[2] = (char *)"--runtime";
	argv[3] = k->cgroup.unit;
	for (size_t i = 0; i < n; i++)
		argv[4 + i] = words[i];
	if (n > 0 && program == NULL)
		buf_adds(&k->notes,
		    "no limit of CPU, memory and disks is in force: no systemctl in PATH\n");
	else if (n > 0 && companion_run(s->companions, &spec, SYSTEMCTL_MS, &err) < 0)
		buf_addf(&k->notes, "no limit of CPU, memory and disks is in force: %s\n", err.msg);
	for (size_t i = 0; i < n; i++)
		free(words[i]);
	free(words);
	free(argv);
}

static void limit_group(struct sup_kit *k, const struct domain_tune *t)
{
	struct cgroup_limits l;
	bool v2[CGROUP_CONTROLLERS];
	for (size_t c = 0; c < CGROUP_CONTROLLERS; c++)
		v2[c] = k->cgroup.at[c].v2;
	cgroup_limits_plan(t, v2, &l, &k->notes);
	cgroup_limits_apply(&k->cgroup, NULL, &l, &k->notes);
	cgroup_limits_fini(&l);
}

int sup_kit_cgroup(
    struct sup_kit *k, const struct supervisor *s, const struct domain *d, struct err *err)
{
	if (k->conf.cgroup == HOSTCONF_CGROUP_OFF || geteuid() != 0) {
		if (has_limits(&d->tune))
			buf_addf(&k->notes, "no limit of CPU, memory and disks is in force: %s\n",
			    geteuid() != 0 ? "only root can set them"
			                   : "cgroup is off in hvmux.conf");
		return 0;
	}
	/* What another run left there may have limits that are not wished any more. */
	cgroup_remove(s->home, s->name);
	if (cgroup_find(&k->cgroup, "", s->home, s->name, d->tune.partition, err) < 0)
		return -1;
	bool required = k->conf.cgroup == HOSTCONF_CGROUP_REQUIRED;
	if (!required && !has_limits(&d->tune) && d->tune.partition == NULL)
		cgroup_without_limits(&k->cgroup);
	struct buf missing = BUF_INIT;
	cgroup_make(&k->cgroup, &missing);
	if (required || has_limits(&d->tune))
		buf_adds(&k->notes, missing.len > 0 ? missing.data : "");
	buf_fini(&missing);
	if (k->cgroup.unit != NULL)
		limit_unit(k, s, &d->tune);
	else
		limit_group(k, &d->tune);
	if (required && k->notes.len > 0)
		return err_set(err, ERR_UNSUPPORTED, "cgroup is 'required' in hvmux.conf: %.*s",
		    (int)strcspn(k->notes.data, "\n"), k->notes.data);
	k->n_doors = cgroup_doors(&k->cgroup, k->doors);
	return cgroup_note(&k->cgroup, s->home, s->name, err);
}

/* --- threads --- */

/* Read anew, as everything that is needed once. */
static bool begin_places(struct supervisor *s, struct domain *d, struct cgroup *g)
{
	struct err err;
	if (sup_read_domain(s, true, d, &err) < 0)
		return false;
	if (cgroup_find(g, "", s->home, s->name, d->tune.partition, &err) == 0)
		return true;
	domain_fini(d);
	return false;
}

static void end_places(struct supervisor *s, struct domain *d, struct cgroup *g, struct buf *notes)
{
	struct sup_kit k = {.notes = *notes};
	sup_kit_tell(&k, s);
	buf_fini(notes);
	domain_fini(d);
	cgroup_fini(g);
}

void sup_place_cpus(struct supervisor *s, struct json_object *cpus)
{
	struct domain d;
	struct cgroup g = {0};
	struct buf notes = BUF_INIT;
	if (!begin_places(s, &d, &g))
		return;
	thread_place_all(&g, &d.tune, s->pid, &notes);
	for (size_t i = 0; i < json_object_array_length(cpus); i++) {
		struct json_object *o = json_object_array_get_idx(cpus, i);
		int64_t id = json_get_int(o, "cpu-index", -1),
		        tid = json_get_int(o, "thread-id", -1);
		if (id >= 0 && id < DOMAIN_VCPUS_MAX && tid > 0 && tid <= INT32_MAX)
			thread_place(&g, &d.tune, THREAD_VCPU, (unsigned)id, (pid_t)tid, &notes);
	}
	end_places(s, &d, &g, &notes);
}

/* Their ids are "iothread1" and so on, as the document numbers them. */
void sup_place_iothreads(struct supervisor *s, struct json_object *threads)
{
	struct domain d;
	struct cgroup g = {0};
	struct buf notes = BUF_INIT;
	if (json_object_array_length(threads) == 0 || !begin_places(s, &d, &g))
		return;
	for (size_t i = 0; i < json_object_array_length(threads); i++) {
		struct json_object *o = json_object_array_get_idx(threads, i);
		const char *name = json_get_str(o, "id");
		int64_t tid = json_get_int(o, "thread-id", -1);
		uint64_t id = 0;
		if (name != NULL && str_prefix(name, "iothread") &&
		    str_u64(name + strlen("iothread"), UINT32_MAX, &id) == 0 && tid > 0 &&
		    tid <= INT32_MAX)
			thread_place(
			    &g, &d.tune, THREAD_IOTHREAD, (unsigned)id, (pid_t)tid, &notes);
	}
	end_places(s, &d, &g, &notes);
}
