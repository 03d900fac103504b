/* What the host knows of a disk that is to be attached: looked at once, before the plan is built. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/jsonl.h"
#include "core/mem.h"
#include "core/secrets.h"
#include "core/str.h"
#include "core/xml.h"
#include "disk/chain.h"
#include "kvm/chain_guard.h"
#include "kvm/disk_files.h"
#include "kvm/disk_volumes.h"
#include "kvm/host_devices.h"
#include "kvm/plan_device.h"
#include "kvm/plan_net.h"
#include "kvm/secret.h"

/* The disk or the host's device of the request, as a domain that has nothing else; false: it is neither. */
static bool read_device(const struct plan_in *in, struct domain *d)
{
	struct plan_fragment f;
	const char *xml = json_get_str(in->args, "xml");
	*d = (struct domain){0};
	if (xml == NULL)
		return false;
	bool known = plan_fragment_read(&f, xml, "disk", NULL) == 0 &&
	             (xml_is(f.device, "disk") || xml_is(f.device, "hostdev")) &&
	             plan_fragment_alone(&f, in->name, d, NULL) == 0;
	plan_fragment_fini(&f);
	return known && (d->n_disks == 1 || domain_dev_find(d, DEV_HOSTDEV) != NULL);
}

static bool is_file(const struct disk_image *m)
{
	return (m->type == IMAGE_FILE || m->type == IMAGE_BLOCK) && m->path != NULL;
}

static struct json_object *backing_fact(const struct chain_link *l)
{
	struct stat st;
	bool block = stat(l->path, &st) == 0 && S_ISBLK(st.st_mode);
	return plan_args(
	    "path", l->path, "format", l->format, "type", block ? "block" : "file", NULL);
}

/* [{"path", "format", "type"}, …] of what backs it, as the headers say; the top first. */
static int add_chain(const struct disk_image *m, struct json_object *fact, struct err *err)
{
	struct chain c;
	struct json_object *list = json_object_new_array();
	int rc = 0;
	chain_read(m->path, disk_format_name(m->format), &c);
	json_object_object_add(fact, "backing", list);
	if (c.trouble != NULL)
		rc = err_set(err, ERR_INVALID, "%s", c.trouble);
	for (size_t i = 1; rc == 0 && i < c.n; i++) {
		const struct chain_link *l = &c.links[i];
		if (l->kind == CHAIN_DATA)
			rc = err_set(err, ERR_UNSUPPORTED,
			    "image '%s' keeps its data in '%s': attach it while the machine is off (--config)",
			    c.links[i - 1].path, l->path);
		else if (l->path[0] != '/')
			rc = err_set(err, ERR_UNSUPPORTED,
			    "image '%s' is backed by '%s', which is no file of this host: say so by <backingStore>, or attach "
			    "it while the machine is off (--config)",
			    m->path, l->path);
		else
			json_object_array_add(list, backing_fact(l));
	}
	chain_fini(&c);
	return rc;
}

/* QEMU gets it when its time comes: whether there is one must be known before. */
static int check_secret(const struct plan_in *in, const struct image_secret *k, struct err *err)
{
	if (k == NULL)
		return 0;
	char *text = secrets_find(
	    in->home, k->type != NULL ? k->type : "passphrase", k->uuid, k->usage, err);
	if (text == NULL)
		return -1;
	secret_free(text);
	return 0;
}

static int look_at(
    const struct plan_in *in, struct domain *d, struct json_object *fact, struct err *err)
{
	struct domain_disk *k = &d->disks[0];
	CLEANUP_BUF struct buf notes = BUF_INIT;
	if (k->image.type == IMAGE_VOLUME) {
		if (disk_volumes_resolve(in->home, d, err) < 0)
			return -1;
		json_object_object_add(fact, "path", json_object_new_string(k->image.path));
		json_object_object_add(
		    fact, "type", json_object_new_string(image_type_name(k->image.type)));
		json_object_object_add(
		    fact, "format", json_object_new_string(disk_format_name(k->image.format)));
	}
	if (check_secret(
	        in, k->image.encryption != NULL ? &k->image.encryption_secret : NULL, err) < 0 ||
	    check_secret(in, k->image.auth_user != NULL ? &k->image.auth : NULL, err) < 0)
		return -1;
	if (!is_file(&k->image))
		return 0;
	if (disk_file_check("disk", k->image.path, !k->readonly, err) < 0 ||
	    chain_guard_check(in->home, d, false, err) < 0)
		return -1;
	bool told = k->image.backing != NULL || k->image.backing_ends;
	return told ? 0 : add_chain(&k->image, fact, err);
}

/* --- devices of the host --- */

/* As host_devices_find takes it; NULL: another kind. */
static char *host_word(
    const struct host_devices *l, const struct domain_attrs *a, enum hostdev_type type)
{
	unsigned bus = (unsigned)attrs_number(a, "source/address@bus", 0);
	unsigned device = (unsigned)attrs_number(a, "source/address@device", 0);
	if (type == HOSTDEV_PCI)
		return xasprintf("%04llx:%02x:%02llx.%llx",
		    (unsigned long long)attrs_number(a, "source/address@domain", 0), bus,
		    (unsigned long long)attrs_number(a, "source/address@slot", 0),
		    (unsigned long long)attrs_number(a, "source/address@function", 0));
	if (type == HOSTDEV_USB && attrs_has(a, "source/vendor@id"))
		return xasprintf("%04llx:%04llx",
		    (unsigned long long)attrs_number(a, "source/vendor@id", 0),
		    (unsigned long long)attrs_number(a, "source/product@id", 0));
	for (size_t i = 0; type == HOSTDEV_USB && i < l->n; i++)
		if (l->list[i].bus == HOST_USB && l->list[i].usb_bus == bus &&
		    l->list[i].usb_device == device)
			return xstrdup(l->list[i].address);
	return type == HOSTDEV_USB ? xasprintf("%u/%u", bus, device) : NULL;
}

static int check_host(const struct plan_in *in, const struct host_devices *l, const char *word,
    struct json_object *fact, struct err *err)
{
	const struct host_device *d = host_devices_find(l, word);
	if (d == NULL)
		return err_set(err, ERR_NOT_FOUND,
		    "the host has no device %s, or more than one such: 'hvmux host-devices' lists them",
		    word);
	if (d->refused != NULL)
		return err_set(
		    err, ERR_DENIED, "device %s stays with the host: %s", d->address, d->refused);
	if (d->bus == HOST_PCI && in->other_user)
		return err_set(err, ERR_UNSUPPORTED,
		    "QEMU of domain '%s' runs as another user, who gets PCI devices of the host at its start alone: --config",
		    in->name);
	if (d->bus == HOST_USB) {
		CLEANUP_FREE char *node =
		    xasprintf("/dev/bus/usb/%03u/%03u", d->usb_bus, d->usb_device);
		json_object_object_add(fact, "path", json_object_new_string(node));
	}
	return 0;
}

static int look_at_host(const struct plan_in *in, const struct domain_dev *dev,
    struct json_object *fact, struct err *err)
{
	struct host_devices l;
	if (host_devices_read(&host_probe_real, &l, err) < 0)
		return -1;
	CLEANUP_FREE char *word = host_word(&l, &dev->attrs, domain_hostdev_type(dev));
	int rc = word != NULL ? check_host(in, &l, word, fact, err) : 0;
	host_devices_fini(&l);
	return rc;
}

int plan_attach_look(const struct plan_in *in, struct json_object *facts, struct err *err)
{
	struct domain d = {0};
	if (plan_net_look(in, facts, err) < 0)
		return -1;
	/* The definition alone may name what is not there yet. */
	if ((in->where & PLAN_LIVE) == 0 || !read_device(in, &d)) {
		domain_fini(&d);
		return 0;
	}
	struct json_object *fact = json_object_new_object();
	json_object_object_add(facts, d.n_disks == 1 ? "image" : "hostdev", fact);
	int rc = d.n_disks == 1 ? look_at(in, &d, fact, err)
	                        : look_at_host(in, domain_dev_find(&d, DEV_HOSTDEV), fact, err);
	domain_fini(&d);
	return rc;
}

/* --- into the disk --- */

static int format_of(const char *word, enum disk_format *out)
{
	for (unsigned f = 0; f < DISK_FORMATS; f++)
		if (str_eq(disk_format_name((enum disk_format)f), word)) {
			*out = (enum disk_format)f;
			return 0;
		}
	return -1;
}

static int set_volume(struct disk_image *m, struct json_object *fact)
{
	const char *path = json_get_str(fact, "path");
	if (m->type != IMAGE_VOLUME || path == NULL)
		return 0;
	m->type = str_eq(json_get_str(fact, "type"), "block") ? IMAGE_BLOCK : IMAGE_FILE;
	free(m->path);
	m->path = xstrdup(path);
	return format_of(json_get_str(fact, "format"), &m->format);
}

int plan_attach_image(const struct plan_in *in, struct domain_disk *disk, struct err *err)
{
	struct json_object *fact = plan_fact(in, "image");
	struct json_object *list = json_get_arr(fact, "backing");
	struct disk_image *m = &disk->image;
	if (set_volume(m, fact) < 0)
		return err_set(err, ERR_INVALID, "the volume's format is not known");
	if (list == NULL || m->backing != NULL || m->backing_ends)
		return 0;
	for (size_t i = 0; i < json_object_array_length(list); i++, m = m->backing) {
		struct json_object *o = json_object_array_get_idx(list, i);
		m->backing = xcalloc(1, sizeof *m->backing);
		m->backing->type =
		    str_eq(json_get_str(o, "type"), "block") ? IMAGE_BLOCK : IMAGE_FILE;
		m->backing->nfs_user = m->backing->nfs_group = -1;
		m->backing->path = xstrdup0(json_get_str(o, "path"));
		if (format_of(json_get_str(o, "format"), &m->backing->format) < 0)
			return err_set(err, ERR_INVALID,
			    "the format of '%s', which backs another image, is not known",
			    m->backing->path);
	}
	m->backing_ends = true;
	return 0;
}
