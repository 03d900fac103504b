#include "kvm/net_rates.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/program.h"
#include "core/str.h"

#define TC_MS 5000

char *net_rates_text(const struct domain_net *net, const char *element)
{
	static const char *const fields[] = {"average", "peak", "burst"};
	const char *v[3];
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		CLEANUP_FREE char *name = xasprintf("bandwidth/%s@%s", element, fields[i]);
		v[i] = attrs_get(&net->attrs, name);
	}
	if (v[0] == NULL || strcmp(v[0], "0") == 0)
		return xstrdup("");
	return xasprintf("%s,%s,%s", v[0], v[1] != NULL ? v[1] : "", v[2] != NULL ? v[2] : "");
}

/* --- tc --- */

/* Words separated by blanks: none of ours has one in it. */
static int tc(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int tc(struct err *err, const char *fmt, ...)
{
	const char *argv[40] = {"tc"};
	size_t n = 1;
	char *save = NULL;
	va_list ap;
	va_start(ap, fmt);
	CLEANUP_FREE char *line = xvasprintf(fmt, ap);
	va_end(ap);
	for (char *w = strtok_r(line, " ", &save); w != NULL && n + 1 < ARRAY_LEN(argv);
	     w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	return program_run(argv, TC_MS, NULL, err);
}

struct rate {
	uint64_t average, peak, burst; /* 0 not given */
};

static int read_rate(const char *text, struct rate *r, struct err *err)
{
	uint64_t *fields[] = {&r->average, &r->peak, &r->burst};
	*r = (struct rate){0};
	for (size_t i = 0; text != NULL && *text != '\0'; i++) {
		size_t n = strcspn(text, ",");
		CLEANUP_FREE char *word = xstrndup(text, n);
		if (i >= ARRAY_LEN(fields) || (n > 0 && str_u64(word, UINT32_MAX, fields[i]) < 0))
			return err_set(err, ERR_INVALID,
			    "'%s' are no limits of an interface: average,peak,burst", text);
		text += n + (text[n] == ',');
	}
	return 0;
}

/* What the host sends into the tap, the guest receives. */
static int limit_inbound(const char *device, const struct rate *r, struct err *err)
{
	uint64_t peak = r->peak > r->average ? r->peak : r->average;
	uint64_t burst = r->burst > 0 ? r->burst : r->average;
	(void)tc(NULL, "qdisc del dev %s root", device); /* there may be none */
	if (r->average == 0)
		return 0;
	if (tc(err, "qdisc add dev %s root handle 1: htb default 1", device) < 0)
		return -1;
	return tc(err,
	    "class add dev %s parent 1: classid 1:1 htb rate %llukbps ceil %llukbps burst %llukb",
	    device, (unsigned long long)r->average, (unsigned long long)peak,
	    (unsigned long long)burst);
}

static int limit_outbound(const char *device, const struct rate *r, struct err *err)
{
	uint64_t burst = r->burst > 0 ? r->burst : r->average;
	(void)tc(NULL, "qdisc del dev %s ingress", device);
	if (r->average == 0)
		return 0;
	if (tc(err, "qdisc add dev %s ingress", device) < 0)
		return -1;
	return tc(err,
	    "filter add dev %s parent ffff: protocol all u32 match u32 0 0 police rate %llukbps "
	    "burst %llukb mtu 64kb drop flowid :1",
	    device, (unsigned long long)r->average, (unsigned long long)burst);
}

int net_rates_set(const char *device, const char *inbound, const char *outbound, struct err *err)
{
	struct rate in, out;
	if (read_rate(inbound, &in, err) < 0 || read_rate(outbound, &out, err) < 0)
		return -1;
	if (limit_inbound(device, &in, err) < 0 || limit_outbound(device, &out, err) < 0)
		return err_wrap(err,
		    "the traffic of '%s' cannot be limited (tc of the package iproute2, and the kernel's sch_htb, "
		    "sch_ingress, cls_u32 and act_police are needed)",
		    device);
	return 0;
}
