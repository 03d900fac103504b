#include "cli/history.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/out.h"
#include "core/audit.h"
#include "core/mem.h"
#include "core/str.h"

struct event {
	uint64_t ns;
	size_t serial; /* of two at one time, the one that was read first */
	char *domain, *type, *detail, *words;
};

struct history {
	const char *domain, *type; /* the one that is read; the one that is wanted, NULL any */
	uint64_t since_ns;
	struct event *events;
	size_t n, cap;
};

static void take(void *arg, uint64_t time_ns, const char *text)
{
	struct history *h = arg;
	CLEANUP_FREE char *what = audit_value(text, "what"), *type = audit_value(text, "event");
	if (time_ns < h->since_ns || !what || !type || !str_eq(what, "event") ||
	    (h->type && !str_eq(type, h->type)))
		return;
	if (h->n == h->cap)
		h->events =
		    xreallocarray(h->events, h->cap = h->cap ? h->cap * 2 : 64, sizeof(*h->events));
	h->events[h->n] = (struct event){.ns = time_ns,
	    .serial = h->n,
	    .domain = xstrdup(h->domain),
	    .type = TAKE_PTR(type),
	    .detail = audit_value(text, "detail"),
	    .words = audit_value(text, "words")};
	h->n++;
}

static int by_time(const void *pa, const void *pb)
{
	const struct event *a = pa, *b = pb;
	if (a->ns != b->ns)
		return a->ns < b->ns ? -1 : 1;
	return a->serial < b->serial ? -1 : 1;
}

/* Also of domains that are not defined any more: their logs stay. */
static int read_all(struct cli *c, struct history *h, struct err *err)
{
	DIR *d = opendir(c->home.log);
	int rc = 0;
	for (struct dirent *e; d && rc == 0 && (e = readdir(d)) != NULL;) {
		if (name_check("domain", e->d_name, NULL) < 0)
			continue;
		h->domain = e->d_name;
		rc = audit_read(&c->home, e->d_name, take, h, err);
	}
	if (d)
		closedir(d);
	return rc;
}

static const char *plain(const char *detail)
{
	return detail && !str_eq(detail, "-") ? detail : NULL;
}

static void print_json(const struct event *e)
{
	struct json_object *o = json_object_new_object();
	out_add_str(o, "event", e->type);
	out_add_str(o, "domain", e->domain);
	out_add_u64(o, "time_ns", e->ns);
	out_add_str(o, "detail", plain(e->detail));
	out_add_str(o, "words", e->words);
	out_json_line(o);
}

/* As virsh event --timestamp; what a guest said was made printable when it was written, and is made so again. */
static void print_line(const struct event *e)
{
	char stamp[OUT_TIME_MAX];
	const char *detail = plain(e->detail);
	out_time(e->ns, stamp);
	CLEANUP_FREE char *line = xasprintf("%s: event '%s' for domain '%s'%s%s%s%s%s", stamp,
	    e->type, e->domain, detail ? ": " : "", detail ? detail : "", e->words ? " (" : "",
	    e->words ? e->words : "", e->words ? ")" : "");
	CLEANUP_FREE char *shown = str_printable(line, strlen(line), SIZE_MAX);
	puts(shown);
}

int history_print(struct cli *c, const char *domain, const char *type, uint64_t since_ns)
{
	struct err err = {0};
	struct history h = {.domain = domain, .type = type, .since_ns = since_ns};
	int rc = domain ? audit_read(&c->home, domain, take, &h, &err) : read_all(c, &h, &err);
	if (h.n > 0)
		qsort(h.events, h.n, sizeof(*h.events), by_time);
	for (size_t i = 0; i < h.n; i++) {
		struct event *e = &h.events[i];
		(c->json ? print_json : print_line)(e);
		free(e->domain);
		free(e->type);
		free(e->detail);
		free(e->words);
	}
	free(h.events);
	if (rc < 0)
		out_error("%s", err.msg);
	return rc < 0 ? CLI_FAILED : CLI_DONE;
}
