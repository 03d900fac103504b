/* send-break, sysrq: what a serial line can say besides bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/live.h"
#include "cli/out.h"
#include "cli/port.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "kvm/argv.h"
#include "serial/console_port.h"
#include "serial/console_type.h"

#define TYPE_TIMEOUT_MS 10000
#define CTRL_O 0x0f /* Linux, drivers/tty/hvc/hvc_console.c: SysRq on a hypervisor's console */

/* A console of the running domain. */
struct place {
	struct chr_port port;
	size_t chr; /* in the definition's consoles */
	unsigned index;
	char name[STATUS_PORT_NAME_MAX];
};

static int find_place(
    struct live *l, const struct domain *d, unsigned index, struct place *p, struct err *err)
{
	struct chr_port ports[CONSOLE_PORTS_MAX];
	unsigned n = chr_ports(d, ports, CONSOLE_PORTS_MAX);
	if (index >= n)
		return err_set(err, ERR_NOT_FOUND,
		    "'%s' has no console; add <serial type='pty'/> to its <devices>", l->name);
	*p = (struct place){
	    .port = ports[index], .chr = (size_t)(ports[index].chr - d->consoles), .index = index};
	snprintf(p->name, sizeof(p->name), "%s%u", status_port_word(p->port.kind), p->port.number);
	return 0;
}

/* --- BREAK --- */

/* One that another program started has back ends with names of its own: found by its socket. */
static bool is_socket_of(const struct live *l, const struct place *p, const char *filename)
{
	char file[32], path[256];
	snprintf(file, sizeof(file), "serial%u.sock", p->index);
	CLEANUP_FREE char *link = home_run_file(&l->c->home, l->name, file);
	ssize_t n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0 || !filename)
		return false;
	path[n] = '\0';
	return strstr(filename, path) != NULL;
}

static char *find_chardev(
    struct live *l, const struct domain *d, const struct place *p, struct err *err)
{
	struct json_object *list = NULL;
	CLEANUP_FREE char *id = argv_chardev_id(d, p->chr);
	char *found = NULL;
	if (live_qmp(l, "query-chardev", NULL, &list, err) < 0)
		return NULL;
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	for (size_t i = 0; i < n && !found; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *label = json_get_str(o, "label");
		if (label && (str_eq(label, id) || is_socket_of(l, p, json_get_str(o, "filename"))))
			found = xstrdup(label);
	}
	json_object_put(list);
	if (!found)
		err_set(
		    err, ERR_NOT_FOUND, "QEMU knows no character device '%s' for %s", id, p->name);
	return found;
}

static int send_break(
    struct live *l, const struct domain *d, const struct place *p, struct err *err)
{
	if (p->port.kind == STATUS_PORT_HVC || p->port.kind == STATUS_PORT_DEBUG)
		return err_set(err, ERR_UNSUPPORTED, "%s of '%s' has no BREAK%s", p->name, l->name,
		    p->port.kind == STATUS_PORT_HVC
		        ? ": it is a virtio console; a serial port has, and 'sysrq' works on both"
		        : ": it is a debug port");
	CLEANUP_FREE char *id = find_chardev(l, d, p, err);
	if (!id)
		return -1;
	struct json_object *args = json_object_new_object();
	json_object_object_add(args, "id", json_object_new_string(id));
	return live_qmp(l, "chardev-send-break", args, NULL, err);
}

int verb_send_break(struct cli *c)
{
	struct err err = {0};
	struct live l;
	struct domain d;
	struct place p;
	unsigned index = 0;
	int rc = live_open_domain(c, &l, &d, &err);
	if (rc == 0)
		rc = port_option(c, l.name, &index, &err);
	if (rc == 0)
		rc = find_place(&l, &d, index, &p, &err);
	if (rc == 0)
		rc = send_break(&l, &d, &p, &err);
	live_fini(&l);
	domain_fini(&d);
	return rc == 0 ? CLI_DONE : live_failed(NULL, &err);
}

/* --- SysRq --- */

static int by_keyboard(struct live *l, char letter, struct err *err)
{
	char key[2] = {letter, '\0'};
	const char *const names[] = {"alt", "sysrq", key};
	struct json_object *keys = json_object_new_array(), *args = json_object_new_object();
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct json_object *k = json_object_new_object();
		json_object_object_add(k, "type", json_object_new_string("qcode"));
		json_object_object_add(k, "data", json_object_new_string(names[i]));
		json_object_array_add(keys, k);
	}
	json_object_object_add(args, "keys", keys);
	return live_qmp(l, "send-key", args, NULL, err);
}

struct breaking {
	struct live *live;
	const struct domain *domain;
	const struct place *place;
};

/* Not before the keyboard is ours: the next letter that anybody types after a BREAK is a command. */
static int break_first(void *arg, struct err *err)
{
	const struct breaking *b = arg;
	return send_break(b->live, b->domain, b->place, err);
}

static int by_console(struct live *l, const struct domain *d, const struct place *p, char letter,
    bool force, struct err *err)
{
	char text[] = {CTRL_O, letter};
	struct breaking b = {l, d, p};
	bool hvc = p->port.kind == STATUS_PORT_HVC;
	const struct console_keys keys = {.p = hvc ? text : text + 1,
	    .n = hvc ? 2 : 1,
	    .force = force,
	    .ready = hvc ? NULL : break_first,
	    .arg = &b};
	return console_type_wait(&l->c->home, l->name, p->index, &keys, TYPE_TIMEOUT_MS, err);
}

/* The first serial port, else the first virtio console; -1 none. */
static int choose(const struct domain *d)
{
	struct chr_port ports[CONSOLE_PORTS_MAX];
	unsigned n = chr_ports(d, ports, CONSOLE_PORTS_MAX);
	for (unsigned i = 0; i < n; i++)
		if (ports[i].kind == STATUS_PORT_SERIAL)
			return (int)i;
	for (unsigned i = 0; i < n; i++)
		if (ports[i].kind == STATUS_PORT_HVC)
			return (int)i;
	return -1;
}

static int sysrq(struct live *l, const struct domain *d, char letter, struct err *err)
{
	const struct cli *c = l->c;
	struct place p;
	unsigned index = 0;
	bool chosen = cli_value(c, "port") || cli_value(c, "devname");
	int first = choose(d);
	if (cli_flag(c, "keyboard") && chosen)
		return err_set(
		    err, ERR_USAGE, "Options --keyboard and --port are mutually exclusive");
	if (cli_flag(c, "keyboard") || (!chosen && first < 0))
		return by_keyboard(l, letter, err);
	if (port_option(c, l->name, &index, err) < 0 ||
	    find_place(l, d, chosen ? index : (unsigned)first, &p, err) < 0)
		return -1;
	return by_console(l, d, &p, letter, cli_flag(c, "force"), err);
}

int verb_sysrq(struct cli *c)
{
	const char *letter = cli_value(c, "letter");
	struct err err = {0};
	struct live l;
	struct domain d;
	if (letter[0] == '\0' || letter[1] != '\0' ||
	    !strchr("0123456789abcdefghijklmnopqrstuvwxyz", letter[0])) {
		out_error("'%s' is no SysRq command: one letter from a to z or a digit is", letter);
		return CLI_USAGE;
	}
	int rc = live_open_domain(c, &l, &d, &err);
	if (rc == 0)
		rc = sysrq(&l, &d, letter[0], &err);
	live_fini(&l);
	domain_fini(&d);
	return rc == 0 ? CLI_DONE : live_failed(NULL, &err);
}
