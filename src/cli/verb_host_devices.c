/* host-devices, attach-host-device: devices of the host for guests. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/out.h"
#include "cli/plan_verb.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/host_devices.h"

static bool is_wanted(const struct cli *c, const struct host_device *d)
{
	bool pci = cli_flag(c, "pci"), usb = cli_flag(c, "usb");
	if (pci != usb && (d->bus == HOST_PCI) != pci)
		return false;
	return !cli_flag(c, "free") || d->refused == NULL;
}

static char *words_of(const struct host_device *d)
{
	const char *maker = d->maker != NULL ? d->maker : "",
	           *name = d->name != NULL ? d->name : "";
	if (maker[0] == '\0' && name[0] == '\0')
		return xasprintf("class %0*x", d->bus == HOST_PCI ? 6 : 2, d->class);
	return xasprintf("%s%s%s", maker, maker[0] != '\0' && name[0] != '\0' ? " " : "", name);
}

static struct json_object *to_json(const struct host_devices *l, const struct host_device *d)
{
	struct json_object *o = json_object_new_object();
	CLEANUP_FREE char *id = xasprintf("%04x:%04x", d->vendor, d->product);
	CLEANUP_FREE char *xml = host_device_xml(l, d);
	CLEANUP_FREE char *class = xasprintf("%0*x", d->bus == HOST_PCI ? 6 : 2, d->class);
	out_add_str(o, "bus", d->bus == HOST_PCI ? "pci" : "usb");
	out_add_str(o, "address", d->address);
	out_add_str(o, "id", id);
	out_add_str(o, "class", class);
	out_add_str(o, "maker", d->maker);
	out_add_str(o, "name", d->name);
	out_add_str(o, "driver", d->driver);
	if (d->group >= 0)
		out_add_u64(o, "iommu_group", (uint64_t)d->group);
	out_add_str(o, "refused", d->refused);
	out_add_str(o, "xml", d->refused == NULL ? xml : NULL);
	return o;
}

static void print_json(const struct cli *c, const struct host_devices *l)
{
	struct json_object *list = json_object_new_array();
	for (size_t i = 0; i < l->n; i++)
		if (is_wanted(c, &l->list[i]))
			json_object_array_add(list, to_json(l, &l->list[i]));
	out_json(list);
}

static void print_table(const struct cli *c, const struct host_devices *l)
{
	static const char *const heads[] = {
	    "Bus", "Address", "Id", "Driver", "Device", "For a guest"};
	struct out_table *t = out_table_new(ARRAY_LEN(heads), heads);
	for (size_t i = 0; i < l->n; i++) {
		const struct host_device *d = &l->list[i];
		if (!is_wanted(c, d))
			continue;
		CLEANUP_FREE char *id = xasprintf("%04x:%04x", d->vendor, d->product);
		CLEANUP_FREE char *words = words_of(d);
		CLEANUP_FREE char *no = d->refused != NULL ? xasprintf("no: %s", d->refused) : NULL;
		const char *const cells[] = {d->bus == HOST_PCI ? "pci" : "usb", d->address, id,
		    d->driver != NULL ? d->driver : "-", words, no != NULL ? no : "yes"};
		out_table_row(t, cells);
	}
	CLEANUP_BUF struct buf text = BUF_INIT;
	out_table_format(t, true, &text);
	fwrite(text.data, 1, text.len, stdout);
	out_table_free(t);
}

int verb_host_devices(struct cli *c)
{
	struct host_devices l;
	struct err err;
	if (host_devices_read(&host_probe_real, &l, &err) < 0) {
		out_error("%s", err.msg);
		return out_status(&err);
	}
	host_devices_name(&l);
	if (c->json)
		print_json(c, &l);
	else
		print_table(c, &l);
	host_devices_fini(&l);
	return CLI_DONE;
}

/* The element for the device of this word; NULL. */
static char *element(const char *word, struct err *err)
{
	struct host_devices l;
	char *xml = NULL;
	if (host_devices_read(&host_probe_real, &l, err) < 0)
		return NULL;
	const struct host_device *d = host_devices_find(&l, word);
	if (d == NULL)
		err_set(err, ERR_NOT_FOUND,
		    "the host has no device '%s', or more than one such: 'hvmux host-devices' lists them",
		    word);
	else if (d->refused != NULL)
		err_set(
		    err, ERR_DENIED, "device %s stays with the host: %s", d->address, d->refused);
	else
		xml = host_device_xml(&l, d);
	host_devices_fini(&l);
	return xml;
}

int verb_attach_host_device(struct cli *c)
{
	struct err err;
	CLEANUP_FREE char *xml = element(cli_value(c, "device"), &err);
	if (xml == NULL) {
		out_error("Failed to attach device");
		out_error("%s", err.msg);
		return out_status(&err);
	}
	const struct plan_request r = {.verb = "attach-device",
	    .args = json_object_new_object(),
	    .done = "Device attached successfully",
	    .failed = "Failed to attach device"};
	json_object_object_add(r.args, "xml", json_object_new_string(xml));
	json_object_object_add(r.args, "file", json_object_new_string("device"));
	return plan_verb_run(c, &r);
}
