/* Network interfaces onto the command line. */
#include "kvm/argv_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

static const char *net_device(struct builder *b, const struct domain_net *net)
{
	static const char *const names[][2] = {
	    {"virtio", "virtio-net-pci"},
	    {"virtio-transitional", "virtio-net-pci-transitional"},
	    {"virtio-non-transitional", "virtio-net-pci-non-transitional"},
	    {"e1000", "e1000"},
	    {"e1000-82544gc", "e1000-82544gc"},
	    {"e1000-82545em", "e1000-82545em"},
	    {"e1000e", "e1000e"},
	    {"igb", "igb"},
	    {"rtl8139", "rtl8139"},
	    {"pcnet", "pcnet"},
	    {"ne2k_pci", "ne2k_pci"},
	    {"vmxnet3", "vmxnet3"},
	    {"i82551", "i82551"},
	    {"i82557b", "i82557b"},
	    {"i82559er", "i82559er"},
	};
	/* libvirt's default where the document names none. */
	if (net->model == NULL)
		return caps_has_device(b->c, "rtl8139") ? "rtl8139" : "virtio-net-pci";
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i][0], net->model) == 0)
			return names[i][1];
	return NULL;
}

int build_nets(struct builder *b)
{
	for (size_t i = 0; i < b->d->n_nets; i++) {
		const struct domain_net *net = &b->d->nets[i];
		const char *device = net_device(b, net);
		unsigned bootindex = build_net_bootindex(b->d, i);
		struct buf value = BUF_INIT;
		if (device == NULL)
			return build_unsupported(b, "interface", net->line,
			    "model '%s' is not supported; virtio, e1000e, e1000 and rtl8139 are",
			    net->model);
		build_addf(b, "-netdev", "user,id=hostnet%zu", i);
		buf_addf(&value, "%s,netdev=hostnet%zu,id=net%zu", device, i, i);
		if (net->mac != NULL)
			buf_addf(&value, ",mac=%s", net->mac);
		build_address(b, &value, &net->address);
		if (bootindex > 0)
			buf_addf(&value, ",bootindex=%u", bootindex);
		if (build_device(b, "interface", net->line, &value) < 0)
			return -1;
	}
	return 0;
}
