/* Back ends of character devices onto the command line. */
#include "kvm/argv_dev.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/str.h"

#define TLS_DIR "/etc/pki/qemu" /* where libvirt's default configuration looks, too */

/* One back end in the making. */
struct backend {
	struct builder *b;
	const char *id, *type, *prefix, *name;
	const struct domain_attrs *a;
	struct buf value;
};

/* attr: "source@path"; below the prefix. */
static const char *get(const struct backend *e, const char *attr)
{
	CLEANUP_FREE char *name = xasprintf("%s%s", e->prefix, attr);
	return attrs_get(e->a, name);
}

static void add(struct backend *e, const char *key, const char *attr)
{
	const char *text = get(e, attr);
	if (text != NULL)
		build_key(&e->value, key, text);
}

static void begin(struct backend *e, const char *kind)
{
	buf_addf(&e->value, "%s,id=%s", kind, e->id);
}

/* "yes" switches a client's reconnecting on. */
static void add_listen(struct backend *e, bool server)
{
	const char *enabled = get(e, "source/reconnect@enabled");
	const char *timeout = get(e, "source/reconnect@timeout");
	if (server)
		buf_adds(&e->value, ",server=on,wait=off");
	else if (str_eq(enabled, "yes") && timeout != NULL)
		buf_addf(&e->value, ",reconnect=%s", timeout);
}

static void plain(struct backend *e)
{
	begin(e, e->type);
}

static void pty(struct backend *e)
{
	begin(e, "pty");
}

static void path(struct backend *e)
{
	begin(e, e->type);
	add(e, "path", "source@path");
	if (strcmp(e->type, "file") == 0 && get(e, "source@append") != NULL)
		add(e, "append", "source@append");
}

static void dev(struct backend *e)
{
	begin(e, str_prefix(e->id, "charparallel") ? "parallel" : "serial");
	add(e, "path", "source@path");
}

static void unix_socket(struct backend *e)
{
	begin(e, "socket");
	add(e, "path", "source@path");
	add_listen(e, str_eq(get(e, "source@mode"), "bind"));
}

static void tcp(struct backend *e)
{
	bool server = str_eq(get(e, "source@mode"), "bind");
	const char *protocol = get(e, "protocol@type"), *host = get(e, "source@host");
	bool tls = str_eq(get(e, "source@tls"), "yes") || str_eq(protocol, "tls");
	if (tls)
		build_addf(e->b, "-object",
		    "tls-creds-x509,id=obj%s_tls0,dir=" TLS_DIR ",endpoint=%s,verify-peer=on",
		    e->id, server ? "server" : "client");
	begin(e, "socket");
	/* No host is libvirt's own machine, not all of its networks. */
	build_key(&e->value, "host", host != NULL && host[0] != '\0' ? host : "127.0.0.1");
	add(e, "port", "source@service");
	if (str_eq(protocol, "telnet"))
		buf_adds(&e->value, ",telnet=on");
	add_listen(e, server);
	if (tls)
		buf_addf(&e->value, ",tls-creds=obj%s_tls0", e->id);
}

/* Two <source>: where to send to (connect), where from (bind). */
static void udp(struct backend *e)
{
	const char *mode = get(e, "source@mode");
	bool first = !str_eq(mode, "bind");
	const char *bind_host = get(e, first ? "source[1]@host" : "source@host");
	const char *bind_port = get(e, first ? "source[1]@service" : "source@service");
	begin(e, "udp");
	const char *host = get(e, first ? "source@host" : "source[1]@host");
	build_key(&e->value, "host", host != NULL && host[0] != '\0' ? host : "127.0.0.1");
	add(e, "port", first ? "source@service" : "source[1]@service");
	if (bind_host != NULL || bind_port != NULL) {
		build_key(&e->value, "localaddr", bind_host != NULL ? bind_host : "127.0.0.1");
		build_key(&e->value, "localport", bind_port != NULL ? bind_port : "0");
	}
}

static void spicevmc(struct backend *e)
{
	begin(e, "spicevmc");
	build_key(&e->value, "name", e->name != NULL ? e->name : "vdagent");
}

static void named(struct backend *e)
{
	const char *channel = get(e, "source@channel");
	begin(e, e->type);
	if (channel == NULL && str_eq(e->name, "usbredir"))
		channel = "org.qemu.usbredir";
	if (channel != NULL)
		build_key(&e->value, "name", channel);
}

static void vdagent(struct backend *e)
{
	const char *clipboard = get(e, "source/clipboard@copypaste");
	const char *mouse = get(e, "source/mouse@mode");
	begin(e, "qemu-vdagent");
	buf_adds(&e->value, ",name=vdagent");
	if (clipboard != NULL)
		buf_addf(&e->value, ",clipboard=%s", strcmp(clipboard, "yes") == 0 ? "on" : "off");
	if (mouse != NULL)
		buf_addf(&e->value, ",mouse=%s", strcmp(mouse, "client") == 0 ? "on" : "off");
}

int build_backend(struct builder *b, const char *id, const char *type, const struct domain_attrs *a,
    const char *prefix, const char *name)
{
	static const struct {
		const char *type;
		void (*build)(struct backend *e);
	} kinds[] = {{"pty", pty}, {"null", plain}, {"vc", plain}, {"stdio", plain}, {"file", path},
	    {"pipe", path}, {"dev", dev}, {"unix", unix_socket}, {"tcp", tcp}, {"udp", udp},
	    {"spicevmc", spicevmc}, {"spiceport", named}, {"dbus", named},
	    {"qemu-vdagent", vdagent}};
	struct backend e = {.b = b, .id = id, .type = type, .prefix = prefix, .name = name, .a = a};
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].type, type) == 0)
			kinds[i].build(&e);
	add(&e, "logfile", "log@file");
	if (get(&e, "log@file") != NULL)
		buf_addf(
		    &e.value, ",logappend=%s", str_eq(get(&e, "log@append"), "on") ? "on" : "off");
	build_take(b, "-chardev", &e.value);
	return 0;
}
