/* attach-interface, detach-interface: the device's element from options, as virsh writes it; the rest is that of attach-device. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/device_doc.h"
#include "cli/dispatch.h"
#include "cli/out.h"
#include "cli/plan_verb.h"
#include "cli/rates.h"
#include "core/buf.h"
#include "core/mem.h"
#include "core/str.h"

/* --- the element --- */

static void add_escaped(struct buf *b, const char *text)
{
	for (; *text != '\0'; text++) {
		if (strchr("&<>'\"", *text) != NULL)
			buf_addf(b, "&#%d;", *text);
		else
			buf_addc(b, *text);
	}
}

/* " name='value'"; nothing for NULL. */
static void add_attr(struct buf *b, const char *name, const char *value)
{
	if (value == NULL)
		return;
	buf_addf(b, " %s='", name);
	add_escaped(b, value);
	buf_addc(b, '\'');
}

static void add_element(struct buf *b, const char *element, const char *attr, const char *value)
{
	if (value == NULL)
		return;
	buf_addf(b, "  <%s", element);
	add_attr(b, attr, value);
	buf_adds(b, "/>\n");
}

/* "0000:00:19.0", of the host. */
static int add_pci(struct buf *b, const char *source, struct err *err)
{
	unsigned v[4];
	char end;
	if (sscanf(source, "%x:%x:%x.%x%c", &v[0], &v[1], &v[2], &v[3], &end) != 4 ||
	    v[0] > 0xffff || v[1] > 0xff || v[2] > 0x1f || v[3] > 7)
		return err_set(err, ERR_INVALID,
		    "cannot parse pci address '%s': it is like 0000:00:19.0 (lspci -D)", source);
	buf_addf(b,
	    "  <source>\n    <address type='pci' domain='0x%04x' bus='0x%02x' slot='0x%02x' "
	    "function='0x%x'/>\n  </source>\n",
	    v[0], v[1], v[2], v[3]);
	return 0;
}

/* The kinds that can be named by one word. */
static const struct {
	const char *type, *attr; /* of <source>; NULL: it has none, or one of its own */
} types[] = {{"network", "network"}, {"bridge", "bridge"}, {"direct", "dev"}, {"hostdev", NULL},
    {"vhostuser", "path"}, {"user", NULL}, {"ethernet", NULL}};

/* virsh knows those of vhostuser alone. */
static bool mode_fits(const char *type, const char *mode)
{
	static const char *const modes[][2] = {{"vhostuser", "server"}, {"vhostuser", "client"},
	    {"direct", "vepa"}, {"direct", "bridge"}, {"direct", "private"},
	    {"direct", "passthrough"}};
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (str_eq(type, modes[i][0]) && str_eq(mode, modes[i][1]))
			return true;
	return false;
}

static int add_source(const struct cli *c, struct buf *b, size_t t, struct err *err)
{
	const char *source = cli_value(c, "source"), *mode = cli_value(c, "source-mode");
	bool vhostuser = strcmp(types[t].type, "vhostuser") == 0;
	bool needed = types[t].attr != NULL || strcmp(types[t].type, "hostdev") == 0;
	if (needed && source == NULL)
		return err_set(err, ERR_USAGE,
		    "command 'attach-interface' requires <source> option for type '%s'",
		    types[t].type);
	if (mode != NULL && !mode_fits(types[t].type, mode))
		return err_set(err, ERR_INVALID, "Invalid source mode: %s", mode);
	if (strcmp(types[t].type, "hostdev") == 0)
		return add_pci(b, source, err);
	if (types[t].attr == NULL)
		return 0;
	buf_adds(b, "  <source");
	add_attr(b, "type", vhostuser ? "unix" : NULL);
	add_attr(b, types[t].attr, source);
	add_attr(b, "mode", mode);
	buf_adds(b, "/>\n");
	return 0;
}

/* --- bandwidths: "average,peak,burst,floor" --- */

static int add_rate(struct buf *b, const char *element, const char *text, struct err *err)
{
	uint64_t v[RATE_FIELDS];
	if (text == NULL)
		return 0;
	if (rates_read(element, text, v, err) < 0)
		return -1;
	buf_addf(b, "    <%s", element);
	for (unsigned i = 0; i < RATE_FIELDS; i++)
		if (v[i] > 0)
			buf_addf(b, " %s='%llu'", rates_field(i), (unsigned long long)v[i]);
	buf_adds(b, "/>\n");
	return 0;
}

static int add_bandwidth(const struct cli *c, struct buf *b, struct err *err)
{
	const char *in = cli_value(c, "inbound"), *out = cli_value(c, "outbound");
	if (in == NULL && out == NULL)
		return 0;
	buf_adds(b, "  <bandwidth>\n");
	if (add_rate(b, "inbound", in, err) < 0 || add_rate(b, "outbound", out, err) < 0)
		return -1;
	buf_adds(b, "  </bandwidth>\n");
	return 0;
}

/* --- ports of QEMU's user networking: "tcp:2222:22", "udp:127.0.0.1:5353:53" --- */

static int add_forward(struct buf *b, const char *text, struct err *err)
{
	const char *first = strchr(text, ':'), *last = strrchr(text, ':');
	CLEANUP_FREE char *proto = xstrndup(text, first != NULL ? (size_t)(first - text) : 0);
	CLEANUP_FREE char *rest =
	    first != NULL && last > first ? xstrndup(first + 1, (size_t)(last - first - 1)) : NULL;
	char *colon = rest != NULL ? strrchr(rest, ':') : NULL;
	uint64_t host, guest;
	if (colon != NULL)
		*colon = '\0';
	const char *port = colon != NULL ? colon + 1 : rest;
	if ((!str_eq(proto, "tcp") && !str_eq(proto, "udp")) || port == NULL ||
	    str_u64(port, 65535, &host) < 0 || str_u64(last + 1, 65535, &guest) < 0 || host == 0 ||
	    guest == 0)
		return err_set(err, ERR_USAGE,
		    "invalid value '%s' for --forward: tcp:HOSTPORT:GUESTPORT or "
		    "udp:ADDRESS:HOSTPORT:GUESTPORT is needed",
		    text);
	buf_adds(b, "  <portForward");
	add_attr(b, "proto", proto);
	add_attr(b, "address", colon != NULL ? rest : NULL);
	buf_addf(b, ">\n    <range start='%u' to='%u'/>\n  </portForward>\n", (unsigned)host,
	    (unsigned)guest);
	return 0;
}

static int add_forwards(const struct cli *c, struct buf *b, struct err *err)
{
	unsigned n;
	const char *const *words = cli_values(c, "forward", &n);
	for (unsigned i = 0; i < n; i++)
		if (add_forward(b, words[i], err) < 0)
			return -1;
	return 0;
}

/* --- attach-interface --- */

static int compose(const struct cli *c, struct buf *b, struct err *err)
{
	const char *type = cli_value(c, "type"), *script = cli_value(c, "script");
	size_t t = 0;
	while (t < ARRAY_LEN(types) && strcmp(types[t].type, type) != 0)
		t++;
	if (t == ARRAY_LEN(types))
		return err_set(
		    err, ERR_INVALID, "No support for %s in command 'attach-interface'", type);
	buf_adds(b, "<interface");
	add_attr(b, "type", type);
	add_attr(b, "managed", cli_flag(c, "managed") ? "yes" : NULL);
	buf_adds(b, ">\n");
	if (add_source(c, b, t, err) < 0)
		return -1;
	add_element(b, "target", "dev", cli_value(c, "target"));
	add_element(b, "mac", "address", cli_value(c, "mac"));
	add_element(b, "script", "path", script);
	add_element(b, "model", "type", cli_value(c, "model"));
	add_element(b, "alias", "name", cli_value(c, "alias"));
	if (add_bandwidth(c, b, err) < 0 || add_forwards(c, b, err) < 0)
		return -1;
	buf_adds(b, "</interface>\n");
	return 0;
}

static int run(
    struct cli *c, const char *verb, const char *xml, const char *done, const char *failed)
{
	struct json_object *args = json_object_new_object();
	out_add_str(args, "xml", xml);
	out_add_str(args, "file", "the interface");
	const struct plan_request r = {.verb = verb, .args = args, .done = done, .failed = failed};
	return plan_verb_run(c, &r);
}

int verb_attach_interface(struct cli *c)
{
	struct err err = {0};
	CLEANUP_BUF struct buf xml = BUF_INIT;
	if (compose(c, &xml, &err) < 0) {
		return out_refusal(NULL, &err);
	}
	if (cli_flag(c, "print-xml")) {
		fputs(xml.data, stdout);
		return CLI_DONE;
	}
	return run(c, "attach-device", xml.data, "Interface attached successfully",
	    "Failed to attach interface");
}

/* --- detach-interface --- */

static bool matches(const struct domain_net *net, const char *type, const char *mac)
{
	return strcmp(net_type_name(net->type), type) == 0 &&
	       (mac == NULL || (net->mac != NULL && strcasecmp(net->mac, mac) == 0));
}

/* The number of the only one that it can be. *told: virsh's words were said already. */
static int pick(
    const struct domain *d, const struct cli *c, size_t *found, bool *told, struct err *err)
{
	const char *type = cli_value(c, "type"), *mac = cli_value(c, "mac");
	unsigned of_type = 0, n = 0;
	for (size_t i = 0; i < d->n_nets; i++) {
		of_type += matches(&d->nets[i], type, NULL);
		if (matches(&d->nets[i], type, mac) && n++ == 0)
			*found = i;
	}
	*told = mac == NULL && (of_type == 0 || n > 1);
	if (of_type == 0)
		return err_set(err, ERR_NOT_FOUND, "No interface found whose type is %s", type);
	if (mac != NULL && n == 0)
		return err_set(
		    err, ERR_NOT_FOUND, "No interface with MAC address %s was found", mac);
	if (n > 1)
		return err_set(err, ERR_INVALID,
		    mac != NULL
		        ? "Domain has %u interfaces with the same MAC address: detach one by 'detach-device-alias'"
		        : "Domain has %u interfaces. Please specify which one to detach using --mac",
		    n);
	return 0;
}

int verb_detach_interface(struct cli *c)
{
	struct err err = {0};
	CLEANUP(device_doc_fini) struct device_doc doc = {0};
	bool config = cli_flag(c, "config") && !cli_flag(c, "live"), told = false;
	size_t i = 0;
	if (device_doc_open(c, config, &doc, &err) < 0 || pick(&doc.d, c, &i, &told, &err) < 0) {
		out_error("%s", err.msg);
		if (told)
			out_error("Failed to detach interface");
		return out_status(&err);
	}
	CLEANUP_FREE char *xml = device_doc_text(&doc, doc.d.nets[i].element, NULL, NULL, &err);
	if (xml == NULL) {
		return out_refusal(NULL, &err);
	}
	if (cli_flag(c, "print-xml")) {
		c->bare = true;
		puts(xml);
		return CLI_DONE;
	}
	return run(c, "detach-device", xml, "Interface detached successfully",
	    "Failed to detach interface");
}
