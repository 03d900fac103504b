/* run_cli: command lines run inside a test, their output caught; VMs made of status pages alone. */
#ifndef UNIT_CLI_RUN_CLI_H
#define UNIT_CLI_RUN_CLI_H

#include "unit/cm.h"

#include <fcntl.h>

#include <json-c/json.h>

#include "cli/dispatch.h"
#include "core/buf.h"
#include "core/loop.h"
#include "core/status.h"
#include "core/store.h"
#include "core/vm.h"

struct run {
	int status;
	char *out, *err;
};

/* A fresh HVMUX_HOME; NULL on failure is an abort. */
static char *run_home;
static struct home run_paths;

static inline int run_setup(void **state)
{
	(void)state;
	run_home = cm_mkdtemp();
	setenv("HVMUX_HOME", run_home, 1);
	assert_int_equal(home_init(&run_paths, NULL, NULL), 0);
	return 0;
}

static inline int run_teardown(void **state)
{
	(void)state;
	home_fini(&run_paths);
	cm_rmdir(run_home);
	return 0;
}

static inline char *run_slurp(const char *path)
{
	struct buf b = BUF_INIT;
	assert_int_equal(file_read(path, 16u << 20, &b, NULL), 0);
	return buf_take(&b);
}

static inline int run_redirect(int fd, const char *path, int *kept)
{
	int to = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	*kept = dup(fd);
	dup2(to, fd);
	close(to);
	return 0;
}

/* words: NULL-terminated, without the program's name. */
static inline void run_argv(struct run *r, const char *const *words)
{
	const char *argv[32] = {"hvmux"};
	int argc = 1, kept_out, kept_err;
	while (words[argc - 1] && argc < 31) {
		argv[argc] = words[argc - 1];
		argc++;
	}
	char *out = xasprintf("%s/stdout", run_home), *err = xasprintf("%s/stderr", run_home);
	fflush(stdout);
	fflush(stderr);
	run_redirect(1, out, &kept_out);
	run_redirect(2, err, &kept_err);
	r->status = cli_main(argc, (char **)(uintptr_t)argv);
	fflush(stdout);
	fflush(stderr);
	dup2(kept_out, 1);
	dup2(kept_err, 2);
	close(kept_out);
	close(kept_err);
	r->out = run_slurp(out);
	r->err = run_slurp(err);
	free(out);
	free(err);
}

#define RUN(r, ...) run_argv((r), (const char *const[]){__VA_ARGS__, NULL})

static inline void run_free(struct run *r)
{
	free(r->out);
	free(r->err);
}

/* Runs, compares everything. */
#define EXPECT(status_, out_, err_, ...)              \
	do {                                          \
		struct run r_;                        \
		RUN(&r_, __VA_ARGS__);                \
		assert_string_equal(r_.err, err_);    \
		assert_string_equal(r_.out, out_);    \
		assert_int_equal(r_.status, status_); \
		run_free(&r_);                        \
	} while (0)

/* --- VMs --- */

static inline void run_define(const char *name, const char *xml)
{
	char *dir = home_domains_dir(&run_paths);
	assert_int_equal(home_mkdir(&run_paths, dir, NULL), 0);
	free(dir);
	assert_int_equal(store_write(&run_paths, name, xml, strlen(xml), NULL), 0);
}

/* A VM whose QEMU and supervisor are this very process. The lock is held until close(*lock). */
static inline void run_live(const char *name, uint32_t id, enum vm_state state,
    enum vm_reason reason, struct status_writer *w, int *lock)
{
	*lock = vm_lock(&run_paths, name, NULL);
	assert_true(*lock >= 0);
	char *path = home_run_file(&run_paths, name, "status");
	assert_int_equal(status_writer_open(w, path, false, NULL), 0);
	free(path);
	struct status_page *p = status_begin(w);
	snprintf(p->name, sizeof(p->name), "%s", name);
	p->id = id;
	p->state = state;
	p->reason = reason;
	for (unsigned i = 0; i < 16; i++)
		p->uuid[i] = (uint8_t)(i * 17);
	p->sup_pid = p->qemu_pid = getpid();
	p->sup_start = p->qemu_start = vm_process_start(getpid());
	p->beat_ns = loop_now_ns();
	p->vcpus = p->vcpus_max = 2;
	p->memory_kib = 2097152;
	p->balloon_kib = 1048576;
	p->cpu_ns = 12345678901ull;
	p->user_ns = 12000000000ull;
	p->system_ns = 345678901ull;
	p->vcpu_ns[0] = 5000000000ull;
	p->vcpu_ns[1] = 6000000000ull;
	status_end(w);
}

static inline void run_end(struct status_writer *w, int lock)
{
	status_writer_close(w);
	close(lock);
}

#endif
