#include "kvm/plan_verbs.h"

#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/argv.h"

static const struct plan_verb *const families[] = {plan_verbs_device, plan_verbs_net,
    plan_verbs_cpu, plan_verbs_memory, plan_verbs_snapshot, plan_verbs_save, plan_verbs_block};

const struct plan_verb *plan_verb_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(families); i++)
		for (const struct plan_verb *v = families[i]; v->name != NULL; v++)
			if (str_eq(v->name, name))
				return v;
	return NULL;
}

struct json_object *plan_fact(const struct plan_in *in, const char *query)
{
	struct json_object *o = NULL;
	return json_object_object_get_ex(in->facts, query, &o) ? o : NULL;
}

/* "/machine/peripheral/virtio-disk0/virtio-backend", "/machine/peripheral/ide0-0-0", or the id alone. */
static bool path_names(const char *path, const char *id)
{
	size_t n = strlen(id);
	for (const char *at = path; at != NULL && (at = strstr(at, id)) != NULL; at += n)
		if ((at == path || at[-1] == '/') && (at[n] == '\0' || at[n] == '/'))
			return true;
	return false;
}

struct json_object *plan_disk_entry(const struct plan_in *in, const char *query, size_t i)
{
	struct json_object *list = plan_fact(in, query);
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	char id[ARGV_ID_MAX];
	argv_disk_id(in->live, i, id);
	for (size_t k = 0; k < n; k++) {
		struct json_object *o = json_object_array_get_idx(list, k);
		if (path_names(json_get_str(o, "qdev"), id) ||
		    path_names(json_get_str(o, "device"), id))
			return o;
	}
	return NULL;
}

const char *plan_disk_node(const struct plan_in *in, size_t i)
{
	return json_get_str(
	    json_get_obj(plan_disk_entry(in, "query-block", i), "inserted"), "node-name");
}

static int add_document(struct plan *p, const char *op, const char *words, const struct domain *was,
    const struct domain *d, struct err *err)
{
	CLEANUP_FREE char *xml = domain_format(d, err);
	if (xml == NULL)
		return -1;
	CLEANUP_FREE char *old = xstrndup(was->source, was->source_len);
	struct plan_step *s = plan_host(p, words, op, plan_args("xml", xml, "was", old, NULL));
	plan_undo_host(s, op, plan_args("xml", old, "was", xml, NULL));
	return 0;
}

int plan_add_documents(struct plan *p, const struct plan_in *in, const struct domain *live,
    const struct domain *config, struct err *err)
{
	if (live != NULL && in->live != NULL &&
	    add_document(p, "live", "write down what the machine now has", in->live, live, err) < 0)
		return -1;
	if (config != NULL && in->config != NULL &&
	    add_document(p, "define", "change the definition", in->config, config, err) < 0)
		return -1;
	return 0;
}
