/* What no element says, word for word in <qemu:commandline>. Only names change there: ids that our own
 * command line gives to its devices must not be given twice, and controllers that became elements
 * have our names for their buses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"
#include "kvm/native_impl.h"

#define QEMU_NS "http://libvirt.org/schemas/domain/qemu/1.0"
#define PREFIX "native-"

/* --- names --- */
/* "hostnet0", "virtio-disk1", "pci.3": what our own devices are called. */
static bool is_ours(const char *id)
{
	static const char *const stems[] = {"hostnet", "net", "charserial", "serial",
	    "charparallel", "parallel", "charconsole", "console", "charchannel", "channel",
	    "charmonitor", "monitor", "charredir", "redir", "charsmartcard", "smartcard", "chartpm",
	    "tpm", "virtio-disk", "ide", "sata", "scsi", "usb", "fdc", "pci.", "virtio-serial",
	    "input", "video", "vnc", "spice", "audio", "sound", "balloon", "objrng", "rng",
	    "watchdog", "panic", "fs", "fsdev-fs", "hostdev", "iommu", "vsock", "shmem", "hub",
	    "dimm", "memdimm", "ram-node", "iothread", "ccid", "objcrypto", "crypto"};
	for (size_t i = 0; i < ARRAY_LEN(stems); i++) {
		size_t n = strlen(stems[i]);
		if (strncmp(id, stems[i], n) == 0 &&
		    (id[n] == '\0' || (id[n] >= '0' && id[n] <= '9')))
			return true;
	}
	size_t n = strlen(id); /* "vda-format" */
	return n > 5 &&
	       (strcmp(id + n - 5, "-file") == 0 || (n > 7 && strcmp(id + n - 7, "-format") == 0));
}

static bool is_id_key(const char *key)
{
	return strcmp(key, "id") == 0 || strcmp(key, "node-name") == 0;
}

/* Is it the name of something that is kept as it stands? */
static bool is_kept(const struct native *n, const char *id)
{
	for (size_t i = 0; i < n->opts.n; i++) {
		const struct nat_opt *o = &n->opts.o[i];
		if (!o->used &&
		    (str_eq(nat_get(o, "id"), id) || str_eq(nat_get(o, "node-name"), id)))
			return true;
	}
	return false;
}

/* Our name of the bus "br1" or "scsi.0" of a controller that became an element; NULL it is none. */
static char *our_bus(const struct native *n, const char *bus)
{
	const char *dot = strrchr(bus, '.');
	int pci = nat_pci_bus(n, bus);
	if (pci > 0)
		return xasprintf("pci.%d", pci);
	for (int k = NAT_BUS_SCSI; k <= NAT_BUS_SERIAL; k++) {
		const struct nat_bus *b = nat_bus(n, (enum nat_bus_kind)k, bus);
		if (b == NULL)
			continue;
		if (k == NAT_BUS_SATA)
			return xasprintf("sata%u%s", b->index, dot != NULL ? dot : "");
		if (k == NAT_BUS_USB && b->index == 0)
			return xstrdup("usb.0");
		if (k == NAT_BUS_USB)
			return xasprintf("usb%u.0", b->index);
		return xasprintf(k == NAT_BUS_SCSI ? "scsi%u.0" : "virtio-serial%u.0", b->index);
	}
	return NULL;
}

/* The value that a key is to have; NULL the one it has. */
static char *new_value(const struct native *n, const struct nat_key *k)
{
	size_t len = strcspn(k->value, ".");
	CLEANUP_FREE char *stem = xstrndup(k->value, len);
	if (is_id_key(k->key))
		return is_ours(k->value) ? xasprintf(PREFIX "%s", k->value) : NULL;
	if (is_ours(k->value) && is_kept(n, k->value))
		return xasprintf(PREFIX "%s", k->value);
	if (strcmp(k->key, "bus") != 0)
		return NULL;
	/* "sound0.0": a bus of a device that is kept. */
	if (is_ours(stem) && is_kept(n, stem))
		return xasprintf(PREFIX "%s", k->value);
	return our_bus(n, k->value);
}

/* May the first key be left out, as QEMU's users do? */
static bool is_implied(const char *key)
{
	static const char *const keys[] = {"driver", "type", "backend", "qom-type", "fsdriver"};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return false;
}

/* The option's value with its new names; NULL nothing changes. */
static char *renamed(const struct native *n, const struct nat_opt *o)
{
	struct buf out = BUF_INIT;
	bool changed = false;
	for (size_t i = 0; i < o->n_keys; i++) {
		const struct nat_key *k = &o->keys[i];
		CLEANUP_FREE char *value = new_value(n, k);
		changed = changed || (value != NULL && strcmp(value, k->value) != 0);
		if (i > 0)
			buf_addc(&out, ',');
		if (i > 0 || !is_implied(k->key))
			buf_addf(&out, "%s=", k->key);
		for (const char *s = value != NULL ? value : k->value; *s != '\0'; s++) {
			if (*s == ',')
				buf_addc(&out, ',');
			buf_addc(&out, *s);
		}
	}
	if (changed)
		return buf_take(&out);
	buf_fini(&out);
	return NULL;
}

/* --- the element --- */
static void add_arg(xmlNode *line, xmlNs *ns, const char *word)
{
	xmlNode *arg = xmlNewChild(line, ns, (const xmlChar *)"arg", NULL);
	nat_attr(arg, "value", word);
}

static void keep(struct native *n, xmlNode *line, xmlNs *ns, const struct nat_opt *o)
{
	CLEANUP_FREE char *word = xasprintf("-%s", o->name), *value = renamed(n, o);
	add_arg(line, ns, word);
	if (o->value != NULL)
		add_arg(line, ns, value != NULL ? value : o->value);
	nat_note(n, "%s %s: kept word for word in <qemu:commandline>%s", word,
	    o->value != NULL ? o->value : "", value != NULL ? ", but for names of ours" : "");
}

/* libvirt's own: where QEMU finds its things is not the machine. */
static bool is_surrounding(const char *env)
{
	static const char *const names[] = {
	    "PATH=", "LC_ALL=", "HOME=", "XDG_", "QEMU_AUDIO_DRV=", "USER=", "LOGNAME="};
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_prefix(env, names[i]))
			return true;
	return false;
}

static void keep_env(xmlNode *line, xmlNs *ns, const char *env)
{
	CLEANUP_FREE char *name = xstrndup(env, strcspn(env, "="));
	xmlNode *e = xmlNewChild(line, ns, (const xmlChar *)"env", NULL);
	nat_attr(e, "name", name);
	nat_attr(e, "value", env + strlen(name) + 1);
}

void nat_keep_rest(struct native *n)
{
	xmlNs *ns = xmlNewNs(n->root, (const xmlChar *)QEMU_NS, (const xmlChar *)"qemu");
	xmlNode *line = xmlNewChild(n->root, ns, (const xmlChar *)"commandline", NULL);
	for (size_t i = 0; i < n->opts.n; i++)
		if (!n->opts.o[i].used)
			keep(n, line, ns, &n->opts.o[i]);
	for (size_t i = 0; i < n->cmd->n_env; i++)
		if (!is_surrounding(n->cmd->env[i]))
			keep_env(line, ns, n->cmd->env[i]);
	if (line->children != NULL)
		return;
	xmlUnlinkNode(line);
	xmlFreeNode(line);
	n->root->nsDef = NULL; /* nobody needs the prefix */
	xmlFreeNs(ns);
}
