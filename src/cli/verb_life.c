/* start, shutdown, reboot, reset, destroy, suspend, resume: one request to each domain's supervisor. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/attach.h"
#include "cli/dispatch.h"
#include "cli/facts.h"
#include "cli/live.h"
#include "cli/out.h"
#include "cli/shutdown.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/rpc.h"
#include "core/str.h"
#include "core/vm.h"
#include "kvm/chain_guard.h"
#include "kvm/restore.h"
#include "kvm/supervisor.h"

/* QEMU is given 5 s to end by itself before the supervisor kills it; a hung supervisor is passed over after this. */
#define DESTROY_TIMEOUT_MS 10000
#define DEATH_TIMEOUT_MS \
	10000 /* from SIGKILL to the end: a process in uninterruptible sleep takes its time */
#define DYING_MS 1000 /* from SIGKILL to the end of a process that waits for no device */
#define SOCKET_RETRY_MS 20

struct action {
	const char *doing; /* "Failed to DOING domain" */
	const char *method;
	const char *done; /* "Domain 'vm1' DONE" */
	int timeout_ms;
};

static const struct action action_shutdown = {
    "shutdown", "shutdown", "is being shutdown", RPC_TIMEOUT_MS};
static const struct action action_reboot = {
    "reboot", "reboot", "is being rebooted", RPC_TIMEOUT_MS};
static const struct action action_reset = {"reset", "reset", "was reset", RPC_TIMEOUT_MS};
static const struct action action_destroy = {"destroy", "destroy", "destroyed", DESTROY_TIMEOUT_MS};
static const struct action action_suspend = {"suspend", "suspend", "suspended", RPC_TIMEOUT_MS};
static const struct action action_resume = {"resume", "resume", "resumed", RPC_TIMEOUT_MS};

/* *began: the request may have been heard, and must not be made again. */
static int ask(
    const struct home *h, const char *name, const struct action *a, bool *began, struct err *err)
{
	struct rpc_client *r = live_connect(h, name, err);
	*began = r != NULL;
	if (!r)
		return -1;
	int rc = rpc_call(r, a->method, NULL, a->timeout_ms, NULL, err);
	rpc_free(r);
	return rc;
}

/* --- a supervisor that hangs --- */

/* SIGKILL to exactly that process, and its end; 0 also when it is gone already. */
static int kill_process(pid_t pid, uint64_t start, struct err *err)
{
	CLEANUP_CLOSE int fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	if (fd < 0 && pid > 0 && errno != ESRCH)
		return err_errno(err, errno, "cannot open process %d", pid);
	/* Checked after the open: from here on the descriptor means this process, whatever the pid is used for. */
	if (fd < 0 || !vm_process_exists(pid, start))
		return 0;
	if (syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) < 0 && errno != ESRCH)
		return err_errno(err, errno, "cannot kill process %d", pid);
	struct pollfd p = {fd, POLLIN, 0};
	if (poll(&p, 1, DEATH_TIMEOUT_MS) <= 0)
		return err_set(err, ERR_TIMEOUT,
		    "process %d was killed but has not ended within %d s: it waits for a device",
		    pid, DEATH_TIMEOUT_MS / 1000);
	return 0;
}

static bool released_within(const struct home *h, const char *name, int ms)
{
	uint64_t end = loop_now_ms() + (uint64_t)ms;
	while (vm_locked(h, name)) {
		if (loop_now_ms() > end)
			return false;
		poll(NULL, 0, SOCKET_RETRY_MS);
	}
	return true;
}

static int read_pids(const struct home *h, const char *name, struct vm_process *p, struct err *err)
{
	if (vm_process_read(h, name, p))
		return 0;
	return err_set(
	    err, ERR_TIMEOUT, "its supervisor does not answer and has not noted any QEMU");
}

/* A supervisor that hangs is replaced: its successor takes the running QEMU over and is asked, so that the end is recorded
 * as the operator's wish and not as a crash. QEMU is killed past everybody only when that does not work either. */
static int destroy_hung(const struct home *h, const char *name, struct err *err)
{
	struct vm_process p = {0};
	if (read_pids(h, name, &p, err) < 0 || kill_process(p.sup, p.sup_start, err) < 0)
		return -1;
	out_warning("the supervisor (process %d) did not answer and was killed", p.sup);
	if (!released_within(h, name, DEATH_TIMEOUT_MS))
		return err_set(
		    err, ERR_BUSY, "another supervisor has come, which does not answer either");
	if (live_supervised(h, name, err) < 0)
		return err->code == ERR_STATE ? 0 : -1; /* QEMU ended meanwhile */
	bool began;
	if (ask(h, name, &action_destroy, &began, err) == 0)
		return 0;
	if (kill_process(p.qemu, p.qemu_start, err) < 0)
		return -1;
	out_warning("its successor did not answer either; QEMU (process %d) was killed", p.qemu);
	return 0;
}

static bool hangs(const struct err *err, const struct home *h, const char *name)
{
	return err->code == ERR_TIMEOUT || (err->code == ERR_NOT_FOUND && vm_locked(h, name));
}

/* --- one domain --- */

static bool is_asking(const struct action *a)
{
	return a == &action_shutdown || a == &action_reboot;
}

/* 1: the agent took it; 0: the power button is to be pressed; -1. */
static int try_agent(struct cli *c, const char *name, const struct action *a, struct err *err)
{
	unsigned modes = shutdown_modes(c);
	if (!shutdown_by_agent(&c->home, name, modes))
		return 0;
	if (shutdown_ask_agent(&c->home, name, a == &action_reboot, err) == 0)
		return 1;
	return modes == SHUTDOWN_AGENT ? -1 : 0;
}

static int act(struct cli *c, const char *name, const struct action *a, struct err *err)
{
	bool began;
	if (live_supervised(&c->home, name, err) < 0)
		return -1;
	int agent = is_asking(a) ? try_agent(c, name, a, err) : 0;
	if (agent != 0)
		return agent < 0 ? -1 : 0;
	int rc = ask(&c->home, name, a, &began, err);
	/* A supervisor that was dying as we came: its lock was still held, its socket took us and was closed. */
	if (rc < 0 && !began && err->code != ERR_TIMEOUT &&
	    released_within(&c->home, name, DYING_MS)) {
		if (live_supervised(&c->home, name, err) < 0)
			return -1;
		rc = ask(&c->home, name, a, &began, err);
	}
	if (rc == 0)
		return 0;
	if (a == &action_destroy && !cli_flag(c, "graceful") && hangs(err, &c->home, name)) {
		struct err why = {0};
		if (destroy_hung(&c->home, name, &why) == 0)
			return 0;
		*err = why;
		return -1;
	}
	live_explain(&c->home, name, err);
	return -1;
}

static int accept_chains(struct cli *c, const char *name, struct err *err)
{
	struct domain d = {0};
	int rc = facts_definition(&c->home, name, &d, err);
	if (rc == 0)
		chain_guard_accept(&c->home, &d);
	domain_fini(&d);
	return rc;
}

static int discard_saved(struct cli *c, const char *name, struct err *err)
{
	CLEANUP_FREE char *path = restore_managed_path(&c->home, name);
	restore_forget(&c->home, name);
	if (unlink(path) == 0 || errno == ENOENT)
		return 0;
	return err_errno(err, errno, "cannot discard the saved state '%s'", path);
}

static int start(struct cli *c, const char *name, struct err *err)
{
	struct vm vm;
	if (live_settled(&c->home, name, &vm, err) < 0)
		return -1;
	bool live = vm.live, unsettled = vm.unsettled;
	vm_adopt_all(&c->home, &vm, vm.orphan ? 1 : 0);
	vm_fini(&vm);
	if (live)
		return err_set(err, ERR_BUSY, "Domain is already active");
	/* What became of the last run is recorded before its status page is used anew. */
	if (unsettled)
		(void)vm_spawn_supervisor(&c->home, name, VM_SPAWN_ADOPT, NULL);
	if (cli_flag(c, "force-boot") && discard_saved(c, name, err) < 0)
		return -1;
	if (cli_flag(c, "accept-chains") && accept_chains(c, name, err) < 0)
		return -1;
	unsigned flags = (cli_flag(c, "paused") ? VM_SPAWN_PAUSED : 0u) |
	                 (cli_flag(c, "throwaway") ? VM_SPAWN_THROWAWAY : 0u);
	return vm_spawn_supervisor(&c->home, name, flags, err);
}

static int one_domain(struct cli *c, const char *word, const struct action *a)
{
	struct err err = {0};
	CLEANUP_FREE char *name = vm_resolve(&c->home, word, &err);
	if (!name) {
		out_error("%s", err.msg);
		return -1;
	}
	if ((a ? act(c, name, a, &err) : start(c, name, &err)) == 0) {
		out_message(c, "Domain '%s' %s", name, a ? a->done : "started");
		return 0;
	}
	if (err.code == ERR_BUSY && str_eq(err.msg, "Domain is already active"))
		out_error("%s", err.msg); /* virsh's one line */
	else
		out_failed(a ? a->doing : "start", name, &err);
	return -1;
}

/* a NULL: start. Every domain is tried, whatever happens to the others. */
static int each_domain(struct cli *c, const struct action *a)
{
	unsigned n, failed = 0;
	const char *const *words = cli_values(c, "domain", &n);
	for (unsigned i = 0; i < n; i++) {
		CLEANUP_FREE char *text = xasprintf("%s %s", c->verb->name, words[i]);
		out_progress(c, i, n, text);
		failed += one_domain(c, words[i], a) < 0;
	}
	out_progress(c, n, n, failed ? "failed" : "done");
	return failed ? CLI_FAILED : CLI_DONE;
}

int verb_start(struct cli *c)
{
	unsigned n;
	const char *const *words = cli_values(c, "domain", &n);
	if (cli_flag(c, "console") && n > 1) {
		out_error("--console attaches to one domain, but %u are named; see '%s help start'",
		    n, c->prog);
		return CLI_USAGE;
	}
	vm_spawn_by_fork(supervisor_main);
	int status = each_domain(c, NULL);
	vm_spawn_by_fork(NULL); /* from here on there is a terminal to hold */
	return status == CLI_DONE && cli_flag(c, "console")
	           ? attach_console(c, words[0], 0, 0, false)
	           : status;
}

/* Those of the command line that are there; the others were told of when they were asked. */
static int await_all(struct cli *c, int status)
{
	unsigned n, there = 0;
	const char *const *words = cli_values(c, "domain", &n);
	CLEANUP_FREE char **names = xcalloc(n + 1, sizeof(*names));
	for (unsigned i = 0; i < n; i++) {
		char *name = vm_resolve(&c->home, words[i], NULL);
		if (name != NULL)
			names[there++] = name;
	}
	unsigned left = shutdown_await(
	    c, names, there, cli_number(c, "timeout", 0) * 1000, cli_flag(c, "force"));
	for (unsigned i = 0; i < there; i++)
		free(names[i]);
	/* A guest that could not be asked but was ended all the same: nothing of the wish is left open. */
	return left > 0 ? CLI_FAILED : cli_flag(c, "force") ? CLI_DONE : status;
}

int verb_shutdown(struct cli *c)
{
	bool wait = cli_value(c, "timeout") != NULL;
	if (cli_flag(c, "force") && !wait) {
		out_error(
		    "--force needs --timeout: how long the guest may take before it is destroyed");
		return CLI_USAGE;
	}
	if (cli_number(c, "timeout", 0) > SHUTDOWN_TIMEOUT_MAX_S) {
		out_error("--timeout is a number of seconds up to %d", SHUTDOWN_TIMEOUT_MAX_S);
		return CLI_USAGE;
	}
	int status = each_domain(c, &action_shutdown);
	return wait ? await_all(c, status) : status;
}

int verb_reboot(struct cli *c)
{
	return each_domain(c, &action_reboot);
}

int verb_reset(struct cli *c)
{
	return each_domain(c, &action_reset);
}

int verb_destroy(struct cli *c)
{
	return each_domain(c, &action_destroy);
}

int verb_suspend(struct cli *c)
{
	return each_domain(c, &action_suspend);
}

int verb_resume(struct cli *c)
{
	return each_domain(c, &action_resume);
}
