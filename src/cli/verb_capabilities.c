/* capabilities, domcapabilities, cpu-models. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <uuid/uuid.h>

#include "cli/dispatch.h"
#include "cli/out.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/node.h"
#include "core/str.h"
#include "kvm/capabilities.h"

static int failed(const struct err *err)
{
	out_error("%s", err->msg);
	return out_status(err);
}

/* A QEMU and what it can do, as far as there is one. */
struct emulator {
	bool there;
	struct caps caps;
	struct caps_kvm kvm;
};

static int emulator_read(
    const struct home *h, const char *binary, const char *arch, struct emulator *e, struct err *err)
{
	*e = (struct emulator){0};
	if (caps_get(h, binary, arch, &e->caps, err) < 0)
		return -1;
	e->there = true;
	if (caps_kvm_get(h, &e->caps, &e->kvm, NULL) < 0)
		e->kvm.usable = false;
	return 0;
}

static void emulator_fini(struct emulator *e)
{
	if (e->there)
		caps_fini(&e->caps);
}

/* --- capabilities --- */
/* As libvirt: the firmware's, else that of the installation. */
static bool host_uuid(char out[OUT_UUID_MAX])
{
	static const char *const files[] = {"/sys/class/dmi/id/product_uuid", "/etc/machine-id"};
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		CLEANUP_BUF struct buf text = BUF_INIT;
		unsigned char uuid[16] = {0};
		size_t n = 0;
		if (file_read(files[i], 4096, &text, NULL) < 0 || !text.data)
			continue;
		for (const char *s = text.data; *s && *s != '\n' && n < 32; s++) {
			const char *digit = strchr("0123456789abcdef", *s | 0x20);
			if (*s == '-' || !digit)
				continue;
			unsigned v = (unsigned)(digit - "0123456789abcdef");
			uuid[n / 2] = (unsigned char)((unsigned)uuid[n / 2] << 4 | v);
			n++;
		}
		if (n == 32) {
			out_uuid(uuid, out);
			return true;
		}
	}
	return false;
}

int verb_capabilities(struct cli *c)
{
	struct err err = {0};
	struct node n;
	struct emulator here = {0}, other = {0};
	char uuid[OUT_UUID_MAX];
	if (node_read("", &n, &err) < 0)
		return failed(&err);
	bool x86 = str_eq(n.arch, "x86_64");
	(void)emulator_read(&c->home, NULL, n.arch, &here, NULL);
	if (x86)
		(void)emulator_read(&c->home, NULL, "i686", &other, NULL);
	const struct capabilities_guest guests[] = {
	    {n.arch, str_eq(n.arch, "i686") ? 32 : 64, here.there ? &here.caps : NULL, &here.kvm},
	    {"i686", 32, other.there ? &other.caps : NULL, &other.kvm},
	};
	CLEANUP_FREE char *xml =
	    capabilities_host("", &n, host_uuid(uuid) ? uuid : NULL, guests, x86 ? 2 : 1);
	fputs(xml, stdout);
	emulator_fini(&here);
	emulator_fini(&other);
	node_fini(&n);
	return CLI_DONE;
}

/* --- domcapabilities --- */
static const char *host_arch(const struct node *n, const char *given)
{
	return given ? given : n->arch;
}

int verb_domcapabilities(struct cli *c)
{
	struct err err = {0};
	struct node n;
	struct emulator e = {0};
	const char *type = cli_value(c, "virttype");
	if (node_read("", &n, &err) < 0)
		return failed(&err);
	const char *arch = host_arch(&n, cli_value(c, "arch"));
	CLEANUP_FREE char *xml = NULL;
	if (emulator_read(&c->home, cli_value(c, "emulatorbin"), arch, &e, &err) == 0) {
		/* KVM where it goes, as libvirt chooses. */
		const struct capabilities_machine m = {.caps = &e.caps,
		    .kvm = &e.kvm,
		    .tcg = type ? str_eq(type, "qemu") : !e.kvm.usable,
		    .arch = arch,
		    .machine = cli_value(c, "machine")};
		xml = capabilities_domain(&m, &err);
	}
	if (xml)
		fputs(xml, stdout);
	emulator_fini(&e);
	node_fini(&n);
	return xml ? CLI_DONE : failed(&err);
}

/* --- cpu-models --- */
int verb_cpu_models(struct cli *c)
{
	struct err err = {0};
	struct emulator e;
	struct json_object *all = c->json ? json_object_new_array() : NULL;
	if (emulator_read(&c->home, NULL, cli_value(c, "arch"), &e, &err) < 0) {
		json_object_put(all);
		return failed(&err);
	}
	for (size_t i = 0; i < e.caps.cpus.n; i++) {
		if (all)
			json_object_array_add(all, json_object_new_string(e.caps.cpus.name[i]));
		else
			puts(e.caps.cpus.name[i]);
	}
	if (all)
		out_json(all);
	emulator_fini(&e);
	return CLI_DONE;
}
