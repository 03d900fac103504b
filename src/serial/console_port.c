#include "serial/console_port.h"

#include <stdio.h>
#include <string.h>

#include "core/buf.h"
#include "core/domain.h"
#include "core/file.h"
#include "core/mem.h"
#include "core/store.h"
#include "core/str.h"
#include "core/vm.h"

/* What the page or the definition says, as far as names go. */
struct ports {
	const char *vm;
	unsigned n;
	struct {
		enum status_port kind;
		unsigned number;
	} port[CONSOLE_PORTS_MAX];
};

static void ports_of_page(struct ports *t, const struct status_page *p)
{
	*t = (struct ports){.vm = p ? p->name : ""};
	for (; p && t->n < p->consoles && t->n < CONSOLE_PORTS_MAX; t->n++) {
		t->port[t->n].kind = (enum status_port)p->console[t->n].port;
		t->port[t->n].number = p->console[t->n].port_number;
	}
}

static void ports_of_domain(struct ports *t, const char *vm, const struct domain *d)
{
	struct chr_port ports[CONSOLE_PORTS_MAX];
	*t = (struct ports){.vm = vm, .n = chr_ports(d, ports, CONSOLE_PORTS_MAX)};
	for (unsigned i = 0; i < t->n; i++) {
		t->port[i].kind = ports[i].kind;
		t->port[i].number = ports[i].number;
	}
}

static void name_format(const struct ports *t, unsigned index, char out[STATUS_PORT_NAME_MAX])
{
	if (index < t->n)
		snprintf(out, STATUS_PORT_NAME_MAX, "%s%u", status_port_word(t->port[index].kind),
		    t->port[index].number);
	else
		snprintf(out, STATUS_PORT_NAME_MAX, "console%u", index);
}

void console_port_name(const struct status_page *p, unsigned index, char out[STATUS_PORT_NAME_MAX])
{
	struct ports t;
	ports_of_page(&t, p);
	name_format(&t, index, out);
}

static int no_such_port(const struct ports *t, const char *word, struct err *err)
{
	CLEANUP_BUF struct buf have = BUF_INIT;
	CLEANUP_FREE char *shown = str_printable(word, strlen(word), 64);
	for (unsigned i = 0; i < t->n; i++) {
		char name[STATUS_PORT_NAME_MAX];
		name_format(t, i, name);
		buf_addf(&have, "%s%s", i ? ", " : "", name);
	}
	if (t->n == 0)
		return err_set(err, ERR_NOT_FOUND,
		    "cannot find character device %s: '%s' has no console; add <serial type='pty'/> to its <devices>",
		    shown, t->vm);
	return err_set(err, ERR_NOT_FOUND, "cannot find character device %s: '%s' has %s", shown,
	    t->vm, have.data);
}

/* "console2", "2": by order. */
static bool word_is_order(const char *word, unsigned *index)
{
	uint64_t n;
	const char *digits = str_prefix(word, "console") ? word + strlen("console") : word;
	if (str_u64(digits, CONSOLE_PORTS_MAX - 1, &n) < 0)
		return false;
	*index = (unsigned)n;
	return true;
}

static bool ports_match(const struct ports *t, const char *word, unsigned *index)
{
	char want[STATUS_PORT_NAME_MAX + 8], name[STATUS_PORT_NAME_MAX];
	bool tty = str_prefix(word, "ttyS");
	if (word_is_order(word, index))
		return *index < t->n;
	snprintf(want, sizeof want, "%s%.16s", tty ? "serial" : "", tty ? word + 4 : word);
	for (unsigned i = 0; i < t->n; i++) {
		name_format(t, i, name);
		if (str_eq(name, want)) {
			*index = i;
			return true;
		}
	}
	return false;
}

int console_port_index(
    const struct status_page *p, const char *word, unsigned *index, struct err *err)
{
	struct ports t;
	ports_of_page(&t, p);
	return ports_match(&t, word, index) ? 0 : no_such_port(&t, word, err);
}

/* What it runs with, else what it would run with. */
static int read_domain(
    const struct home *h, const char *name, bool live, struct domain *d, struct err *err)
{
	CLEANUP_BUF struct buf xml = BUF_INIT;
	CLEANUP_FREE char *path = home_run_file(h, name, "live.xml");
	if ((!live || file_read(path, STORE_XML_MAX, &xml, NULL) < 0) &&
	    store_read(h, name, &xml, err) < 0)
		return -1;
	return domain_parse(xml.data, xml.len, name, DOMAIN_PARSE_LENIENT, d, NULL, err);
}

static bool alias_match(const struct domain *d, const char *word, unsigned *index)
{
	struct chr_port ports[CONSOLE_PORTS_MAX];
	unsigned n = chr_ports(d, ports, CONSOLE_PORTS_MAX);
	for (unsigned i = 0; i < n; i++)
		if (attrs_is(&ports[i].chr->attrs, "alias@name", word)) {
			*index = i;
			return true;
		}
	return false;
}

/* known: t is what the page says. */
static int probe(const struct home *h, const char *name, struct ports *t, bool *live, bool *known,
    struct err *err)
{
	struct vm vm;
	if (vm_probe(h, name, &vm, err) < 0)
		return -1;
	*live = vm.live;
	/* A start's page, and that of one that failed, has no consoles. */
	*known = vm.head && (vm.head->consoles > 0 || (vm.live && vm.state != VM_STARTING));
	ports_of_page(t, vm.head);
	t->vm = name;
	vm_fini(&vm);
	return 0;
}

int console_port_find(
    const struct home *h, const char *name, const char *word, unsigned *index, struct err *err)
{
	struct ports t;
	struct domain d;
	struct err why = {0};
	bool live, known, found;
	if (probe(h, name, &t, &live, &known, err) < 0)
		return -1;
	if (known && ports_match(&t, word, index))
		return 0;
	if (read_domain(h, name, live, &d, &why) < 0)
		return known ? no_such_port(&t, word, err) : err_set(err, why.code, "%s", why.msg);
	found = alias_match(&d, word, index);
	if (!known) {
		ports_of_domain(&t, name, &d);
		found = found || ports_match(&t, word, index);
	}
	domain_fini(&d);
	return found ? 0 : no_such_port(&t, word, err);
}

unsigned console_port_list(
    const struct home *h, const char *name, char out[CONSOLE_PORTS_MAX][STATUS_PORT_NAME_MAX])
{
	struct ports t = {0};
	struct domain d;
	bool live = false, known = false;
	if (probe(h, name, &t, &live, &known, NULL) < 0)
		return 0;
	if (!known && read_domain(h, name, live, &d, NULL) == 0) {
		ports_of_domain(&t, name, &d);
		domain_fini(&d);
	}
	for (unsigned i = 0; i < t.n; i++)
		name_format(&t, i, out[i]);
	return t.n;
}
