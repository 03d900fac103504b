#include "kvm/plan_update.h"

#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/xml.h"
#include "kvm/argv.h"

/* --- the request --- */

const char *plan_arg(const struct plan_in *in, const char *key, struct err *err)
{
	const char *s = json_get_str(in->args, key);
	if (s == NULL)
		err_set(err, ERR_INVALID, "the request has no \"%s\"", key);
	return s;
}

/* --- both documents --- */

static int open_pair(struct plan_pair *q, const struct plan_in *in, struct err *err)
{
	*q = (struct plan_pair){.in_live = PLAN_NO_DEVICE, .in_config = PLAN_NO_DEVICE};
	if (plan_tree_open(&q->live, in->where & PLAN_LIVE ? in->live : NULL, err) < 0)
		return -1;
	return plan_tree_open(&q->config, in->where & PLAN_CONFIG ? in->config : NULL, err);
}

void plan_pair_fini(struct plan_pair *q)
{
	plan_tree_fini(&q->live);
	plan_tree_fini(&q->config);
}

static int not_in(struct err *err, const char *what, const char *word, const char *where)
{
	return err_set(err, ERR_NOT_FOUND, "there is no %s '%s' %s", what, word, where);
}

static int check_found(
    const struct plan_pair *q, const char *what, const char *word, struct err *err)
{
	if (q->live.was != NULL && q->in_live == PLAN_NO_DEVICE)
		return not_in(err, what, word, "in the running domain");
	if (q->config.was != NULL && q->in_config == PLAN_NO_DEVICE)
		return not_in(err, what, word,
		    q->live.was != NULL
		        ? "in the definition: --live changes the running domain alone"
		        : "in the definition");
	return 0;
}

int plan_pair_net(struct plan_pair *q, const struct plan_in *in, const char *word, struct err *err)
{
	size_t i;
	if (open_pair(q, in, err) < 0)
		return -1;
	const char *name = word;
	/* A definition does not know the names of taps and the aliases of a run. */
	if (in->live != NULL && domain_net_find(in->live, word, &i)) {
		q->in_live = i;
		name = in->live->nets[i].mac != NULL ? in->live->nets[i].mac : word;
	}
	if (q->config.was != NULL && domain_net_find(q->config.was, name, &i))
		q->in_config = i;
	return check_found(q, "interface", word, err);
}

static size_t find_disk(const struct domain *d, const char *word)
{
	for (size_t i = 0; i < d->n_disks; i++)
		if (str_eq(d->disks[i].target, word) || str_eq(d->disks[i].image.path, word))
			return i;
	return PLAN_NO_DEVICE;
}

int plan_pair_disk(struct plan_pair *q, const struct plan_in *in, const char *word, struct err *err)
{
	if (open_pair(q, in, err) < 0)
		return -1;
	const char *target = word;
	if (in->live != NULL) {
		q->in_live = find_disk(in->live, word);
		if (q->in_live != PLAN_NO_DEVICE)
			target = in->live->disks[q->in_live].target;
	}
	if (q->config.was != NULL)
		q->in_config = find_disk(q->config.was, target);
	return check_found(q, "disk", word, err);
}

int plan_pair_add(
    struct plan *p, const struct plan_in *in, const struct plan_pair *q, struct err *err)
{
	return plan_tree_add(p, in, &q->live, &q->config, err);
}

/* --- what QEMU knows --- */

static bool path_names(const char *path, const char *id)
{
	size_t n = strlen(id);
	for (const char *at = path; at != NULL && (at = strstr(at, id)) != NULL; at += n)
		if ((at == path || at[-1] == '/') && (at[n] == '\0' || at[n] == '/'))
			return true;
	return false;
}

struct json_object *plan_drive(const struct plan_in *in, size_t disk)
{
	struct json_object *list = plan_fact(in, "query-block");
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	char id[ARGV_ID_MAX];
	argv_disk_id(in->live, disk, id);
	for (size_t k = 0; k < n; k++) {
		struct json_object *o = json_object_array_get_idx(list, k);
		if (path_names(json_get_str(o, "qdev"), id))
			return o;
	}
	return NULL;
}
