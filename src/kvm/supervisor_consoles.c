/* The consoles of a VM: their hubs' words for page, audit log and events, and their connections to QEMU, which are made
 * again when they are lost. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/audit.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/sock.h"
#include "core/str.h"
#include "kvm/supervisor_impl.h"
#include "serial/console_port.h"

#define REDIAL_MIN_MS 50
#define REDIAL_MAX_MS 5000
#define STEADY_NS 10000000000ull /* a connection that held for so long was a good one */

/* --- their words --- */

static void hub_changed(void *arg)
{
	struct supervisor *s = arg;
	struct status_page *p = status_begin(&s->page);
	for (unsigned i = 0; i < s->n_hubs; i++) {
		struct hub_facts f;
		struct status_console *c = &p->console[i];
		hub_facts(s->hubs[i], &f);
		c->bytes = f.bytes;
		c->last_ns = f.last_ns;
		c->clients = f.clients;
		c->rows = f.rows;
		c->cols = f.cols;
		if (f.holder[0] != '\0' && !str_eq(f.holder, c->holder))
			sup_triggers_seen(s, i, f.holder);
		memcpy(c->holder, f.holder, sizeof(c->holder));
		memcpy(c->line, f.line, sizeof(c->line));
		c->log_missing = f.log_missing;
		memcpy(c->log_trouble, f.log_trouble, sizeof(c->log_trouble));
	}
	status_end(&s->page);
}

static void hub_audit(void *arg, const char *what)
{
	struct supervisor *s = arg;
	audit_write(s->home, s->name, "%s", what);
}

/* The journal stands on the same file system and may have missed that it stood still: the end says all of it. */
static void hub_log_trouble(void *arg, const struct hub_log_trouble *t)
{
	struct supervisor *s = arg;
	struct json_object *data = json_object_new_object();
	char port[STATUS_PORT_NAME_MAX];
	console_port_name(s->page.page, t->index, port);
	CLEANUP_FREE char *detail = !t->over ? xasprintf("%s stands still: %s", port, t->why)
	                                     : xasprintf("%s goes on; it stood still for %" PRIu64
	                                                 " s, %" PRIu64 " bytes are missing: %s",
	                                           port, t->seconds, t->missing, t->why);
	json_object_object_add(data, "port", json_object_new_string(port));
	json_object_object_add(data, "over", json_object_new_boolean(t->over));
	json_object_object_add(data, "why", json_object_new_string(t->why));
	json_object_object_add(data, "missing", json_object_new_int64((int64_t)t->missing));
	sup_tell(s, "console-log", detail, data);
}

/* QEMU closed a console's connection and lives on. One that is closed again and again is not dialled ever faster: each
 * loss is a mark in the history. */
static void hub_lost(void *arg)
{
	struct supervisor *s = arg;
	if (s->pid == 0 || evtimer_pending(s->console_redial, NULL))
		return;
	if (s->console_redial_ms == 0 || loop_now_ns() - s->console_up_ns > STEADY_NS)
		s->console_redial_ms = REDIAL_MIN_MS;
	struct timeval tv = {s->console_redial_ms / 1000, (s->console_redial_ms % 1000) * 1000};
	evtimer_add(s->console_redial, &tv);
	s->console_redial_ms *= 2;
	if (s->console_redial_ms > REDIAL_MAX_MS)
		s->console_redial_ms = REDIAL_MAX_MS;
}

const struct hub_ops sup_hub_ops = {
    .changed = hub_changed, .audit = hub_audit, .log_trouble = hub_log_trouble, .lost = hub_lost};

/* --- their connections --- */

void sup_connect_consoles(struct supervisor *s)
{
	for (unsigned i = 0; i < s->n_hubs; i++) {
		char file[32];
		if (hub_guest_attached(s->hubs[i]))
			continue;
		snprintf(file, sizeof(file), "serial%u.sock", i);
		CLEANUP_FREE char *path = home_run_file(s->home, s->name, file);
		int fd = sock_connect(path, NULL);
		if (fd < 0)
			continue;
		s->console_up_ns = loop_now_ns();
		hub_attach_guest(s->hubs[i], fd);
	}
}

static void on_redial(evutil_socket_t fd, short what, void *arg)
{
	struct supervisor *s = arg;
	(void)fd, (void)what;
	if (s->pid != 0)
		sup_connect_consoles(s);
}

void sup_consoles_tick(struct supervisor *s)
{
	if (s->pid != 0 && !evtimer_pending(s->console_redial, NULL))
		sup_connect_consoles(s);
}

void sup_consoles_init(struct supervisor *s)
{
	s->console_redial = evtimer_new(loop_base(s->loop), on_redial, s);
	if (s->console_redial == NULL)
		abort(); /* out of memory */
}
