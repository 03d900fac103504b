/* The host's side of network interfaces in a start: bridges, taps, macvtaps. */
#include <errno.h>
#include <fcntl.h>

#include "core/log.h"
#include "core/mem.h"
#include "kvm/net_ends.h"
#include "kvm/net_rates.h"
#include "kvm/supervisor_devices.h"
#include "net/script.h"

int sup_net_resolve(
    struct supervisor *s, const struct domain *d, struct domain_net *net, struct err *err)
{
	bool pci = net->type == NET_HOSTDEV && attrs_is(&net->attrs, "source/address@type", "pci");
	if (net_resolve(s->home, net, err) < 0 || (pci && sup_pci_take(s, &net->attrs, err) < 0))
		return sup_devices_refuse(d, "interface", net->line, err);
	return 0;
}

/* A host without tc(8), or a kernel without classes, is no reason for a domain to stay off. */
static void limit(const struct domain_net *net)
{
	struct err err;
	CLEANUP_FREE char *in = net_rates_text(net, "inbound");
	CLEANUP_FREE char *out = net_rates_text(net, "outbound");
	if ((in[0] != '\0' || out[0] != '\0') && net_rates_set(net->target, in, out, &err) < 0)
		log_warn("interface %s runs without its limits: %s", net->mac, err.msg);
}

static int open_end(struct domain_net *net, struct err *err)
{
	bool first = !net->opened;
	CLEANUP_CLOSE int fd = net_open_end(net, false, err);
	const char *script = net_script(net, "script");
	bool theirs = attrs_is(&net->attrs, "target@managed", "no");
	if (fd >= 0 && first && net->opened && !theirs && net->type != NET_DIRECT &&
	    script != NULL && script_run(script, net->target, NET_SCRIPT_MS, err) < 0)
		return -1;
	if (fd >= 0 && first && net->opened)
		limit(net);
	return TAKE_FD(fd);
}

int sup_devices_open(struct domain *d, const struct argv_socket *k, struct err *err)
{
	struct domain_net *net = &d->nets[k->index];
	int fd;
	if (k->kind == ARGV_VHOST_NET) {
		fd = open(net_vhost_path(net), O_RDWR | O_CLOEXEC);
		if (fd < 0)
			err_errno(err, errno, "cannot open '%s'", net_vhost_path(net));
	} else {
		fd = open_end(net, err);
	}
	return fd < 0 ? sup_devices_refuse(d, "interface", net->line, err) : fd;
}

void sup_nets_drop(const struct domain *d, bool opened)
{
	struct err err;
	for (size_t i = 0; i < d->n_nets; i++) {
		const struct domain_net *net = &d->nets[i];
		const char *script = net_script(net, "downscript");
		if (opened && !net->opened)
			continue;
		net_remove_end(net);
		if (net->type == NET_ETHERNET && net->target != NULL && script != NULL &&
		    script_run(script, net->target, NET_SCRIPT_MS, &err) < 0)
			log_warn("%s", err.msg);
	}
}
