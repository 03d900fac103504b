/* version, uri. */
#include <stdio.h>
#include <sys/utsname.h>

#include "cli/dispatch.h"
#include "cli/out.h"
#include "config.h"
#include "core/mem.h"
#include "kvm/caps.h"

int verb_uri(struct cli *c)
{
	if (!c->json) {
		puts(home_uri(&c->home));
		return CLI_DONE;
	}
	struct json_object *o = json_object_new_object();
	out_add_str(o, "uri", home_uri(&c->home));
	out_json(o);
	return CLI_DONE;
}

/* virsh's four lines; what is asked for is nearly always the last one. */
static void print_version(const struct caps *q, const char *missing)
{
	puts("Compiled against library: hvmux " HVMUX_VERSION);
	puts("Using library: hvmux " HVMUX_VERSION);
	puts("Using API: QEMU " HVMUX_VERSION);
	if (missing)
		printf("Running hypervisor: none: %s\n", missing);
	else
		printf("Running hypervisor: QEMU %u.%u.%u\n", q->version / 10000,
		    q->version / 100 % 100, q->version % 100);
}

static void print_version_json(const struct caps *q, const char *missing)
{
	struct json_object *o = json_object_new_object();
	CLEANUP_FREE char *version = missing ? NULL
	                                     : xasprintf("%u.%u.%u", q->version / 10000,
	                                           q->version / 100 % 100, q->version % 100);
	out_add_str(o, "hvmux_version", HVMUX_VERSION);
	out_add_str(o, "qemu_version", version);
	out_add_str(o, "qemu_binary", missing ? NULL : q->binary);
	out_add_str(
	    o, "qemu_package", missing || !q->package || !q->package[0] ? NULL : q->package);
	out_add_str(o, "error", missing);
	out_json(o);
}

int verb_version(struct cli *c)
{
	struct err err = {0};
	struct utsname host;
	struct caps q;
	bool found = uname(&host) == 0 && caps_get(&c->home, NULL, host.machine, &q, &err) == 0;
	if (c->json)
		print_version_json(&q, found ? NULL : err.msg);
	else
		print_version(&q, found ? NULL : err.msg);
	if (found)
		caps_fini(&q);
	return CLI_DONE;
}
