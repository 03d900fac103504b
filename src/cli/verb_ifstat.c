/* domifstat: what went through a running domain's interface, as the guest sees it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/live.h"
#include "cli/out.h"
#include "core/buf.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/str.h"

/* The host's counters of a tap are the mirror of the guest's: what the host receives the guest has sent. */
static const struct counter {
	const char *name, *host;
} counters[] = {
    {"rx_bytes", "tx_bytes"},
    {"rx_packets", "tx_packets"},
    {"rx_errs", "tx_errors"},
    {"rx_drop", "tx_dropped"},
    {"tx_bytes", "rx_bytes"},
    {"tx_packets", "rx_packets"},
    {"tx_errs", "rx_errors"},
    {"tx_drop", "rx_dropped"},
};

/* Found by its name on the host or by its MAC address; copied. */
static int find_interface(
    const struct live *l, const char *word, struct status_net *out, struct err *err)
{
	struct vm vm;
	if (vm_probe(&l->c->home, l->name, &vm, err) < 0)
		return -1;
	bool found = false;
	for (unsigned i = 0; vm.head && i < vm.head->nets && !found; i++) {
		*out = vm.head->net[i];
		found = (out->target[0] && str_eq(out->target, word)) ||
		        strcasecmp(out->mac, word) == 0;
	}
	vm_fini(&vm);
	return found ? 0
	             : err_set(err, ERR_INVALID,
	                   "invalid argument: invalid path, '%s' is not a known interface", word);
}

static int read_counter(const char *target, const char *file, uint64_t *v, struct err *err)
{
	CLEANUP_FREE char *path = xasprintf("/sys/class/net/%s/statistics/%s", target, file);
	CLEANUP_BUF struct buf b = BUF_INIT;
	if (file_read(path, 4096, &b, err) < 0)
		return -1;
	b.data[b.len ? strcspn(b.data, "\n") : 0] = '\0';
	return str_u64(b.data, UINT64_MAX, v) == 0
	           ? 0
	           : err_set(err, ERR_IO, "'%s' holds no number", path);
}

static int show(struct live *l, struct err *err)
{
	const char *word = cli_value(l->c, "interface");
	struct status_net net;
	uint64_t v[ARRAY_LEN(counters)];
	if (find_interface(l, word, &net, err) < 0)
		return -1;
	if (!net.target[0])
		return err_set(err, ERR_UNSUPPORTED,
		    "interface '%s' is on QEMU's user networking, which counts nothing", word);
	for (size_t i = 0; i < ARRAY_LEN(counters); i++)
		if (read_counter(net.target, counters[i].host, &v[i], err) < 0)
			return -1;
	struct json_object *o = l->c->json ? json_object_new_object() : NULL;
	for (size_t i = 0; i < ARRAY_LEN(counters); i++) {
		if (o)
			out_add_u64(o, counters[i].name, v[i]);
		else
			printf("%s %s %" PRIu64 "\n", net.target, counters[i].name, v[i]);
	}
	if (o)
		out_json(o);
	return 0;
}

int verb_domifstat(struct cli *c)
{
	struct err err = {0};
	struct live l;
	int rc = live_open(c, &l, &err);
	if (rc == 0)
		rc = show(&l, &err);
	live_fini(&l);
	CLEANUP_FREE char *what = xasprintf("Failed to get interface stats %s %s",
	    cli_value(c, "domain"), cli_value(c, "interface"));
	return rc == 0 ? CLI_DONE : live_failed(what, &err);
}
