/* The administrator's hooks around the life of a QEMU: prepare before it is made, which may refuse; started; stopped and
 * released after its end. A prepare is always followed by a released, also when the supervisor or the hook was killed in
 * between: the page says that one is owed. Without hooks nothing is deferred and nothing is written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/hostconf.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/store.h"
#include "kvm/hooks.h"
#include "kvm/supervisor_impl.h"

/* In the page. */
enum { OWES_NOTHING, OWES_RELEASED, OWES_STOPPED };

static struct hooks *hooks_of(struct supervisor *s)
{
	struct hostconf conf;
	unsigned timeout = HOOKS_TIMEOUT_S;
	if (s->hooks != NULL)
		return s->hooks;
	if (hostconf_load(s->home, &conf, NULL) == 0) {
		timeout = (unsigned)conf.hook_timeout;
		hostconf_fini(&conf);
	}
	s->hooks = hooks_new(s->loop, s->home, s->name, timeout);
	return s->hooks;
}

static void owe(struct supervisor *s, uint32_t what)
{
	status_begin(&s->page)->prepared = what;
	status_end(&s->page);
}

/* As it runs, or ran; of a QEMU that was never made, as it is defined. */
static void run(struct supervisor *s, enum hook_op op, hooks_done_fn *fn)
{
	CLEANUP_BUF struct buf xml = BUF_INIT;
	CLEANUP_FREE char *live = home_run_file(s->home, s->name, "live.xml");
	if (file_read(live, STORE_XML_MAX, &xml, NULL) < 0 &&
	    store_read(s->home, s->name, &xml, NULL) < 0)
		log_warn("the hooks get no XML: there is no definition any more");
	hooks_run(hooks_of(s), op, xml.data == NULL ? "" : xml.data, xml.len, fn, s);
}

static void show_job(struct supervisor *s, const char *words)
{
	struct status_page *p = status_begin(&s->page);
	snprintf(p->job, sizeof(p->job), "%s", words);
	p->job_done = p->job_total = 0;
	status_end(&s->page);
}

/* All is there, or err says what is not. */
static void launch(struct supervisor *s, const struct err *err)
{
	struct err why;
	s->preparing = false;
	show_job(s, "");
	if (err == NULL && s->machine.state == MACHINE_STARTING) {
		if (sup_launch_live(s, &why) == 0)
			return;
		err = &why;
	}
	if (err != NULL && s->machine.state == MACHINE_STARTING) {
		sup_detail(s, "%s", err->msg);
		s->failure = err->code;
	}
	s->machine.death = (struct machine_death){.known = false};
	machine_handle(&s->machine, EV_DIED, NULL);
}

static void on_keys(void *arg, const struct err *err)
{
	struct supervisor *s = arg;
	struct domain d;
	struct err why;
	if (err == NULL && sup_read_domain(s, true, &d, &why) == 0) {
		if (sup_keys_keep(s, &d, &why) < 0)
			err = &why;
		domain_fini(&d);
	} else if (err == NULL)
		err = &why;
	launch(s, err);
}

/* 1: a TPM's keys are being made. */
static int make_keys(struct supervisor *s, struct err *err)
{
	struct domain d;
	if (sup_read_domain(s, true, &d, err) < 0)
		return -1;
	int rc = sup_keys_make(s, &d, on_keys, err);
	domain_fini(&d);
	if (rc > 0) {
		s->preparing = true;
		show_job(s, "TPM keys");
	}
	return rc;
}

static void on_prepared(void *arg, enum hook_op op, const struct err *err)
{
	struct supervisor *s = arg;
	struct err why;
	int rc = 0;
	(void)op;
	if (err == NULL && s->machine.state == MACHINE_STARTING)
		rc = make_keys(s, &why);
	if (rc <= 0)
		launch(s, rc < 0 ? &why : err);
}

/* A program that somebody copied there and that never runs is missed when it is needed. */
static bool any_hooks(struct supervisor *s)
{
	char *idle;
	bool any = hooks_any(s->home, &idle);
	if (idle != NULL) {
		CLEANUP_FREE char *words =
		    xasprintf("not run, not executable (chmod +x): %s", idle);
		log_warn("hooks: %s", words);
		sup_tell(s, "hook", words, NULL);
	}
	free(idle);
	return any;
}

bool sup_prepare(struct supervisor *s)
{
	struct err err;
	/* One that is owed was prepared by hooks which may be gone by now; what runs still comes first. What fails here fails
	 * once more in the launch, which tells it. */
	if (!any_hooks(s) && s->page.page->prepared == OWES_NOTHING)
		return make_keys(s, &err) > 0;
	s->preparing = true;
	if (s->page.page->prepared == OWES_NOTHING)
		owe(s, OWES_RELEASED);
	show_job(s, "prepare hooks");
	run(s, HOOK_PREPARE, on_prepared);
	return true;
}

bool sup_prepare_abort(struct supervisor *s)
{
	return s->preparing &&
	       (companion_run_abort(s->companions) || hooks_abort_prepare(hooks_of(s)));
}

void sup_hooks_started(struct supervisor *s)
{
	if (s->page.page->prepared == OWES_NOTHING)
		return;
	owe(s, OWES_STOPPED);
	run(s, HOOK_STARTED, NULL);
}

static void on_released(void *arg, enum hook_op op, const struct err *err)
{
	struct supervisor *s = arg;
	(void)op, (void)err;
	s->releasing = false;
	owe(s, s->preparing ? OWES_RELEASED : OWES_NOTHING);
	machine_handle(&s->machine, EV_RELEASED, NULL);
}

bool sup_release(struct supervisor *s)
{
	uint32_t owed = s->page.page->prepared;
	if (s->releasing)
		return true;
	if (owed == OWES_NOTHING)
		return false;
	s->releasing = true;
	if (owed == OWES_STOPPED)
		run(s, HOOK_STOPPED, NULL);
	run(s, HOOK_RELEASED, on_released);
	return true;
}
