/* domdisplay, vncdisplay, screenshot: where QEMU shows the guest's screen, and a picture of it. What is told is what QEMU
 * says that it listens on, not what the document wished. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/live.h"
#include "cli/out.h"
#include "core/buf.h"
#include "core/file.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/png.h"
#include "core/store.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "core/xml.h"

#define VNC_BASE_PORT 5900 /* display 0 */

/* --- where --- */

/* host, service, tls_port are borrowed from `from`. */
struct display {
	const char *scheme;
	bool is_socket;
	char *path; /* of the socket, the caller's */
	const char *host, *service;
	int64_t tls_port;
	struct json_object *from;
};

static void display_fini(struct display *d)
{
	free(d->path);
	json_object_put(d->from);
	memset(d, 0, sizeof(*d));
}

/* A run directory with a long name is given to QEMU as a descriptor. */
static char *socket_path(const struct live *l, const char *service)
{
	const char *slash = strrchr(service, '/');
	if (slash && str_prefix(service, "/proc/self/fd/"))
		return home_run_file(&l->c->home, l->name, slash + 1);
	return xstrdup(service);
}

/* ERR_NOT_FOUND: there is none of this kind. */
static int find_vnc(struct live *l, struct display *d, struct err *err)
{
	d->scheme = "vnc";
	if (live_qmp(l, "query-vnc", NULL, &d->from, err) < 0)
		return -1;
	d->host = json_get_str(d->from, "host");
	d->service = json_get_str(d->from, "service");
	if (!json_get_bool(d->from, "enabled", 0) || !d->service)
		return err_set(err, ERR_NOT_FOUND, "No graphical display with type 'vnc' found");
	d->is_socket = str_eq(json_get_str(d->from, "family"), "unix");
	if (d->is_socket)
		d->path = socket_path(l, d->service);
	return 0;
}

static int find_spice(struct live *l, struct display *d, struct err *err)
{
	char port[24];
	d->scheme = "spice";
	int rc = live_qmp(l, "query-spice", NULL, &d->from, err);
	if (rc < 0 && err->code != ERR_UNSUPPORTED)
		return -1;
	int64_t n = json_get_int(d->from, "port", 0);
	d->tls_port = json_get_int(d->from, "tls-port", 0);
	if (rc < 0 || !json_get_bool(d->from, "enabled", 0) || (n <= 0 && d->tls_port <= 0))
		return err_set(err, ERR_NOT_FOUND, "No graphical display with type 'spice' found");
	snprintf(port, sizeof(port), "%lld", (long long)n);
	if (n > 0)
		json_object_object_add(d->from, "service", json_object_new_string(port));
	d->host = json_get_str(d->from, "host");
	d->service = json_get_str(d->from, "service");
	return 0;
}

static const struct kind {
	const char *name;
	int (*find)(struct live *l, struct display *d, struct err *err);
} kinds[] = {{"spice", find_spice}, {"vnc", find_vnc}}; /* virsh's order */

/* "any address" is no address to connect to. */
static const char *host_word(const char *host)
{
	return !host || !host[0] || str_eq(host, "0.0.0.0") || str_eq(host, "::") ? "localhost"
	                                                                          : host;
}

/* <graphics passwd>; on the heap, NULL none. */
static char *password_of(const struct live *l, const char *type)
{
	CLEANUP_BUF struct buf xml = BUF_INIT;
	CLEANUP_FREE char *path = home_run_file(&l->c->home, l->name, "live.xml");
	if (file_read(path, STORE_XML_MAX, &xml, NULL) < 0)
		return NULL;
	CLEANUP_XML xmlDoc *doc = xml_read(xml.data, xml.len, path, "domain", NULL);
	xmlNode *devices = doc ? xml_child(xmlDocGetRootElement(doc), "devices") : NULL;
	for (xmlNode *n = xml_first(devices); n; n = xml_next(n)) {
		CLEANUP_FREE char *kind = xml_attr(n, "type");
		if (xml_is(n, "graphics") && str_eq(kind, type))
			return xml_attr(n, "passwd");
	}
	return NULL;
}

static char *display_uri(const struct live *l, const struct display *d)
{
	struct buf b = BUF_INIT;
	CLEANUP_FREE char *password =
	    cli_flag(l->c, "include-password") ? password_of(l, d->scheme) : NULL;
	uint64_t port = 0;
	bool vnc = str_eq(d->scheme, "vnc");
	if (d->is_socket) {
		buf_addf(&b, "%s+unix://%s", d->scheme, d->path);
		return buf_take(&b);
	}
	bool v6 = strchr(host_word(d->host), ':') != NULL;
	buf_addf(&b, "%s://", d->scheme);
	if (password && vnc)
		buf_addf(&b, ":%s@", password);
	buf_addf(&b, v6 ? "[%s]" : "%s", host_word(d->host));
	if (d->service && str_u64(d->service, 65535, &port) == 0)
		buf_addf(&b, ":%llu",
		    (unsigned long long)(vnc && port >= VNC_BASE_PORT ? port - VNC_BASE_PORT
		                                                      : port));
	if (d->tls_port > 0)
		buf_addf(&b, "?tls-port=%lld", (long long)d->tls_port);
	if (password && !vnc)
		buf_addf(&b, "%spassword=%s", d->tls_port > 0 ? "&" : "?", password);
	return buf_take(&b);
}

static void tell_display(const struct display *d, const char *uri, struct json_object *list)
{
	if (!list) {
		CLEANUP_FREE char *shown = str_printable(uri, strlen(uri), 4096);
		puts(shown);
		return;
	}
	struct json_object *o = json_object_new_object();
	out_add_str(o, "type", d->scheme);
	out_add_str(o, "uri", uri);
	json_object_array_add(list, o);
}

/* list: for --json, else NULL. */
static int tell_displays(struct live *l, struct json_object *list, struct err *err)
{
	const char *type = cli_value(l->c, "type");
	unsigned found = 0;
	for (size_t i = 0; i < ARRAY_LEN(kinds) && (!found || cli_flag(l->c, "all")); i++) {
		struct display d = {0};
		if (type && !str_eq(type, kinds[i].name))
			continue;
		int rc = kinds[i].find(l, &d, err);
		CLEANUP_FREE char *uri = rc == 0 ? display_uri(l, &d) : NULL;
		if (rc == 0)
			tell_display(&d, uri, list);
		display_fini(&d);
		if (rc < 0 && err->code != ERR_NOT_FOUND)
			return -1;
		found += rc == 0;
	}
	if (found)
		return 0;
	return type ? err_set(err, ERR_NOT_FOUND, "No graphical display with type '%s' found", type)
	            : err_set(err, ERR_NOT_FOUND, "No graphical display found");
}

int verb_domdisplay(struct cli *c)
{
	struct err err = {0};
	struct live l;
	struct json_object *list = c->json ? json_object_new_array() : NULL;
	int rc = live_open(c, &l, &err);
	if (rc == 0)
		rc = tell_displays(&l, list, &err);
	live_fini(&l);
	if (rc == 0 && list)
		out_json(json_object_get(list));
	json_object_put(list);
	return rc == 0 ? CLI_DONE : live_failed(NULL, &err);
}

static int print_vnc(struct live *l, struct err *err)
{
	struct display d = {0};
	uint64_t port = 0;
	int rc = find_vnc(l, &d, err);
	if (rc == 0 && d.is_socket)
		rc = err_set(
		    err, ERR_NOT_FOUND, "it has no port: VNC is served on the socket '%s'", d.path);
	else if (rc == 0 && (str_u64(d.service, 65535, &port) < 0 || port < VNC_BASE_PORT))
		rc = err_set(err, ERR_FAIL, "QEMU names no VNC port");
	const char *host =
	    d.host && !str_eq(d.host, "0.0.0.0") && !str_eq(d.host, "::") ? d.host : "";
	if (rc == 0 && l->c->json) {
		struct json_object *o = json_object_new_object();
		out_add_str(o, "host", host[0] ? host : NULL);
		out_add_u64(o, "display", port - VNC_BASE_PORT);
		out_json(o);
	} else if (rc == 0) {
		printf("%s:%llu\n", host, (unsigned long long)(port - VNC_BASE_PORT));
	}
	display_fini(&d);
	return rc;
}

int verb_vncdisplay(struct cli *c)
{
	struct err err = {0};
	struct live l;
	int rc = live_open(c, &l, &err);
	if (rc == 0)
		rc = print_vnc(&l, &err);
	live_fini(&l);
	return rc == 0 ? CLI_DONE
	               : live_failed("Failed to get VNC port. Is this domain using VNC?", &err);
}

/* --- screenshot --- */

/* QEMU draws into memory of ours, which it gets as a descriptor: it need not be able to make files. The descriptor must be for
 * writing alone, as QEMU opens what it draws to. */
static int ask_ppm(struct live *l, int memory, struct err *err)
{
	CLEANUP_FREE char *self = xasprintf("/proc/self/fd/%d", memory);
	CLEANUP_CLOSE int write_only = open(self, O_WRONLY | O_CLOEXEC);
	struct json_object *set = NULL, *args = json_object_new_object();
	const char *screen = cli_value(l->c, "screen");
	if (write_only < 0) {
		json_object_put(args);
		return err_errno(err, errno, "cannot open '%s'", self);
	}
	if (live_qmp_fd(l, "add-fd", NULL, write_only, &set, err) < 0) {
		json_object_put(args);
		return -1;
	}
	int64_t id = json_get_int(set, "fdset-id", -1);
	CLEANUP_FREE char *file = xasprintf("/dev/fdset/%lld", (long long)id);
	json_object_put(set);
	out_add_str(args, "filename", file);
	if (screen && cli_number(l->c, "screen", 0) > 0) {
		out_add_str(args, "device", "video0");
		json_object_object_add(
		    args, "head", json_object_new_int64((int64_t)cli_number(l->c, "screen", 0)));
	}
	int rc = live_qmp(l, "screendump", args, NULL, err);
	struct json_object *back = json_object_new_object();
	json_object_object_add(back, "fdset-id", json_object_new_int64(id));
	(void)live_qmp(l, "remove-fd", back, NULL, NULL);
	return rc;
}

static int read_picture(int memory, struct buf *png, struct err *err)
{
	struct stat st;
	struct picture p;
	if (fstat(memory, &st) < 0)
		return err_errno(err, errno, "cannot read the picture");
	if (st.st_size <= 0 || (uint64_t)st.st_size > PNG_PPM_MAX)
		return err_set(err, ERR_FAIL, "QEMU drew no picture");
	size_t n = (size_t)st.st_size;
	/* A copy: QEMU, which a guest may have taken over, still holds the memory. */
	CLEANUP_FREE char *data = xmalloc(n);
	if (pread(memory, data, n, 0) != (ssize_t)n)
		return err_set(err, ERR_IO, "cannot read the picture");
	return picture_from_ppm(data, n, &p, err) < 0 ? -1 : picture_to_png(&p, png, err);
}

/* virsh's NAME-2026-11-21-14:05:33.png. */
static char *default_file(const char *name)
{
	char when[32];
	timestamp_local((uint64_t)time(NULL), "%Y-%m-%d-%H:%M:%S", when, sizeof(when));
	return xasprintf("%s-%s.png", name, when);
}

static int take_screenshot(struct live *l, struct err *err)
{
	CLEANUP_CLOSE int memory = memfd_create("hvmux-screenshot", MFD_CLOEXEC);
	CLEANUP_BUF struct buf png = BUF_INIT;
	const char *given = cli_value(l->c, "file");
	CLEANUP_FREE char *file = given ? xstrdup(given) : default_file(l->name);
	if (memory < 0)
		return err_errno(err, errno, "cannot make memory for the picture");
	if (ask_ppm(l, memory, err) < 0 || read_picture(memory, &png, err) < 0 ||
	    file_write_atomic(file, png.data, png.len, 0644, err) < 0)
		return -1;
	if (l->c->json) {
		struct json_object *o = json_object_new_object();
		out_add_str(o, "file", file);
		out_add_str(o, "type", "image/png");
		out_json(o);
		return 0;
	}
	out_message(l->c, "Screenshot saved to %s, with type of image/png", file);
	return 0;
}

int verb_screenshot(struct cli *c)
{
	struct err err = {0};
	struct live l;
	int rc = live_open(c, &l, &err);
	if (rc == 0)
		rc = take_screenshot(&l, &err);
	CLEANUP_FREE char *what = xasprintf(
	    "could not take a screenshot of %s", l.name ? l.name : cli_value(c, "domain"));
	live_fini(&l);
	return rc == 0 ? CLI_DONE : live_failed(what, &err);
}
