/* The host's end of an interface in a plan: looked for, opened, removed. */
#include "kvm/plan_net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/net_ends.h"
#include "kvm/plan_argv.h"
#include "net/link.h"

#define NAMES_MAX 65536u /* numbers that are tried for a tap's name */

static bool has_end(const struct domain_net *net)
{
	return net->type == NET_BRIDGE || net->type == NET_ETHERNET || net->type == NET_DIRECT ||
	       net->type == NET_NETWORK;
}

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

int plan_net_look(const struct plan_in *in, const struct domain_net *net, struct json_object *facts,
    struct err *err)
{
	/* A copy: what is found out goes into the facts, not into the request. */
	struct domain_net found = *net;
	found.bridge = NULL;
	if (net_resolve(in->home, &found, err) < 0)
		return -1;
	/* The helper that makes taps for users other than root chooses the name itself. */
	bool helper = geteuid() != 0 && found.bridge != NULL;
	CLEANUP_FREE char *name = has_end(net) && !helper ? free_name(net) : NULL;
	CLEANUP_FREE char *bridge = found.bridge;
	struct json_object *o = plan_args("bridge", bridge, NULL);
	if (name != NULL)
		json_object_object_add(o, "target", json_object_new_string(name));
	json_object_object_add(o, "vhost", json_object_new_boolean(found.vhost));
	json_object_object_add(facts, "net", o);
	return 0;
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

void plan_net_open(struct plan *p, const struct domain *d, size_t i, const struct argv_out *words)
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
