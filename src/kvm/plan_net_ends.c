/* The host's end of an interface in a plan: looked for, opened, removed. */
#include "kvm/plan_net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/xml.h"
#include "kvm/net_ends.h"
#include "kvm/plan_argv.h"
#include "kvm/plan_fragment.h"
#include "kvm/plan_update.h"
#include "net/link.h"

#define NAMES_MAX 65536u /* numbers that are tried for a tap's name */

static bool is_theirs(const struct domain_net *net)
{
	return attrs_is(&net->attrs, "target@managed", "no");
}

/* --- look --- */

/* The document that is written has to tell the name before the device is made, so a number that is free now is taken; should
 * another start be quicker, the step that makes it says so. */
static char *free_name(const struct domain_net *net)
{
	const char *prefix = net->type == NET_DIRECT ? "macvtap" : "vnet";
	if (net->target != NULL && !str_prefix(net->target, prefix) &&
	    !str_prefix(net->target, "vnet"))
		return xstrdup(net->target);
	for (unsigned i = 0; i < NAMES_MAX; i++) {
		CLEANUP_FREE char *name = xasprintf("%s%u", prefix, i);
		if (strlen(name) < LINK_NAME_MAX && !link_exists(name))
			return TAKE_PTR(name);
	}
	return NULL;
}

/* The interface of the request, as a domain that has nothing else; false: it is none, or one that the builder will refuse. */
static bool read_request(const struct plan_in *in, struct domain *d)
{
	const char *xml = json_get_str(in->args, "xml");
	struct plan_fragment f = {0};
	struct err ignored;
	*d = (struct domain){0};
	bool found = xml != NULL && plan_fragment_read(&f, xml, "the interface", &ignored) == 0 &&
	             xml_is(f.device, "interface");
	if (found) {
		CLEANUP_FREE char *text = xasprintf(
		    "<domain type='kvm'><name>x</name><memory>65536</memory><os><type>hvm</type></os>"
		    "<devices>%s</devices></domain>",
		    f.text);
		found = domain_parse(text, strlen(text), f.file, DOMAIN_PARSE_LENIENT, d, NULL,
		            &ignored) == 0 &&
		        d->n_nets == 1;
	}
	plan_fragment_fini(&f);
	return found;
}

static int look_at(const struct plan_in *in, const struct domain_net *net,
    struct json_object *facts, struct err *err)
{
	/* A copy: what is found out goes into the facts, not into the request. */
	struct domain_net found = *net;
	found.bridge = NULL;
	if (net_resolve(in->home, &found, err) < 0)
		return -1;
	/* The helper that makes taps for users other than root chooses the name itself. */
	bool helper = geteuid() != 0 && found.bridge != NULL;
	CLEANUP_FREE char *name = net_has_device(net) && !helper ? free_name(net) : NULL;
	CLEANUP_FREE char *bridge = found.bridge;
	struct json_object *o = plan_args("bridge", bridge, NULL);
	if (name != NULL)
		json_object_object_add(o, "target", json_object_new_string(name));
	json_object_object_add(o, "vhost", json_object_new_boolean(found.vhost));
	json_object_object_add(facts, "net", o);
	return 0;
}

int plan_net_look(const struct plan_in *in, struct json_object *facts, struct err *err)
{
	CLEANUP(domain_fini) struct domain d = {0};
	if ((in->where & PLAN_LIVE) == 0 || !read_request(in, &d))
		return 0;
	return look_at(in, &d.nets[0], facts, err);
}

void plan_net_resolve(const struct plan_in *in, struct domain *d, size_t i)
{
	struct domain_net *net = &d->nets[i];
	struct json_object *o = plan_fact(in, "net");
	const char *target = json_get_str(o, "target"), *bridge = json_get_str(o, "bridge");
	net->vhost = json_get_bool(o, "vhost", 0) != 0;
	if (bridge != NULL) {
		free(net->bridge);
		net->bridge = xstrdup(bridge);
	}
	if (target != NULL) {
		free(net->target);
		net->target = xstrdup(target);
	}
}

/* --- opening --- */

static void add_attr(
    struct json_object *o, const char *key, const struct domain_net *net, const char *attr)
{
	const char *value = attrs_get(&net->attrs, attr);
	if (value != NULL)
		json_object_object_add(o, key, json_object_new_string(value));
}

static struct json_object *end_args(const struct domain_net *net, const char *fd)
{
	struct json_object *o = plan_args("type", net_type_name(net->type), NULL);
	const char *const texts[][2] = {{"name", fd}, {"tap", net->target}, {"bridge", net->bridge},
	    {"mac", net->mac}, {"source", net->type == NET_DIRECT ? net->source : NULL}};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (texts[i][1] != NULL)
			json_object_object_add(o, texts[i][0], json_object_new_string(texts[i][1]));
	add_attr(o, "mode", net, "source@mode");
	add_attr(o, "mtu", net, "mtu@size");
	add_attr(o, "sndbuf", net, "tune/sndbuf");
	add_attr(o, "managed", net, "target@managed");
	if (net->queues > 1)
		json_object_object_add(o, "queues", json_object_new_int((int)net->queues));
	return o;
}

static void add_script(struct plan *p, const struct domain_net *net, const char *element)
{
	const char *script = net_script(net, element);
	if (script == NULL || net->target == NULL)
		return;
	struct plan_step *s = plan_add(p, "run %s for %s", script, net->target);
	plan_action_set(&s->does, PLAN_HOST, "net-script",
	    plan_args("script", script, "tap", net->target, NULL));
}

static void open_end(struct plan *p, const struct domain *d, size_t i, const struct argv_out *words)
{
	const struct domain_net *net = &d->nets[i];
	bool first = true;
	for (size_t k = 0; k < words->n_sockets; k++) {
		if (words->sockets[k].kind != ARGV_TAP)
			continue;
		CLEANUP_FREE char *fd = plan_argv_fd(p, k);
		const char *name = net->target != NULL ? net->target : "a tap";
		struct plan_step *s =
		    plan_add(p, first ? "make %s%s%s" : "open one more queue of %s", name,
		        first && net->bridge != NULL ? " on bridge " : "",
		        first && net->bridge != NULL ? net->bridge : "");
		struct json_object *args = end_args(net, fd);
		json_object_object_add(args, "first", json_object_new_boolean(first));
		plan_action_set(&s->does, PLAN_HOST, "net-open", args);
		args = end_args(net, fd);
		json_object_object_add(args, "first", json_object_new_boolean(first));
		plan_undo_host(s, "net-close", args);
		if (first && net->type != NET_DIRECT && !is_theirs(net))
			add_script(p, net, "script");
		first = false;
	}
}

int plan_net_plug(struct plan *p, const struct plan_in *in, const struct domain *d, size_t i,
    const char *what, struct err *err)
{
	const struct domain_net *net = &d->nets[i];
	struct argv_out words;
	if (net->type == NET_HOSTDEV)
		return err_set(err, ERR_UNSUPPORTED,
		    "%s: a function of the host's card is plugged in as <hostdev type='pci'> (attach-device), or with --config",
		    what);
	if (plan_argv_words(in, d, (struct device_ref){DEVICE_NET, i}, &words, err) < 0)
		return -1;
	open_end(p, d, i, &words);
	int rc = plan_argv_add(p, in, &words, what, err);
	argv_fini(&words);
	if (rc == 0 && net->link_down)
		rc = plan_net_link(p, d, i, false, err);
	if (rc == 0 && attrs_has(&net->attrs, "bandwidth"))
		rc = plan_net_rates(p, net, net, err);
	return rc;
}

void plan_net_close(struct plan *p, const struct domain *d, size_t i)
{
	const struct domain_net *net = &d->nets[i];
	if (net->type == NET_ETHERNET)
		add_script(p, net, "downscript");
	if (net->type != NET_DIRECT || net->target == NULL)
		return;
	struct plan_step *s = plan_add(p, "remove %s", net->target);
	struct json_object *args = end_args(net, NULL);
	json_object_object_add(args, "first", json_object_new_boolean(1));
	plan_action_set(&s->does, PLAN_HOST, "net-close", args);
	s->flags |= PLAN_MAY_FAIL;
}
