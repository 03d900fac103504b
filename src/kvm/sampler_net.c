/* Counters of the host's network devices into the status page. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/str.h"
#include "kvm/sampler.h"

static bool read_counter(const char *device, const char *counter, uint64_t *v)
{
	char path[96], text[32];
	snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/%s", device, counter);
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return str_u64(text, UINT64_MAX, v) == 0;
}

/* What the host receives, the guest has sent. */
static bool read_net(struct status_net *net)
{
	return net->target[0] != '\0' && strchr(net->target, '/') == NULL &&
	       read_counter(net->target, "tx_bytes", &net->rx_bytes) &&
	       read_counter(net->target, "tx_packets", &net->rx_pkts) &&
	       read_counter(net->target, "rx_bytes", &net->tx_bytes) &&
	       read_counter(net->target, "rx_packets", &net->tx_pkts);
}

void sampler_nets(struct sampler *s)
{
	struct status_page *p = s->page->page;
	struct status_net fresh[STATUS_NETS_MAX];
	unsigned n = p->nets < STATUS_NETS_MAX ? p->nets : STATUS_NETS_MAX;
	bool any = false;
	/* Read before readers have to wait for us. */
	for (unsigned i = 0; i < n; i++) {
		fresh[i] = p->net[i];
		fresh[i].known = read_net(&fresh[i]);
		any = any || fresh[i].known != 0 || p->net[i].known != 0;
	}
	if (!any)
		return;
	p = status_begin(s->page);
	memcpy(p->net, fresh, n * sizeof(fresh[0]));
	status_end(s->page);
}
