/* attach-disk, detach-disk: a disk in and out, of what runs and of what is defined. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/attach_image.h"
#include "cli/device_doc.h"
#include "cli/out.h"
#include "cli/plan_verb.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/xml.h"

#define FAILED "Failed to attach disk"

/* --- the element, in virsh's order --- */

static const char *or_null(const struct cli *c, const char *opt)
{
	return cli_flag(c, opt) ? cli_value(c, opt) : NULL;
}

static bool is_block(const char *path)
{
	struct stat st;
	return path[0] == '/' && stat(path, &st) == 0 && S_ISBLK(st.st_mode);
}

/* A file that is a qcow2 by its name, which an operator gave, and by its contents, which a guest may have written: both
 * together say what it is where --subdriver does not. Else it is raw, as for virsh. */
static bool is_qcow2(const char *path)
{
	static const char magic[4] = "QFI\xfb";
	char head[4] = "";
	size_t n = strlen(path);
	if (path[0] != '/' || n < 6 || strcmp(path + n - 6, ".qcow2") != 0)
		return false;
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd >= 0 && pread(fd, head, 4, 0) == 4 && memcmp(head, magic, 4) == 0;
}

static void set(xmlNode *node, const char *attr, const char *value)
{
	if (value != NULL)
		xml_set_attr(node, attr, value);
}

static void text_child(xmlNode *node, const char *child, const char *value)
{
	if (value != NULL)
		xml_set_text(xml_add_child(node, child), value);
}

static int source_type(const struct cli *c, const char **type, struct err *err)
{
	static const char *const types[] = {"file", "block", "network"};
	const char *wanted = or_null(c, "sourcetype");
	if (wanted == NULL)
		wanted = cli_flag(c, "source-protocol")     ? "network"
		         : is_block(cli_value(c, "source")) ? "block"
		                                            : "file";
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strcmp(types[i], wanted) == 0)
			*type = types[i];
	return *type != NULL ? 0 : err_set(err, ERR_USAGE, "Unknown source type: '%s'", wanted);
}

static void add_driver(const struct cli *c, xmlNode *disk, const char *type)
{
	const char *format = or_null(c, "subdriver"), *io = or_null(c, "io");
	const char *cache = or_null(c, "cache"), *thread = or_null(c, "iothread");
	const char *driver = or_null(c, "driver");
	if (format == NULL && strcmp(type, "file") == 0 && is_qcow2(cli_value(c, "source")))
		format = "qcow2";
	if (driver == NULL && format == NULL && io == NULL && cache == NULL && thread == NULL)
		return;
	xmlNode *node = xml_add_child(disk, "driver");
	set(node, "name", driver != NULL || format == NULL ? driver : "qemu");
	set(node, "type", format);
	set(node, "iothread", thread);
	set(node, "cache", cache);
	set(node, "io", io);
}

static int add_host(const struct cli *c, xmlNode *source, struct err *err)
{
	const char *name = or_null(c, "source-host-name"),
	           *socket = or_null(c, "source-host-socket");
	if (name != NULL && socket != NULL)
		return err_set(err, ERR_USAGE,
		    "Options --source-host-name and --source-host-socket are mutually exclusive");
	if (name == NULL && socket == NULL)
		return 0;
	xmlNode *host = xml_add_child(source, "host");
	set(host, "transport", or_null(c, "source-host-transport"));
	set(host, "socket", socket);
	if (name == NULL)
		return 0;
	const char *colon = strrchr(name, ':');
	bool port = colon != NULL && strchr(colon, ']') == NULL;
	CLEANUP_FREE char *only = xstrndup(name, port ? (size_t)(colon - name) : strlen(name));
	set(host, "name", only);
	set(host, "port", port ? colon + 1 : NULL);
	return 0;
}

static int add_source(const struct cli *c, xmlNode *disk, const char *type, struct err *err)
{
	const char *from = cli_value(c, "source");
	if (from[0] == '\0')
		return 0; /* an empty drive */
	xmlNode *source = xml_add_child(disk, "source");
	if (strcmp(type, "network") != 0) {
		xml_set_attr(source, strcmp(type, "block") == 0 ? "dev" : "file", from);
		return 0;
	}
	set(source, "protocol", or_null(c, "source-protocol"));
	set(source, "name", from);
	return add_host(c, source, err);
}

/* "pci:0000.00.0a.0", "scsi:0.0.1", "sata:…", "ide:…", "usb:1.2", as virsh takes them. */
static int add_address(const struct cli *c, xmlNode *disk, struct err *err)
{
	const char *text = or_null(c, "address");
	unsigned n[4];
	char value[4][16];
	if (text == NULL)
		return cli_flag(c, "multifunction")
		           ? err_set(err, ERR_USAGE, "--multifunction needs --address")
		           : 0;
	const char *colon = strchr(text, ':');
	bool pci = str_prefix(text, "pci:"), usb = str_prefix(text, "usb:");
	bool drive =
	    str_prefix(text, "scsi:") || str_prefix(text, "sata:") || str_prefix(text, "ide:");
	int end = -1, want = pci ? 4 : usb ? 2 : 3, got = 0;
	if (pci)
		got = sscanf(colon + 1, "%x.%x.%x.%x%n", &n[0], &n[1], &n[2], &n[3], &end);
	else if (usb)
		got = sscanf(colon + 1, "%u.%u%n", &n[0], &n[1], &end);
	else if (drive)
		got = sscanf(colon + 1, "%u.%u.%u%n", &n[0], &n[1], &n[2], &end);
	if (got != want || end < 0 || colon[1 + end] != '\0')
		return err_set(err, ERR_USAGE,
		    "Invalid address '%s': pci:0000.00.00.0, scsi:0.0.0, sata:0.0.0, ide:0.0.0 and usb:1.2 are known",
		    text);
	static const char *const names[3][4] = {{"domain", "bus", "slot", "function"},
	    {"bus", "port", NULL, NULL}, {"controller", "bus", "unit", NULL}};
	xmlNode *node = xml_add_child(disk, "address");
	xml_set_attr(node, "type", pci ? "pci" : usb ? "usb" : "drive");
	for (int i = 0; i < want; i++) {
		snprintf(value[i], sizeof value[i],
		    pci ? i == 0   ? "0x%04x"
		          : i == 3 ? "0x%x"
		                   : "0x%02x"
		        : "%u",
		    n[i]);
		xml_set_attr(node, names[pci ? 0 : usb ? 1 : 2][i], value[i]);
	}
	if (pci && cli_flag(c, "multifunction"))
		xml_set_attr(node, "multifunction", "on");
	return 0;
}

static int add_mode(const struct cli *c, xmlNode *disk, struct err *err)
{
	const char *mode = or_null(c, "mode");
	if (mode == NULL)
		return 0;
	if (strcmp(mode, "readonly") != 0 && strcmp(mode, "shareable") != 0)
		return err_set(err, ERR_USAGE, "No support for %s in command 'attach-disk'", mode);
	xml_add_child(disk, mode);
	return 0;
}

static int fill(const struct cli *c, xmlNode *disk, struct err *err)
{
	const char *type = NULL;
	if (source_type(c, &type, err) < 0)
		return -1;
	xml_set_attr(disk, "type", type);
	set(disk, "device", or_null(c, "type"));
	if (cli_flag(c, "rawio"))
		xml_set_attr(disk, "rawio", "yes");
	add_driver(c, disk, type);
	if (add_source(c, disk, type, err) < 0)
		return -1;
	xmlNode *target = xml_add_child(disk, "target");
	xml_set_attr(target, "dev", cli_value(c, "target"));
	set(target, "bus", or_null(c, "targetbus"));
	if (add_mode(c, disk, err) < 0)
		return -1;
	text_child(disk, "serial", or_null(c, "serial"));
	if (cli_flag(c, "alias"))
		xml_set_attr(xml_add_child(disk, "alias"), "name", cli_value(c, "alias"));
	text_child(disk, "wwn", or_null(c, "wwn"));
	return add_address(c, disk, err);
}

/* On the heap; NULL on failure. */
static char *disk_element(const struct cli *c, struct err *err)
{
	size_t n;
	xmlDoc *doc = xmlNewDoc((const xmlChar *)"1.0");
	xmlNode *disk = xmlNewDocNode(doc, NULL, (const xmlChar *)"disk", NULL);
	xmlDocSetRootElement(doc, disk);
	int rc = fill(c, disk, err);
	xml_reindent(disk);
	char *text = rc == 0 ? xml_format(doc, &n) : NULL;
	xmlFreeDoc(doc);
	return text;
}

int verb_attach_disk(struct cli *c)
{
	struct err err = {0};
	bool running;
	CLEANUP_FREE char *xml = disk_element(c, &err);
	if (xml == NULL) {
		out_error("%s", err.msg);
		return CLI_FAILED;
	}
	if (cli_flag(c, "print-xml")) {
		fputs(xml, stdout);
		return CLI_DONE;
	}
	CLEANUP_FREE char *name = plan_verb_domain(c, FAILED, &running);
	if (name == NULL)
		return CLI_FAILED;
	if (attach_is_live(c, running) && attach_image_check(c, name, xml, &err) < 0)
		return out_refusal(FAILED, &err);
	const struct plan_request r = {.args = json_object_new_object(),
	    .done = "Disk attached successfully",
	    .failed = FAILED};
	json_object_object_add(r.args, "xml", json_object_new_string(xml));
	json_object_object_add(r.args, "file", json_object_new_string("disk"));
	return plan_verb_run(c, &r);
}

/* --- out --- */

static int print_disk(struct cli *c, struct err *err)
{
	CLEANUP(device_doc_fini) struct device_doc doc = {0};
	const char *target = cli_value(c, "target");
	bool config = cli_flag(c, "config") && !cli_flag(c, "live");
	if (device_doc_open(c, config, &doc, err) < 0)
		return -1;
	for (size_t i = 0; i < doc.d.n_disks; i++)
		if (str_eq(doc.d.disks[i].target, target) ||
		    str_eq(doc.d.disks[i].image.path, target))
			return device_doc_print(&doc, doc.d.disks[i].element, NULL, NULL, err);
	return err_set(
	    err, ERR_NOT_FOUND, "No disk found whose source path or target is %s", target);
}

int verb_detach_disk(struct cli *c)
{
	struct err err = {0};
	if (cli_flag(c, "print-xml")) {
		if (print_disk(c, &err) == 0)
			return CLI_DONE;
		return out_refusal(NULL, &err);
	}
	const struct plan_request r = {.args = json_object_new_object(),
	    .done = "Disk detached successfully",
	    .failed = "Failed to detach disk"};
	json_object_object_add(r.args, "target", json_object_new_string(cli_value(c, "target")));
	return plan_verb_run(c, &r);
}
