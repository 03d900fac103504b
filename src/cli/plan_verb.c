#include "cli/plan_verb.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/live.h"
#include "cli/out.h"
#include "cli/plan_off.h"
#include "core/jsonl.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/vm.h"
#include "kvm/plan_verbs.h"

#define WAIT_BUSY_S 30
#define NOT_RUNNING "Requested operation is not valid: domain is not running"
#define TRANSIENT \
	"Requested operation is not valid: transient domains do not have any persistent config"

struct doing {
	struct cli *c;
	const struct plan_request *r;
	const struct plan_verb *verb;
	char *name;
	unsigned where;
	bool running, dry_run;
	struct live live;
	bool shown, told_waiting; /* a line of progress stands on the terminal */
	int interrupts;           /* that were heard of when the plan was cancelled; 0 it was not */
};

/* --- Ctrl+C --- */

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	(void)sig;
	interrupted++;
}

static void catch_interrupts(bool on)
{
	struct sigaction a = {.sa_handler = on ? on_signal : SIG_DFL};
	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
	sigaction(SIGALRM, &a, NULL);
}

/* --- options --- */

static bool has(const struct cli *c, const char *opt)
{
	return opt_find(c->verb->opts, opt, strlen(opt)) != NULL;
}

static bool given(const struct cli *c, const char *opt)
{
	return has(c, opt) && cli_flag(c, opt);
}

static uint64_t wait_busy_s(const struct cli *c)
{
	return has(c, "wait-busy") ? cli_number(c, "wait-busy", WAIT_BUSY_S) : WAIT_BUSY_S;
}

static int refuse_both(const char *a, const char *b, struct err *err)
{
	return err_set(err, ERR_USAGE, "Options --%s and --%s are mutually exclusive", a, b);
}

/* virsh's VIR_DOMAIN_AFFECT_*: without a flag, and with --current, what runs, else the definition; --persistent is
 * --config, and --live where it runs. */
static int choose_where(struct doing *d, bool defined, struct err *err)
{
	static const char *const kinds[] = {"live", "config", "persistent"};
	const struct cli *c = d->c;
	bool live = given(c, "live"), config = given(c, "config") || given(c, "persistent");
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (given(c, "current") && given(c, kinds[i]))
			return refuse_both("current", kinds[i], err);
	if (given(c, "persistent") && d->running)
		live = true;
	if ((d->r->flags & PLAN_REQUEST_CONFIG_ONLY) != 0)
		config = true;
	if ((d->r->flags & PLAN_REQUEST_LIVE_ONLY) != 0)
		live = true;
	if (live && !d->running)
		return err_set(err, ERR_STATE, NOT_RUNNING);
	if (config && !defined)
		return err_set(err, ERR_STATE, TRANSIENT);
	if (!live && !config)
		live = d->running;
	d->where = (live ? PLAN_LIVE : 0u) | (config || !live ? PLAN_CONFIG : 0u);
	return 0;
}

static int look(struct doing *d, struct err *err)
{
	struct vm vm;
	d->name = vm_resolve(&d->c->home, cli_value(d->c, "domain"), err);
	if (d->name == NULL)
		return -1;
	/* A supervisor that was killed is replaced before anything is decided. */
	if (live_supervised(&d->c->home, d->name, err) == 0)
		d->running = true;
	else if (err->code != ERR_STATE)
		return -1;
	if (vm_probe(&d->c->home, d->name, &vm, err) < 0)
		return -1;
	bool defined = vm.defined;
	vm_fini(&vm);
	return choose_where(d, defined, err);
}

/* --- progress --- */

/* Each step that is told of wakes us beside those who do the work. */
static bool is_watched(const struct doing *d)
{
	return d->c->progress || (isatty(STDERR_FILENO) && !d->c->quiet);
}

static void show(struct doing *d, const char *words, uint64_t step, uint64_t steps, uint64_t done,
    uint64_t total)
{
	unsigned permille = total == 0 ? 0 : (unsigned)(done * 1000 / total);
	CLEANUP_FREE char *text = str_printable(words, strlen(words), 200);
	unsigned all = steps == 0 ? 1 : (unsigned)steps * 1000;
	unsigned at = (step == 0 ? 0 : (unsigned)(step - 1) * 1000) + permille;
	out_progress(d->c, at, all, text);
	if (!is_watched(d) || d->c->progress)
		return;
	fprintf(stderr, "\r\033[K[%" PRIu64 "/%" PRIu64 "] %s", step, steps, text);
	if (total != 0)
		fprintf(stderr, " %u %%", permille / 10);
	fflush(stderr);
	d->shown = true;
}

static void clear_progress(struct doing *d)
{
	if (d->shown)
		fputs("\r\033[K", stderr);
	d->shown = false;
}

static void heard(void *arg, const char *method, struct json_object *o)
{
	struct doing *d = arg;
	const char *words = json_get_str(o, "words"), *who = json_get_str(o, "who");
	const char *verb = json_get_str(o, "verb");
	if (!str_eq(method, "plan") || words == NULL || who == NULL || verb == NULL)
		return;
	if (json_get_bool(o, "waiting", 0)) {
		if (!d->told_waiting && !d->c->quiet)
			out_warning("domain '%s' is busy: %s does '%s' (%s); waiting for its end",
			    d->name, who, verb, words);
		d->told_waiting = true;
		return;
	}
	show(d, words, (uint64_t)json_get_int(o, "step", 0), (uint64_t)json_get_int(o, "steps", 0),
	    (uint64_t)json_get_int(o, "done", 0), (uint64_t)json_get_int(o, "total", 0));
}

static void step_off(
    void *arg, size_t step, size_t steps, const char *words, uint64_t done, uint64_t total)
{
	show(arg, words, step + 1, steps, done, total);
}

static bool cancelled_off(void *arg)
{
	(void)arg;
	return interrupted > 0;
}

/* The first Ctrl+C asks for the plan to be taken back, and its end is waited for; another one goes. */
static bool wake(void *arg)
{
	struct doing *d = arg;
	struct err err;
	if (interrupted == 0 || d->interrupts > 0)
		return interrupted == d->interrupts;
	d->interrupts = interrupted;
	clear_progress(d);
	if (!d->c->quiet && isatty(STDERR_FILENO))
		fputs(
		    "cancelling: what was done is being taken back (once more: leave it to itself)\n",
		    stderr);
	struct json_object *o = json_object_new_object();
	json_object_object_add(o, "mine", json_object_new_boolean(1));
	return rpc_notify(d->live.rpc, "plan-cancel", o, &err) == 0;
}

/* --- the two ways --- */

static struct json_object *request(const struct doing *d)
{
	struct json_object *o = json_object_new_object(), *where = json_object_new_array();
	json_object_object_add(o, "verb", json_object_new_string(d->verb->name));
	json_object_object_add(
	    o, "args", d->r->args == NULL ? json_object_new_object() : json_object_get(d->r->args));
	if ((d->where & PLAN_LIVE) != 0)
		json_object_array_add(where, json_object_new_string("live"));
	if ((d->where & PLAN_CONFIG) != 0)
		json_object_array_add(where, json_object_new_string("config"));
	json_object_object_add(o, "where", where);
	json_object_object_add(o, "dry_run", json_object_new_boolean(d->dry_run));
	json_object_object_add(
	    o, "background", json_object_new_boolean((d->r->flags & PLAN_REQUEST_BACKGROUND) != 0));
	json_object_object_add(o, "progress", json_object_new_boolean(is_watched(d)));
	json_object_object_add(
	    o, "wait_ms", json_object_new_int64((int64_t)wait_busy_s(d->c) * 1000));
	return o;
}

/* The connection ended, or we leave: the plan is the supervisor's, or the next one's, which is started here. */
static int explain(const struct doing *d, struct err *err)
{
	struct err why = {0};
	if (err->code == ERR_CANCELLED && d->interrupts > 0 && interrupted > d->interrupts)
		return err_set(err, ERR_CANCELLED,
		    "left to itself: 'hvmux plan-show %s' shows where it stands", d->name);
	if (err->code != ERR_STATE || strstr(err->msg, "closed the connection") == NULL)
		return -1;
	(void)live_supervised(&d->c->home, d->name, &why); /* whoever looks next does it, too */
	if (vm_locked(&d->c->home, d->name) || why.code != ERR_STATE)
		err_set(err, ERR_STATE,
		    "its supervisor was killed; the next one finishes what was begun, or takes it back: 'hvmux plan-show %s' "
		    "shows where it stands, 'hvmux domjobinfo %s --completed --anystats' what became of it",
		    d->name, d->name);
	return -1;
}

static int run_live(struct doing *d, struct json_object **answer, struct err *err)
{
	d->live.c = d->c;
	d->live.name = xstrdup(d->name);
	d->live.rpc = live_connect(&d->c->home, d->name, err);
	if (d->live.rpc == NULL) {
		live_explain(&d->c->home, d->name, err);
		return -1;
	}
	rpc_listen(d->live.rpc, heard, wake, d);
	if (rpc_call(d->live.rpc, "plan", request(d), -1, answer, err) < 0)
		return explain(d, err);
	return 0;
}

static int run_off(struct doing *d, struct json_object **answer, struct err *err)
{
	const struct plan_off o = {.home = &d->c->home,
	    .name = d->name,
	    .verb = d->verb,
	    .args = d->r->args,
	    .dry_run = d->dry_run,
	    .progress = step_off,
	    .cancelled = cancelled_off,
	    .arg = d};
	return plan_off_run(&o, answer, err);
}

/* --- the end --- */

static int print_dry_run(const struct doing *d, struct json_object *answer)
{
	if (d->c->json)
		out_json(json_object_get(json_get_obj(answer, "plan")));
	else
		fputs(json_get_str(answer, "words") == NULL ? "" : json_get_str(answer, "words"),
		    stdout);
	d->c->bare = true;
	return CLI_DONE;
}

static void warn_lines(const char *text)
{
	for (size_t n; text != NULL && text[0] != '\0'; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		out_warning("%.*s", (int)n, text);
	}
}

static int print_done(const struct doing *d, struct json_object *answer)
{
	const char *result = json_get_str(answer, "result");
	const char *said = json_get_bool(answer, "began", 0) ? d->r->began
	                   : d->r->done != NULL              ? d->r->done
	                                                     : result;
	warn_lines(json_get_str(answer, "told"));
	warn_lines(json_get_str(answer, "notes"));
	if (d->r->print != NULL && !d->c->json)
		return d->r->print(d->c, d->name, answer);
	if (d->c->json) {
		struct json_object *o = json_object_new_object();
		out_add_str(o, "domain", d->name);
		out_add_str(o, "verb", d->c->verb->name);
		out_add_str(o, "result", result != NULL ? result : said);
		out_add_str(o, "notes", json_get_str(answer, "notes"));
		out_json(o);
	} else if (said != NULL) {
		out_message(d->c, "%s", said);
	}
	return CLI_DONE;
}

static int fail(const struct doing *d, const struct err *err)
{
	size_t n = strcspn(err->msg, "\n");
	if (d->r->failed != NULL && err->code != ERR_USAGE)
		out_error("%s", d->r->failed);
	out_error("%.*s", (int)n, err->msg);
	if (err->msg[n] != '\0')
		warn_lines(err->msg + n + 1);
	return out_status(err);
}

int plan_verb_run(struct cli *c, const struct plan_request *r)
{
	struct doing d = {
	    .c = c, .r = r, .dry_run = given(c, "dry-run") || (r->flags & PLAN_REQUEST_LOOK) != 0};
	struct json_object *answer = NULL;
	struct err err = {0};
	d.verb = plan_verb_find(r->verb == NULL ? c->verb->name : r->verb);
	int rc = 0;
	if (d.verb == NULL)
		rc = err_set(&err, ERR_UNSUPPORTED, "there is no plan for '%s'", c->verb->name);
	else
		rc = look(&d, &err);
	interrupted = 0;
	catch_interrupts(true);
	alarm(d.dry_run ? 0 : r->timeout_s);
	if (rc == 0)
		rc = d.running ? run_live(&d, &answer, &err) : run_off(&d, &answer, &err);
	alarm(0);
	catch_interrupts(false);
	clear_progress(&d);
	int status =
	    rc < 0 && r->refused != NULL && d.name != NULL ? r->refused(c, d.name, &err) : -1;
	if (status < 0)
		status = rc < 0                                ? fail(&d, &err)
		         : (r->flags & PLAN_REQUEST_LOOK) != 0 ? CLI_DONE
		         : d.dry_run                           ? print_dry_run(&d, answer)
		                                               : print_done(&d, answer);
	json_object_put(answer);
	json_object_put(r->args);
	rpc_free(d.live.rpc);
	free(d.live.name);
	free(d.name);
	return status;
}

char *plan_verb_domain(struct cli *c, const char *failed, bool *running)
{
	struct err err = {0};
	char *name = vm_resolve(&c->home, cli_value(c, "domain"), &err);
	*running = name != NULL && live_supervised(&c->home, name, &err) == 0;
	if (name != NULL && (*running || err.code == ERR_STATE))
		return name;
	if (failed != NULL)
		out_error("%s", failed);
	out_error("%s", err.msg);
	free(name);
	return NULL;
}
