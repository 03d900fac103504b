/* What plans do with network devices of the host. All of it is short, but for scripts.
 *
 *	op          args                                    what it does
 *	net-open    name, type, tap, bridge, mac, source,   opens a queue of a tap or macvtap and keeps it under `name`; first: makes the device,
 *	            mode, mtu, sndbuf, managed, queues, first   which must not be there, and puts it onto its bridge
 *	net-close   the same                                forgets it; first: a macvtap goes (a tap goes with its last descriptor)
 *	net-script  script, tap                             runs the script with the name
 *	net-bridge  tap, bridge                             the tap becomes a port of that bridge, and of no other
 *	net-rates   tap, inbound, outbound                  how much goes over it: "average,peak,burst", "" no limit; nothing when it is gone
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/net_ends.h"
#include "kvm/net_rates.h"
#include "kvm/plan_host.h"
#include "net/link.h"
#include "net/script.h"

static void set_attr(
    struct domain_net *net, struct json_object *args, const char *key, const char *attr)
{
	const char *value = json_get_str(args, key);
	if (value != NULL)
		attrs_set(&net->attrs, attr, value);
}

/* Back from what plan_net_ends.c has written. */
static int read_net(struct json_object *args, struct domain_net *net, struct err *err)
{
	const char *type = json_get_str(args, "type");
	*net = (struct domain_net){.type = NET_USER};
	while (net->type < NET_TYPES && !str_eq(net_type_name(net->type), type))
		net->type++;
	int64_t queues = json_get_int(args, "queues", 0);
	if (net->type == NET_TYPES || queues < 0 || queues > 256)
		return err_set(err, ERR_INVALID, "a step with a network device is not whole");
	net->target = xstrdup0(json_get_str(args, "tap"));
	net->bridge = xstrdup0(json_get_str(args, "bridge"));
	net->mac = xstrdup0(json_get_str(args, "mac"));
	net->source = xstrdup0(json_get_str(args, "source"));
	net->queues = (unsigned)queues;
	net->opened = json_get_bool(args, "first", 0) == 0;
	set_attr(net, args, "mode", "source@mode");
	set_attr(net, args, "mtu", "mtu@size");
	set_attr(net, args, "sndbuf", "tune/sndbuf");
	set_attr(net, args, "managed", "target@managed");
	return 0;
}

static int op_open(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	CLEANUP(net_fini) struct domain_net net;
	const char *name = json_get_str(args, "name");
	if (read_net(args, &net, err) < 0)
		return -1;
	if (name == NULL)
		return err_set(err, ERR_INVALID, "a step with a network device lacks its 'name'");
	int fd = net_open_end(&net, net.target != NULL, err);
	if (fd < 0)
		return -1;
	c->keep_fd(c->arg, name, fd);
	return 0;
}

static int op_close(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	CLEANUP(net_fini) struct domain_net net;
	const char *name = json_get_str(args, "name");
	if (read_net(args, &net, err) < 0)
		return -1;
	if (name != NULL)
		c->drop_fd(c->arg, name);
	if (!net.opened)
		net_remove_end(&net);
	return 0;
}

static int op_script(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	(void)c;
	const char *script = json_get_str(args, "script"), *tap = json_get_str(args, "tap");
	if (script == NULL || tap == NULL)
		return err_set(err, ERR_INVALID, "a step with a script is not whole");
	return script_run(script, tap, NET_SCRIPT_MS, err);
}

static int op_bridge(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	(void)c;
	const char *bridge = json_get_str(args, "bridge"), *tap = json_get_str(args, "tap");
	if (bridge == NULL || tap == NULL)
		return err_set(err, ERR_INVALID, "a step with a bridge is not whole");
	if (link_leave_bridge(tap, err) < 0)
		return -1;
	return link_join_bridge(bridge, tap, err);
}

static int op_rates(const struct plan_host_ctx *c, struct json_object *args, struct err *err)
{
	(void)c;
	const char *tap = json_get_str(args, "tap");
	if (tap == NULL)
		return err_set(err, ERR_INVALID, "a step with limits of an interface is not whole");
	/* The way back of a device that went with its QEMU. */
	return link_exists(tap) ? net_rates_set(tap, json_get_str(args, "inbound"),
	                              json_get_str(args, "outbound"), err)
	                        : 0;
}

const struct plan_host_op plan_host_ops_net[] = {
    {"net-open", false, op_open},
    {"net-close", false, op_close},
    {"net-script", true, op_script},
    {"net-bridge", false, op_bridge},
    {"net-rates", true, op_rates},
    {0},
};
