/* domjobinfo: long work on a running domain, from its status page; of what is over, from the audit log. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/dispatch.h"
#include "cli/live.h"
#include "cli/out.h"
#include "core/audit.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "core/vm.h"

struct job {
	char *name; /* the plan's verb, or the work's name; NULL none */
	bool failed;
	uint64_t ms, done, total;
	uint32_t step, steps;
	char *words, *who;
};

/* virsh's words for an operation; what it has none for is called by its verb. */
static const struct {
	const char *prefix, *words;
} operations[] = {{"snapshot-create", "Snapshot"}, {"snapshot-revert", "Snapshot revert"},
    {"snapshot-delete", "Snapshot delete"}, {"managedsave", "Save"}, {"save", "Save"},
    {"restore", "Restore"}, {"core dump", "Dump"}};

static const char *operation(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(operations); i++)
		if (str_prefix(name, operations[i].prefix))
			return operations[i].words;
	return name;
}

static void job_fini(struct job *j)
{
	free(j->name);
	free(j->words);
	free(j->who);
}

static void print_json(const struct job *j)
{
	struct json_object *o = json_object_new_object();
	out_add_str(o, "job", j->name);
	out_add_u64(o, "elapsed_ms", j->ms);
	out_add_u64(o, "done", j->done);
	out_add_u64(o, "total", j->total);
	out_add_u64(o, "step", j->step);
	out_add_u64(o, "steps", j->steps);
	out_add_str(o, "words", j->words);
	out_add_str(o, "who", j->who);
	out_json(o);
}

static void print_text(const char *label, const char *text)
{
	CLEANUP_FREE char *shown = str_printable(text, strlen(text), 300);
	printf("%-17s %-12s\n", label, shown);
}

/* The lines that virsh prints, and ours behind them. */
static void print_job(const struct cli *c, const struct job *j, const char *type)
{
	if (c->json) {
		print_json(j);
		return;
	}
	printf("%-17s %-12s\n", "Job type:", type);
	if (j->name == NULL)
		return;
	printf("%-17s %-12s\n", "Operation:", operation(j->name));
	printf("%-17s %-12" PRIu64 " ms\n", "Time elapsed:", j->ms);
	if (j->total)
		printf("%-17s %" PRIu64 " of %" PRIu64 "\n", "Done:", j->done, j->total);
	if (j->steps)
		printf("%-17s %u of %u\n", "Step:", j->step, j->steps);
	if (j->words)
		print_text(j->failed ? "Error:" : "Doing:", j->words);
	if (j->who)
		print_text("Asked by:", j->who);
}

static void take_page(const struct status_page *p, struct job *j)
{
	uint64_t now = timestamp_ns();
	if (!p || !p->job[0])
		return;
	j->name = xstrdup(p->job);
	j->ms = p->job_began_ns && now > p->job_began_ns ? (now - p->job_began_ns) / 1000000u : 0;
	j->done = p->job_done;
	j->total = p->job_total;
	j->step = p->job_step;
	j->steps = p->job_steps;
	j->words = p->job_words[0] ? xstrdup(p->job_words) : NULL;
	j->who = p->job_who[0] ? xstrdup(p->job_who) : NULL;
}

/* The last plan that is over: the others are forgotten again. */
static void take_record(void *arg, uint64_t time_ns, const char *text)
{
	struct job *j = arg;
	(void)time_ns;
	CLEANUP_FREE char *what = audit_value(text, "what");
	if (!what || strcmp(what, "plan-end") != 0)
		return;
	CLEANUP_FREE char *ms = audit_value(text, "ms"), *result = audit_value(text, "result");
	job_fini(j);
	*j = (struct job){.name = audit_value(text, "plan"), .who = audit_value(text, "who")};
	j->ms = ms ? strtoull(ms, NULL, 10) : 0;
	j->failed = result && !str_prefix(result, "ok");
	j->words = j->failed ? xstrdup(result) : NULL;
}

static int show_completed(struct cli *c, const char *name)
{
	struct job j = {0};
	struct err err = {0};
	if (audit_read(&c->home, name, take_record, &j, &err) < 0)
		return live_failed(NULL, &err);
	/* As virsh: one that failed is shown to who asks for any. */
	if (j.failed && !cli_flag(c, "anystats") && !c->json) {
		job_fini(&j);
		j = (struct job){0};
	}
	print_job(c, &j, !j.name ? "None" : j.failed ? "Failed" : "Completed");
	job_fini(&j);
	return CLI_DONE;
}

int verb_domjobinfo(struct cli *c)
{
	struct err err = {0};
	struct vm vm;
	CLEANUP_FREE char *name = vm_resolve(&c->home, cli_value(c, "domain"), &err);
	if (name && cli_flag(c, "completed"))
		return show_completed(c, name);
	if (!name || vm_probe(&c->home, name, &vm, &err) < 0)
		return live_failed(NULL, &err);
	struct job j = {0};
	bool live = vm.live;
	if (live) {
		take_page(vm.head, &j);
		print_job(c, &j, !j.name ? "None" : j.total ? "Bounded" : "Unbounded");
	} else
		err_set(&err, ERR_STATE, "Requested operation is not valid: domain is not running");
	job_fini(&j);
	vm_fini(&vm);
	return live ? CLI_DONE : live_failed(NULL, &err);
}
