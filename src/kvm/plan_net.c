/* Cables of network cards; the requests of this family. */
#include "kvm/plan_argv.h"
#include "kvm/plan_device.h"
#include "kvm/plan_update.h"

#include "core/mem.h"
#include "core/str.h"
#include "core/xml.h"
#include "kvm/argv.h"

/* --- domif-setlink: {"interface": "vnet0" | MAC | alias, "state": "up" | "down"} --- */

static struct json_object *link_args(const char *id, bool up)
{
	struct json_object *o = plan_args("name", id, NULL);
	json_object_object_add(o, "up", json_object_new_boolean(up));
	return o;
}

int plan_net_link(struct plan *p, const struct domain *d, size_t i, bool up, struct err *err)
{
	const struct domain_net *net = &d->nets[i];
	CLEANUP_FREE char *id = argv_net_id(d, i);
	if (net->type == NET_HOSTDEV)
		return err_set(err, ERR_UNSUPPORTED,
		    "interface '%s' is a device of the host's: its cable is the host's, too "
		    "(ip link set DEVICE vf N state disable)",
		    net->mac);
	struct plan_step *s =
	    plan_add(p, "%s the cable of interface %s (%s)", up ? "plug in" : "pull", net->mac, id);
	plan_action_set(&s->does, PLAN_QMP, "set_link", link_args(id, up));
	plan_undo_qmp(s, "set_link", link_args(id, !net->link_down));
	return 0;
}

static int build_setlink(const struct plan_in *in, struct plan *p, struct err *err)
{
	CLEANUP(plan_pair_fini) struct plan_pair q = {0};
	const char *word = plan_arg(in, "interface", err);
	const char *state = word == NULL ? NULL : plan_arg(in, "state", err);
	if (state == NULL || plan_pair_net(&q, in, word, err) < 0)
		return -1;
	bool up = str_eq(state, "up");
	if (!up && !str_eq(state, "down"))
		return err_set(err, ERR_INVALID, "invalid link state '%s'", state);
	p->words = xasprintf("link of interface %s of %s: %s", word, in->name, state);
	if (q.live.was != NULL && plan_net_link(p, in->live, q.in_live, up, err) < 0)
		return -1;
	if (q.live.was != NULL)
		plan_tree_attr(plan_tree_element(&q.live, in->live->nets[q.in_live].element),
		    "link", "state", state);
	if (q.config.was != NULL)
		plan_tree_attr(plan_tree_element(&q.config, in->config->nets[q.in_config].element),
		    "link", "state", state);
	return plan_pair_add(p, in, &q, err);
}

static const char *const block_queries[] = {"query-block", NULL};
static const char *const update_queries[] = {PLAN_ARGV_QUERIES, NULL};

const struct plan_verb plan_verbs_net[] = {
    {"domif-setlink", PLAN_VERB_OFF, NULL, NULL, build_setlink},
    {"domiftune", PLAN_VERB_OFF, NULL, NULL, plan_build_rates},
    {"blkdeviotune", PLAN_VERB_OFF, block_queries, NULL, plan_build_iotune},
    {"update-device", PLAN_VERB_OFF, update_queries, plan_attach_look, plan_build_update},
    {"change-media", PLAN_VERB_OFF, update_queries, plan_attach_look, plan_build_update},
    {0},
};
