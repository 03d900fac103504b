/* What a domain's metadata says of its consoles: triggers, answers, scrollback. */
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/domain_meta_impl.h"
#include "core/mem.h"
#include "core/pattern.h"
#include "core/str.h"
#include "core/triggers.h"

static void trigger_fini(struct domain_trigger *t)
{
	free(t->name);
	free(t->pattern);
	free(t->hook);
	free(t->port);
}

static void respond_fini(struct domain_respond *r)
{
	free(r->pattern);
	free(r->port);
	free(r->send);
}

void meta_console_fini(struct domain_meta *m)
{
	for (size_t i = 0; i < m->n_triggers; i++)
		trigger_fini(&m->triggers[i]);
	for (size_t i = 0; i < m->n_responds; i++)
		respond_fini(&m->responds[i]);
	free(m->triggers);
	free(m->responds);
}

bool meta_console_says_nothing(const struct domain_meta *m)
{
	return m->n_triggers == 0 && m->n_responds == 0 && !m->console_deaf && m->scrollback == 0;
}

/* --- what is allowed --- */

static int name_ok(const char *name, struct err *err)
{
	size_t n = strlen(name);
	CLEANUP_FREE char *shown = str_printable(name, n, TRIGGER_NAME_MAX);
	if (n == 0 || n >= TRIGGER_NAME_MAX)
		return err_set(
		    err, ERR_INVALID, "a trigger's name has 1 to %u bytes", TRIGGER_NAME_MAX - 1);
	if (!str_eq(shown, name) || name[0] == ' ' || name[0] == '-' || name[n - 1] == ' ')
		return err_set(err, ERR_INVALID,
		    "trigger '%s': control characters, a '-' in front and spaces at the ends cannot be in a name",
		    shown);
	return 0;
}

static int port_ok(const char *port, struct err *err)
{
	size_t word = strspn(port, "abcdefghijklmnopqrstuvwxyz"), digits;
	digits = strspn(port + word, "0123456789");
	if (word > 0 && digits > 0 && port[word + digits] == '\0' &&
	    strlen(port) < STATUS_PORT_NAME_MAX)
		return 0;
	CLEANUP_FREE char *shown = str_printable(port, strlen(port), STATUS_PORT_NAME_MAX);
	return err_set(err, ERR_INVALID,
	    "port '%s': a console's name is needed, as in serial0 or hvc1", shown);
}

static int hook_ok(const char *hook, struct err *err)
{
	size_t n = strlen(hook);
	CLEANUP_FREE char *shown = str_printable(hook, n, 200);
	if (hook[0] != '/' || n > 4000)
		return err_set(
		    err, ERR_INVALID, "hook '%s': the absolute path of a program is needed", shown);
	return 0;
}

int domain_meta_trigger_check(const struct domain_trigger *t, struct err *err)
{
	if (name_ok(t->name, err) < 0)
		return -1;
	if (t->pattern == NULL && trigger_default_find(t->name) == NULL)
		return err_set(err, ERR_INVALID,
		    "trigger '%s' needs a pattern: it is none of those that there are by default",
		    t->name);
	if (t->pattern != NULL && pattern_check(t->pattern, err) < 0)
		return -1;
	if (t->port != NULL && port_ok(t->port, err) < 0)
		return -1;
	if (t->every > DOMAIN_META_EVERY_MAX)
		return err_set(err, ERR_INVALID, "every: a number from 1 to %u is needed",
		    DOMAIN_META_EVERY_MAX);
	return t->hook == NULL ? 0 : hook_ok(t->hook, err);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *domain_meta_unescape(const char *text, size_t *n, struct err *err)
{
	static const char from[] = "rnte\\", to[] = "\r\n\t\033\\";
	struct buf b = BUF_INIT;
	for (const char *s = text; *s != '\0'; s++) {
		const char *at = NULL;
		if (*s != '\\') {
			buf_addc(&b, *s);
		} else if (s[1] == 'x' && hex_value(s[2]) >= 0 && hex_value(s[3]) >= 0) {
			buf_addc(&b, (char)(hex_value(s[2]) << 4 | hex_value(s[3])));
			s += 3;
		} else if (s[1] != '\0' && (at = strchr(from, s[1])) != NULL) {
			buf_addc(&b, to[at - from]);
			s++;
		} else {
			buf_fini(&b);
			err_set(err, ERR_INVALID,
			    "send: after a backslash stands r, n, t, e, another backslash, or x and two digits of a "
			    "hexadecimal number");
			return NULL;
		}
	}
	*n = b.len;
	return buf_take(&b);
}

/* --- reading --- */

static void take_badge(struct meta_reading *r, const xmlNode *node, int *badge)
{
	CLEANUP_FREE char *word = xml_attr(node, "badge");
	*badge = word == NULL ? -1 : status_badge_parse(word);
	if (word != NULL && *badge < 0)
		meta_wrong(r, node, "badge: none, info, warn or bad is needed");
}

static bool has_trigger(const struct domain_meta *m, const char *name)
{
	for (size_t i = 0; i < m->n_triggers; i++)
		if (str_eq(m->triggers[i].name, name))
			return true;
	return false;
}

static void read_trigger(struct meta_reading *r, const xmlNode *node)
{
	struct domain_meta *m = r->m;
	struct domain_trigger t = {.name = xml_attr(node, "name"),
	    .pattern = xml_attr(node, "pattern"),
	    .hook = xml_attr(node, "hook"),
	    .port = xml_attr(node, "port")};
	struct err err = {0};
	take_badge(r, node, &t.badge);
	meta_number(r, node, "every", 1, DOMAIN_META_EVERY_MAX, &t.every);
	if (t.name == NULL)
		meta_wrong(r, node, "a name is needed");
	else if (domain_meta_trigger_check(&t, &err) < 0)
		meta_wrong(r, node, "%s", err.msg);
	else if (has_trigger(m, t.name))
		meta_wrong(r, node, "trigger '%s' is there twice", t.name);
	else if (m->n_triggers == DOMAIN_META_TRIGGERS_MAX)
		meta_wrong(r, node, "more than %u of them", DOMAIN_META_TRIGGERS_MAX);
	else {
		m->triggers = xreallocarray(m->triggers, m->n_triggers + 1, sizeof(*m->triggers));
		m->triggers[m->n_triggers++] = t;
		return;
	}
	trigger_fini(&t);
}

static int respond_check(struct domain_respond *r, const char *send, struct err *err)
{
	if (r->pattern == NULL || send == NULL)
		return err_set(err, ERR_INVALID, "a pattern and what to send are needed");
	if (pattern_check(r->pattern, err) < 0 || (r->port != NULL && port_ok(r->port, err) < 0))
		return -1;
	r->send = domain_meta_unescape(send, &r->n_send, err);
	if (r->send == NULL)
		return -1;
	if (r->n_send == 0 || r->n_send > DOMAIN_META_SEND_MAX)
		return err_set(
		    err, ERR_INVALID, "send: 1 to %u bytes are typed", DOMAIN_META_SEND_MAX);
	return 0;
}

static void read_respond(struct meta_reading *r, const xmlNode *node)
{
	struct domain_meta *m = r->m;
	struct domain_respond e = {
	    .pattern = xml_attr(node, "pattern"), .port = xml_attr(node, "port")};
	CLEANUP_FREE char *send = xml_attr(node, "send");
	struct err err = {0};
	if (respond_check(&e, send, &err) < 0)
		meta_wrong(r, node, "%s", err.msg);
	else if (m->n_responds == DOMAIN_META_RESPONDS_MAX)
		meta_wrong(r, node, "more than %u of them", DOMAIN_META_RESPONDS_MAX);
	else {
		m->responds = xreallocarray(m->responds, m->n_responds + 1, sizeof(*m->responds));
		m->responds[m->n_responds++] = e;
		return;
	}
	respond_fini(&e);
}

void meta_console_read(struct meta_reading *r, const xmlNode *own)
{
	for (xmlNode *n = meta_child(own, "trigger"); n != NULL;
	     n = meta_next(xml_next(n), "trigger"))
		read_trigger(r, n);
	for (xmlNode *n = meta_child(own, "respond"); n != NULL;
	     n = meta_next(xml_next(n), "respond"))
		read_respond(r, n);
	const xmlNode *console = meta_child(own, "console");
	CLEANUP_FREE char *answer = xml_attr(console, "answer");
	meta_number(r, console, "scrollback", 1, DOMAIN_META_SCROLLBACK_MAX, &r->m->scrollback);
	r->m->console_deaf = str_eq(answer, "no");
	if (answer != NULL && !str_eq(answer, "no") && !str_eq(answer, "yes"))
		meta_wrong(r, console, "answer: yes or no is needed");
}

/* --- changing --- */

int domain_meta_remove_trigger(struct domain_meta *m, const char *name)
{
	for (size_t i = 0; i < m->n_triggers; i++) {
		if (!str_eq(m->triggers[i].name, name))
			continue;
		trigger_fini(&m->triggers[i]);
		memmove(&m->triggers[i], &m->triggers[i + 1],
		    (--m->n_triggers - i) * sizeof(*m->triggers));
		return 1;
	}
	return 0;
}

int domain_meta_set_trigger(struct domain_meta *m, const struct domain_trigger *t, struct err *err)
{
	if (domain_meta_trigger_check(t, err) < 0)
		return -1;
	if (!has_trigger(m, t->name) && m->n_triggers == DOMAIN_META_TRIGGERS_MAX)
		return err_set(err, ERR_INVALID, "trigger '%s': a domain has at most %u of its own",
		    t->name, DOMAIN_META_TRIGGERS_MAX);
	domain_meta_remove_trigger(m, t->name);
	m->triggers = xreallocarray(m->triggers, m->n_triggers + 1, sizeof(*m->triggers));
	m->triggers[m->n_triggers++] = (struct domain_trigger){.name = xstrdup(t->name),
	    .pattern = xstrdup0(t->pattern),
	    .badge = t->badge,
	    .hook = xstrdup0(t->hook),
	    .port = xstrdup0(t->port),
	    .every = t->every};
	return 0;
}

/* --- writing: of these, only triggers are changed by commands --- */

static void put_attr(xmlNode *node, const char *attr, const char *value)
{
	CLEANUP_FREE char *old = xml_attr(node, attr);
	if (value == NULL)
		xmlUnsetProp(node, (const xmlChar *)attr);
	else if (!str_eq(old, value))
		xml_set_attr(node, attr, value);
}

static void put_trigger(xmlNode *node, const struct domain_trigger *t)
{
	CLEANUP_FREE char *every = t->every != 0 ? xasprintf("%u", t->every) : NULL;
	put_attr(node, "name", t->name);
	put_attr(node, "pattern", t->pattern);
	put_attr(
	    node, "badge", t->badge >= 0 ? status_badge_word((enum status_badge)t->badge) : NULL);
	put_attr(node, "hook", t->hook);
	put_attr(node, "port", t->port);
	put_attr(node, "every", every);
}

static void put_triggers(xmlNode *own, const struct domain_meta *m)
{
	bool *there = xcalloc(m->n_triggers + 1, sizeof(*there));
	for (xmlNode *node = meta_child(own, "trigger"), *next; node != NULL; node = next) {
		CLEANUP_FREE char *name = xml_attr(node, "name");
		size_t i = 0;
		next = meta_next(xml_next(node), "trigger");
		while (i < m->n_triggers && !str_eq(m->triggers[i].name, name))
			i++;
		if (i < m->n_triggers && !there[i])
			put_trigger(node, &m->triggers[i]);
		else
			xml_remove(node);
		there[i] = true;
	}
	for (size_t i = 0; i < m->n_triggers; i++)
		if (!there[i])
			put_trigger(meta_add(own, "trigger"), &m->triggers[i]);
	free(there);
}

/* What could not be read goes, as everywhere in our element: it says nothing. */
static void drop_broken_responds(xmlNode *own)
{
	struct domain_meta m = {0};
	for (xmlNode *node = meta_child(own, "respond"), *next; node != NULL; node = next) {
		struct meta_reading r = {.m = &m};
		next = meta_next(xml_next(node), "respond");
		read_respond(&r, node);
		if (r.failed)
			xml_remove(node);
	}
	meta_console_fini(&m);
}

void meta_console_put(xmlNode *own, const struct domain_meta *m)
{
	xmlNode *console = meta_child(own, "console");
	CLEANUP_FREE char *answer = xml_attr(console, "answer");
	CLEANUP_FREE char *lines = m->scrollback != 0 ? xasprintf("%u", m->scrollback) : NULL;
	put_triggers(own, m);
	drop_broken_responds(own);
	if (console == NULL)
		return;
	put_attr(console, "answer", m->console_deaf ? "no" : str_eq(answer, "yes") ? "yes" : NULL);
	put_attr(console, "scrollback", lines);
}
