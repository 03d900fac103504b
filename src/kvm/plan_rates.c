/* How much goes over an interface: domiftune, {"interface": …, "inbound": "average,peak,burst,floor", "outbound": "average,peak,burst"}, each
 * "" for none; and <bandwidth> of a device that is updated. Average and peak in KiB/s, burst in KiB. */
#include <stdlib.h>
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/xml.h"
#include "kvm/net_ends.h"
#include "kvm/net_rates.h"
#include "kvm/plan_update.h"

static struct json_object *rates_args(const struct domain_net *net)
{
	CLEANUP_FREE char *in = net_rates_text(net, "inbound");
	CLEANUP_FREE char *out = net_rates_text(net, "outbound");
	return plan_args("tap", net->target, "inbound", in, "outbound", out, NULL);
}

int plan_net_rates(
    struct plan *p, const struct domain_net *was, const struct domain_net *now, struct err *err)
{
	if (!net_has_device(was) || was->target == NULL)
		return err_set(err, ERR_UNSUPPORTED,
		    "interface %s of type='%s' has no device on this host whose traffic could be limited; a bridge's or a "
		    "macvtap's has",
		    was->mac, net_type_name(was->type));
	if (attrs_has(&now->attrs, "bandwidth/inbound@floor"))
		return err_set(err, ERR_UNSUPPORTED,
		    "a floor needs a network that shares out its bandwidth, and there is none: leave it out");
	struct plan_step *s = plan_add(p, "limit what goes over %s", was->target);
	plan_action_set(&s->does, PLAN_HOST, "net-rates", rates_args(now));
	/* Those of a device that is only being made go with it. */
	if (was != now)
		plan_undo_host(s, "net-rates", rates_args(was));
	return 0;
}

/* --- domiftune --- */

/* 1: there are limits in it. */
static int put_rate(xmlNode *bandwidth, const char *element, const char *text, struct err *err)
{
	static const char *const fields[] = {"average", "peak", "burst", "floor"};
	xmlNode *old = xml_child(bandwidth, element);
	if (text == NULL)
		return 0;
	if (old != NULL)
		xml_remove(old);
	if (text[0] == '\0')
		return 0;
	xmlNode *fresh = xml_add_child(bandwidth, element);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		size_t n = strcspn(text, ",");
		CLEANUP_FREE char *word = xstrndup(text, n);
		uint64_t v;
		if (n > 0 && str_u64(word, UINT32_MAX, &v) < 0)
			return err_set(err, ERR_INVALID, "%s: '%s' is no number from 0 to %u",
			    fields[i], word, UINT32_MAX);
		if (n > 0 && v > 0)
			xml_set_attr(fresh, fields[i], word);
		text += n + (text[n] == ',');
	}
	return 0;
}

static int put_rates(
    const struct plan_in *in, const struct plan_tree *t, unsigned element, struct err *err)
{
	xmlNode *device = plan_tree_element(t, element);
	if (device == NULL)
		return 0;
	xmlNode *bandwidth = xml_need_child(device, "bandwidth");
	if (put_rate(bandwidth, "inbound", json_get_str(in->args, "inbound"), err) < 0 ||
	    put_rate(bandwidth, "outbound", json_get_str(in->args, "outbound"), err) < 0)
		return -1;
	if (xml_first(bandwidth) == NULL)
		xml_remove(bandwidth);
	return 0;
}

int plan_build_rates(const struct plan_in *in, struct plan *p, struct err *err)
{
	CLEANUP(plan_pair_fini) struct plan_pair q = {0};
	CLEANUP(domain_fini) struct domain next = {0};
	const char *word = plan_arg(in, "interface", err);
	if (word == NULL || plan_pair_net(&q, in, word, err) < 0)
		return -1;
	p->words = xasprintf("limits of interface %s of %s", word, in->name);
	if (q.live.was != NULL &&
	    (put_rates(in, &q.live, in->live->nets[q.in_live].element, err) < 0 ||
	        plan_tree_read(&q.live, &next, err) < 0 ||
	        plan_net_rates(p, &in->live->nets[q.in_live], &next.nets[q.in_live], err) < 0))
		return -1;
	if (q.config.was != NULL &&
	    put_rates(in, &q.config, in->config->nets[q.in_config].element, err) < 0)
		return -1;
	return plan_pair_add(p, in, &q, err);
}
