/* The guest's agent in its supervisor: connected by its socket's path (so that the next supervisor can, too), present when QEMU
 * says that the guest holds the port open, asked slowly for what the page and its readers show. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/jsonl.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/sock.h"
#include "core/str.h"
#include "kvm/agent.h"
#include "kvm/agent_facts.h"
#include "kvm/supervisor_impl.h"

#define SOCKET_FILE AGENT_CHANNEL ".sock"
#define POLL_WATCHED_NS 10000000000ull
#define POLL_NS 60000000000ull
#define REDIAL_MIN_MS 100
#define REDIAL_MAX_MS 10000
#define COMMAND_MS_MAX 86400000u /* a day: fstrim and freezing hooks take their time */

/* Asked in this order; a round ends with the last. What else there is is asked for when somebody wants to know. */
static const enum agent_fact polled[] = {
    FACT_HOSTNAME, FACT_OS, FACT_USERS, FACT_INTERFACES, FACT_FILESYSTEMS};

/* --- what is known --- */

static void drop_facts(struct sup_agent *g)
{
	for (unsigned i = 0; i < FACT_COUNT; i++) {
		json_object_put(g->facts[i]);
		g->facts[i] = NULL;
	}
	g->facts_ns = g->round_ns = 0;
	g->frozen = false;
}

static void copy_text(char *to, size_t size, const char *from)
{
	/* Cut between characters. */
	CLEANUP_FREE char *text =
	    str_printable(from == NULL ? "" : from, from == NULL ? 0 : strlen(from), size - 1);
	snprintf(to, size, "%s", text);
}

static const char *os_words(struct json_object *os)
{
	const char *pretty = json_get_str(os, "pretty-name");
	return pretty != NULL ? pretty : json_get_str(os, "name");
}

static enum status_agent page_state(const struct sup_agent *g)
{
	if (!g->configured)
		return STATUS_AGENT_NONE;
	if (g->agent == NULL || !agent_ready(g->agent))
		return STATUS_AGENT_ABSENT;
	return g->frozen ? STATUS_AGENT_FROZEN : STATUS_AGENT_READY;
}

/* The address may be others' to tell as well: only what we wrote is taken back. */
static void publish_address(struct supervisor *s, struct status_page *p)
{
	const char *macs[STATUS_NETS_MAX];
	char address[STATUS_TEXT_MAX];
	unsigned n = p->nets < STATUS_NETS_MAX ? p->nets : STATUS_NETS_MAX;
	for (unsigned i = 0; i < n; i++)
		macs[i] = p->net[i].mac;
	agent_fact_address(s->guest.facts[FACT_INTERFACES], macs, n, address, sizeof(address));
	if (address[0] != '\0' || s->guest.told_address)
		copy_text(p->address, sizeof(p->address), address);
	s->guest.told_address = address[0] != '\0';
}

static void publish(struct supervisor *s)
{
	struct sup_agent *g = &s->guest;
	if (s->page.page == NULL)
		return;
	struct status_page *p = status_begin(&s->page);
	p->agent = page_state(g);
	copy_text(p->guest_name, sizeof(p->guest_name),
	    json_get_str(g->facts[FACT_HOSTNAME], "host-name"));
	copy_text(p->guest_os, sizeof(p->guest_os), os_words(g->facts[FACT_OS]));
	agent_fact_users(g->facts[FACT_USERS], p->guest_users, sizeof(p->guest_users));
	agent_fact_filesystems(
	    g->facts[FACT_FILESYSTEMS], p->guest_filesystems, sizeof(p->guest_filesystems));
	publish_address(s, p);
	status_end(&s->page);
}

/* --- asking, slowly --- */

static void poll_step(struct supervisor *s);

static void got_fact(void *arg, struct json_object *result, const struct err *err)
{
	struct supervisor *s = arg;
	struct sup_agent *g = &s->guest;
	if (!g->polling)
		return;
	enum agent_fact f = polled[g->step];
	if (err != NULL && err->code != ERR_UNSUPPORTED && err->code != ERR_FAIL) {
		g->polling = false; /* it does not answer: the next round tries again */
		return;
	}
	json_object_put(g->facts[f]);
	g->facts[f] = err == NULL ? agent_fact_clean(f, result) : NULL;
	g->facts_ns = loop_now_ns();
	g->step++;
	poll_step(s);
}

static void poll_step(struct supervisor *s)
{
	struct sup_agent *g = &s->guest;
	while (g->step < ARRAY_LEN(polled) &&
	       !agent_supports(g->agent, agent_fact_command(polled[g->step])))
		g->step++;
	if (g->step < ARRAY_LEN(polled)) {
		agent_send(g->agent, agent_fact_command(polled[g->step]), NULL, 0, 0, got_fact, s);
		return;
	}
	g->polling = false;
	publish(s);
}

static void got_freeze(void *arg, struct json_object *result, const struct err *err)
{
	struct supervisor *s = arg;
	struct sup_agent *g = &s->guest;
	if (!g->polling)
		return;
	bool frozen = json_object_is_type(result, json_type_string) &&
	              str_eq(json_object_get_string(result), "frozen");
	bool news = frozen != g->frozen;
	g->frozen = frozen;
	if (frozen || (err != NULL && err->code != ERR_FAIL)) {
		g->polling = false; /* a frozen guest's agent answers nothing else */
		if (news)
			publish(s);
		return;
	}
	poll_step(s);
}

static void poll_round(struct supervisor *s)
{
	struct sup_agent *g = &s->guest;
	g->polling = true;
	g->step = 0;
	g->round_ns = loop_now_ns();
	if (agent_supports(g->agent, "guest-fsfreeze-status"))
		agent_send(g->agent, "guest-fsfreeze-status", NULL, 0, 0, got_freeze, s);
	else
		poll_step(s);
}

static bool guest_runs(const struct supervisor *s)
{
	return s->machine.state == MACHINE_RUNNING || s->machine.state == MACHINE_ASKED;
}

void sup_agent_tick(struct supervisor *s)
{
	struct sup_agent *g = &s->guest;
	uint64_t now = loop_now_ns();
	if (g->agent == NULL || g->polling || !guest_runs(s) || !agent_is_present(g->agent) ||
	    !agent_idle(g->agent))
		return;
	uint64_t pace = sampler_watched(&s->sampler, now) ? POLL_WATCHED_NS : POLL_NS;
	if (g->round_ns != 0 && now - g->round_ns < pace)
		return;
	if (agent_ready(g->agent)) {
		poll_round(s);
	} else {
		g->round_ns = now;
		agent_greet(g->agent);
	}
}

/* --- the connection --- */

static void agent_changed(void *arg)
{
	struct supervisor *s = arg;
	struct sup_agent *g = &s->guest;
	bool ready = agent_ready(g->agent);
	struct json_object *data = json_object_new_object();
	json_object_object_add(
	    data, "state", json_object_new_string(ready ? "connected" : "disconnected"));
	json_object_object_add(data, "reason", json_object_new_string("channel event"));
	g->polling = false;
	if (!ready)
		drop_facts(g);
	publish(s);
	control_event(s->control, "agent-lifecycle", ready ? "connected" : "disconnected", data);
	g->round_ns = 0; /* at the next tick */
}

static void redial_later(struct sup_agent *g)
{
	struct timeval tv = {g->redial_ms / 1000, (g->redial_ms % 1000) * 1000};
	evtimer_add(g->redial, &tv);
	g->redial_ms = g->redial_ms * 2 > REDIAL_MAX_MS ? REDIAL_MAX_MS : g->redial_ms * 2;
}

static void agent_down(void *arg, const char *why)
{
	struct supervisor *s = arg;
	struct sup_agent *g = &s->guest;
	log_debug("guest agent: %s", why);
	agent_free(g->agent);
	g->agent = NULL;
	g->polling = false;
	drop_facts(g);
	publish(s);
	if (s->pid != 0)
		redial_later(g);
}

static const struct agent_ops agent_client_ops = {.changed = agent_changed, .closed = agent_down};

/* QEMU names a channel's character device "char" and the id of its port, which VSERPORT_CHANGE names. */
static void got_chardevs(void *arg, struct json_object *list, const struct err *err)
{
	struct supervisor *s = arg;
	struct sup_agent *g = &s->guest;
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	(void)err;
	for (size_t i = 0; i < n && g->agent != NULL; i++) {
		struct json_object *o = json_object_array_get_idx(list, i);
		const char *file = json_get_str(o, "filename"), *label = json_get_str(o, "label");
		if (file == NULL || label == NULL || strstr(file, "/" SOCKET_FILE) == NULL)
			continue;
		snprintf(g->device, sizeof(g->device), "%s",
		    str_prefix(label, "char") ? label + strlen("char") : label);
		agent_present(g->agent, json_get_bool(o, "frontend-open", 0));
	}
}

void sup_agent_look(struct supervisor *s)
{
	if (s->guest.agent != NULL && s->qmp_ready)
		qmp_send(s->qmp, "query-chardev", NULL, 0, got_chardevs, s);
}

static void dial(struct supervisor *s)
{
	struct sup_agent *g = &s->guest;
	CLEANUP_FREE char *path = home_run_file(s->home, s->name, SOCKET_FILE);
	g->configured = access(path, F_OK) == 0;
	if (g->configured && g->agent == NULL) {
		int fd = sock_connect(path, NULL);
		if (fd >= 0)
			g->agent = agent_new(s->loop, fd, &agent_client_ops, s);
		else
			redial_later(g);
	}
	publish(s);
	sup_agent_look(s);
}

static void on_redial(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	dial(arg);
}

void sup_agent_connect(struct supervisor *s)
{
	struct sup_agent *g = &s->guest;
	if (g->redial == NULL)
		g->redial = evtimer_new(loop_base(s->loop), on_redial, s);
	if (g->redial == NULL)
		abort(); /* out of memory */
	g->redial_ms = REDIAL_MIN_MS;
	/* A killed supervisor may have: what it wrote is ours to take back. */
	g->told_address = true;
	dial(s);
}

void sup_agent_detach(struct supervisor *s)
{
	struct sup_agent *g = &s->guest;
	agent_free(g->agent);
	g->agent = NULL;
	g->polling = g->configured = false;
	g->device[0] = '\0';
	if (g->redial != NULL)
		evtimer_del(g->redial);
	drop_facts(g);
	publish(s);
}

void sup_agent_fini(struct supervisor *s)
{
	struct sup_agent *g = &s->guest;
	agent_free(g->agent);
	g->agent = NULL;
	drop_facts(g);
	if (g->redial != NULL)
		event_free(g->redial);
}

void sup_agent_port(struct supervisor *s, struct json_object *data)
{
	struct sup_agent *g = &s->guest;
	if (g->agent == NULL || g->device[0] == '\0' ||
	    !str_eq(json_get_str(data, "id"), g->device))
		return;
	g->redial_ms = REDIAL_MIN_MS;
	agent_present(g->agent, json_get_bool(data, "open", 0));
}

/* --- what operators ask --- */

int sup_agent_check(const struct supervisor *s, struct err *err)
{
	const struct sup_agent *g = &s->guest;
	if (!g->configured)
		return err_set(err, ERR_UNSUPPORTED,
		    "argument unsupported: QEMU guest agent is not configured: the domain needs <channel "
		    "type='unix'><target type='virtio' name='" AGENT_CHANNEL "'/></channel>");
	if (!guest_runs(s))
		return err_set(err, ERR_STATE, "domain '%s' is %s: its guest agent cannot answer",
		    s->name, vm_state_name(machine_vm_state(&s->machine)));
	if (g->agent == NULL || !agent_is_present(g->agent))
		return err_set(err, ERR_STATE,
		    "Guest agent is not responding: QEMU guest agent is not connected");
	return 0;
}

struct shutdown {
	void (*done)(void *arg, const struct err *err);
	void *arg;
};

static void shutdown_taken(void *arg, struct json_object *result, const struct err *err)
{
	struct shutdown *d = arg;
	(void)result;
	d->done(d->arg, err);
	free(d);
}

int sup_agent_shutdown(struct supervisor *s, const char *mode,
    void (*done)(void *arg, const struct err *err), void *arg, struct err *err)
{
	if (sup_agent_check(s, err) < 0)
		return -1;
	struct shutdown *d = xmalloc(sizeof(*d));
	*d = (struct shutdown){done, arg};
	struct json_object *args = json_object_new_object();
	json_object_object_add(args, "mode", json_object_new_string(mode));
	agent_send(s->guest.agent, "guest-shutdown", args, AGENT_SYNC_FIRST | AGENT_NO_ANSWER, 0,
	    shutdown_taken, d);
	return 0;
}

/* --- control.sock --- */

struct asked {
	struct supervisor *s;
	struct control_req *req;
	bool freeze, thaw, plugged;
};

static void got_answer(void *arg, struct json_object *result, const struct err *err)
{
	struct asked *q = arg;
	struct sup_agent *g = &q->s->guest;
	if (q->plugged)
		sup_plugged_event(q->s, "guest-set");
	if (err == NULL && (q->freeze || q->thaw)) {
		g->frozen = q->freeze;
		publish(q->s);
	}
	control_reply(q->req, json_object_get(result), err);
	free(q);
}

void sup_ctl_agent(void *arg, struct json_object *params, struct control_req *r)
{
	struct supervisor *s = arg;
	struct err err;
	const char *command = json_get_str(params, "execute");
	struct json_object *args = json_get_obj(params, "arguments");
	int64_t timeout = json_get_int(params, "timeout_ms", 0);
	bool quiet = json_get_bool(params, "quiet", 0);
	if (timeout < 0 || timeout > COMMAND_MS_MAX)
		timeout = COMMAND_MS_MAX;
	if (sup_agent_check(s, &err) < 0) {
		control_reply(r, NULL, &err);
		return;
	}
	struct asked *q = xcalloc(1, sizeof(*q));
	q->s = s;
	q->req = r;
	q->freeze = str_prefix(command, "guest-fsfreeze-freeze");
	q->thaw = str_eq(command, "guest-fsfreeze-thaw");
	q->plugged =
	    str_eq(command, "guest-set-vcpus") || str_eq(command, "guest-set-memory-blocks");
	agent_send(s->guest.agent, command, json_object_get(args),
	    quiet ? AGENT_SYNC_FIRST | AGENT_NO_ANSWER : 0, (unsigned)timeout, got_answer, q);
}

void sup_ctl_agent_info(void *arg, struct json_object *params, struct control_req *r)
{
	struct supervisor *s = arg;
	const struct sup_agent *g = &s->guest;
	struct json_object *o = json_object_new_object();
	(void)params;
	bool ready = g->agent != NULL && agent_ready(g->agent);
	json_object_object_add(o, "configured", json_object_new_boolean(g->configured));
	json_object_object_add(o, "connected",
	    json_object_new_boolean(g->agent != NULL && agent_is_present(g->agent)));
	json_object_object_add(o, "ready", json_object_new_boolean(ready));
	json_object_object_add(o, "frozen", json_object_new_boolean(g->frozen));
	if (ready)
		json_object_object_add(
		    o, "version", json_object_new_string(agent_version(g->agent)));
	if (g->facts_ns != 0)
		json_object_object_add(o, "age_ms",
		    json_object_new_int64((int64_t)((loop_now_ns() - g->facts_ns) / 1000000)));
	for (unsigned f = 0; f < FACT_COUNT; f++)
		if (g->facts[f] != NULL)
			json_object_object_add(
			    o, agent_fact_name((enum agent_fact)f), json_object_get(g->facts[f]));
	control_reply(r, o, NULL);
}
