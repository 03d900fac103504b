/* plan-show, domjobabort: the plan that changes a running domain just now. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/live.h"
#include "cli/out.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/timestamp.h"

int verb_domjobabort(struct cli *c)
{
	struct live l;
	struct err err = {0};
	if (cli_flag(c, "postcopy")) {
		out_error(
		    "Requested operation is not valid: nothing is migrated to another host here");
		return CLI_FAILED;
	}
	int rc = live_open(c, &l, &err);
	if (rc == 0)
		rc = live_call(&l, "plan-cancel", NULL, RPC_TIMEOUT_MS, NULL, &err);
	live_fini(&l);
	return rc < 0 ? live_failed(NULL, &err) : CLI_DONE;
}

/* --- plan-show --- */

/* Of a step: done, on its way, still to come; while things are taken back what is done is still to be undone. */
static const char *mark(const char *fates, size_t i, size_t at, bool forward)
{
	if (i == at)
		return forward ? ">" : "<";
	if (fates == NULL || i >= strlen(fates))
		return " ";
	return fates[i] == 'd' ? "x" : fates[i] == 'p' ? "?" : " ";
}

static void print_line(const char *text)
{
	CLEANUP_FREE char *shown = str_printable(text, strlen(text), 400);
	puts(shown);
}

static void print_steps(struct json_object *o)
{
	struct json_object *steps = json_get_arr(json_get_obj(o, "plan"), "steps");
	struct json_object *state = json_get_obj(o, "state");
	const char *fates = json_get_str(state, "fates");
	int64_t at = json_get_int(state, "at", -1);
	bool forward = str_eq(json_get_str(state, "phase"), "doing");
	size_t n = steps == NULL ? 0 : json_object_array_length(steps);
	if (!forward && state != NULL)
		puts("what was done is being taken back");
	for (size_t i = 0; i < n; i++) {
		const char *words = json_get_str(json_object_array_get_idx(steps, i), "words");
		CLEANUP_FREE char *line = xasprintf("%s %2zu. %s",
		    mark(fates, i, at < 0 ? SIZE_MAX : (size_t)at, forward), i + 1,
		    words == NULL ? "" : words);
		print_line(line);
	}
}

static void print_waiting(struct json_object *o)
{
	struct json_object *list = json_get_arr(o, "waiting");
	size_t n = list == NULL ? 0 : json_object_array_length(list);
	for (size_t i = 0; i < n; i++) {
		struct json_object *w = json_object_array_get_idx(list, i);
		const char *who = json_get_str(w, "who"), *verb = json_get_str(w, "verb");
		CLEANUP_FREE char *line = xasprintf(
		    "waits: %s with '%s'", who == NULL ? "?" : who, verb == NULL ? "?" : verb);
		print_line(line);
	}
}

static void print_plan(struct json_object *o)
{
	const char *verb = json_get_str(o, "verb"), *who = json_get_str(o, "who");
	const char *words = json_get_str(json_get_obj(o, "plan"), "words");
	uint64_t began = (uint64_t)json_get_int(o, "began_ns", 0), now = timestamp_ns();
	int64_t done = json_get_int(o, "done", 0), total = json_get_int(o, "total", 0);
	if (verb == NULL) {
		puts("no plan goes on");
		return;
	}
	CLEANUP_FREE char *head = xasprintf("%s (%s, %" PRIu64 " s): %s", verb,
	    who == NULL ? "?" : who, now > began ? (now - began) / 1000000000u : 0,
	    words == NULL ? "is being made" : words);
	print_line(head);
	print_steps(o);
	if (total > 0)
		printf(
		    "this step: %" PRId64 " %%\n", (int64_t)((double)done * 100 / (double)total));
	print_waiting(o);
}

int verb_plan_show(struct cli *c)
{
	struct live l;
	struct err err = {0};
	struct json_object *o = NULL;
	int rc = live_open(c, &l, &err);
	if (rc == 0)
		rc = live_call(&l, "plan-status", NULL, RPC_TIMEOUT_MS, &o, &err);
	live_fini(&l);
	if (rc < 0)
		return live_failed(NULL, &err);
	if (c->json)
		out_json(o);
	else
		print_plan(o);
	if (!c->json)
		json_object_put(o);
	return CLI_DONE;
}
