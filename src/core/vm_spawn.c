#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config.h"
#include "core/buf.h"
#include "core/detach.h"
#include "core/file.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/str.h"
#include "core/timestamp.h"
#include "core/vm.h"

#define READY_TIMEOUT_MS 90000 /* QEMU may have to allocate hugepages or wait for a slow disk */
#define ADOPT_EVERY_NS 5000000000ull
#define UNIT_FILE "hvmux@.service"

struct launch {
	char *argv[12];
	char *uri, *name, *what;
	const struct home *h;
	unsigned flags;
	int ready; /* -1 none */
};

static vm_supervise *supervise_here; /* NULL: by exec */

void vm_spawn_by_fork(vm_supervise *supervise)
{
	supervise_here = supervise;
}

static void launch_init(
    struct launch *l, const struct home *h, const char *name, unsigned flags, int ready)
{
	int n = 0;
	memset(l, 0, sizeof(*l));
	l->h = h;
	l->flags = flags;
	l->ready = ready;
	l->name = xstrdup(name);
	l->uri = xstrdup(home_uri(h));
	l->what = xasprintf("the supervisor of '%s'", name);
	l->argv[n++] = (char *)"hvmux";
	if (h->mode != HOME_PRIVATE) {
		l->argv[n++] = (char *)"-c";
		l->argv[n++] = l->uri;
	}
	l->argv[n++] = (char *)"supervise";
	l->argv[n++] = l->name;
	if (flags & VM_SPAWN_PAUSED)
		l->argv[n++] = (char *)"--paused";
	if (flags & VM_SPAWN_THROWAWAY)
		l->argv[n++] = (char *)"--throwaway";
	if (flags & VM_SPAWN_ADOPT)
		l->argv[n++] = (char *)"--adopt";
	if (ready >= 0) {
		l->argv[n++] = (char *)"--ready-fd";
		l->argv[n++] = (char *)"3";
	}
}

static void launch_fini(struct launch *l)
{
	free(l->name);
	free(l->uri);
	free(l->what);
}

static int run_here(void *arg)
{
	const struct launch *l = arg;
	return supervise_here(l->h, l->name, l->flags, l->ready >= 0 ? DETACH_READY_FD : -1);
}

static int launch_run(struct launch *l, struct err *err)
{
	const struct detach d = {.what = l->what,
	    .h = l->h,
	    .argv = l->argv,
	    .run = supervise_here ? run_here : NULL,
	    .arg = l,
	    .ready = l->ready};
	return detach(&d, err);
}

/* Line ends travel as \x0a, in place. */
static char *unescape_lines(char *words)
{
	for (char *p = words; (p = strstr(p, "\\x0a")) != NULL; p++) {
		*p = '\n';
		memmove(p + 1, p + 4, strlen(p + 4) + 1);
	}
	return words;
}

/* "ok\n", or "error CODE MESSAGE\n". */
static int take_verdict(const char *name, char *line, struct err *err)
{
	line[strcspn(line, "\n")] = '\0';
	if (strcmp(line, "ok") == 0)
		return 0;
	char *words = str_prefix(line, "error ") ? strchr(line + 6, ' ') : NULL;
	if (!words)
		return err_set(err, ERR_FAIL,
		    "the supervisor of '%s' ended without a word: its log is supervisor.log", name);
	long code = strtol(line + 6, NULL, 10);
	bool known = code > ERR_NONE && code <= ERR_IO;
	return err_set(
	    err, known ? (enum err_code)code : ERR_FAIL, "%s", unescape_lines(words + 1));
}

static int await_verdict(const char *name, int fd, struct err *err)
{
	char line[ERR_MSG_MAX + 64] = "";
	size_t n = 0;
	uint64_t end = loop_now_ms() + READY_TIMEOUT_MS;
	while (n < sizeof(line) - 1 && !strchr(line, '\n')) {
		uint64_t now = loop_now_ms();
		struct pollfd p = {fd, POLLIN, 0};
		int rc = poll(&p, 1, now < end ? (int)(end - now) : 0);
		if (rc == 0)
			return err_set(err, ERR_TIMEOUT,
			    "the supervisor of '%s' did not start QEMU within %d s; it goes on trying: "
			    "'hvmux domstate --reason %s' tells how far it is, 'hvmux destroy %s' ends it",
			    name, READY_TIMEOUT_MS / 1000, name, name);
		if (rc < 0 && errno != EINTR)
			return err_errno(
			    err, errno, "cannot wait for the supervisor of '%s'", name);
		ssize_t got = rc > 0 ? read(fd, line + n, sizeof(line) - 1 - n) : 0;
		if (rc > 0 && got == 0)
			break;
		n += got > 0 ? (size_t)got : 0;
		line[n] = '\0';
	}
	return take_verdict(name, line, err);
}

/* --- systemd --- */

static bool unit_installed(const struct home *h)
{
	static const char *const dirs[] = {
	    "/etc/systemd/system", HVMUX_UNITDIR, "/lib/systemd/system", "/usr/lib/systemd/system"};
	if (h->mode != HOME_SYSTEM || access("/run/systemd/system", F_OK) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		CLEANUP_FREE char *path = xasprintf("%s/" UNIT_FILE, dirs[i]);
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

/* systemd.unit(5), "String escaping for inclusion in unit names". */
static char *unit_name(const char *name)
{
	struct buf b = BUF_INIT;
	buf_adds(&b, "hvmux@");
	for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
		bool plain = (*p >= '0' && *p <= '9') || (*p >= 'A' && *p <= 'Z') ||
		             (*p >= 'a' && *p <= 'z') || strchr(":_.", *p) != NULL;
		buf_addf(&b, plain ? "%c" : "\\x%02x", *p);
	}
	buf_adds(&b, ".service");
	return buf_take(&b);
}

static int run_systemctl(const char *verb, const char *unit)
{
	pid_t pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);
		for (int fd = 0; fd < 3 && null >= 0; fd++)
			dup2(null, fd);
		execlp("systemctl", "systemctl", verb, unit, (char *)NULL);
		_exit(127);
	}
	int status = -1;
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* How it is to start, as a file in the run directory; without the wish, one of a start that was interrupted is removed. */
static int leave_wish(
    const struct home *h, const char *name, const char *file, unsigned wish, struct err *err)
{
	CLEANUP_FREE char *path = home_run_file(h, name, file);
	if (!wish) {
		unlink(path);
		return 0;
	}
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	return fd < 0 ? err_errno(err, errno, "cannot write '%s'", path) : 0;
}

/* The unit is Type=notify: systemctl returns when the supervisor says READY=1 or has ended. Words
 * of a failure are left on the status page; wishes are left in the run directory. */
static int spawn_unit(const struct home *h, const char *name, unsigned flags, struct err *err)
{
	CLEANUP_FREE char *unit = unit_name(name);
	CLEANUP_FREE char *dir = home_run_dir(h, name);
	if (home_mkdir(h, dir, err) < 0 ||
	    leave_wish(h, name, "start-paused", flags & VM_SPAWN_PAUSED, err) < 0 ||
	    leave_wish(h, name, "start-throwaway", flags & VM_SPAWN_THROWAWAY, err) < 0)
		return -1;
	/* An earlier run that failed too often must not keep this one from starting. */
	run_systemctl("reset-failed", unit);
	if (run_systemctl("start", unit) == 0)
		return 0;
	leave_wish(h, name, "start-paused", 0, NULL);
	leave_wish(h, name, "start-throwaway", 0, NULL);
	struct vm vm;
	if (vm_probe(h, name, &vm, NULL) == 0 && vm.head && vm.head->detail[0])
		err_set(err, ERR_FAIL, "%s", vm.head->detail);
	else
		err_set(err, ERR_FAIL, "systemd could not start %s: see journalctl -u '%s'", unit,
		    unit);
	vm_fini(&vm);
	return -1;
}

int vm_spawn_supervisor(const struct home *h, const char *name, unsigned flags, struct err *err)
{
	/* An adoption is not a start: the unit would not know the one from the other. */
	if (unit_installed(h) && (flags & VM_SPAWN_ADOPT) == 0)
		return spawn_unit(h, name, flags, err);
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "cannot make a pipe");
	CLEANUP_CLOSE int in = fds[0], out = fds[1];
	struct launch l;
	launch_init(&l, h, name, flags, out);
	int rc = launch_run(&l, err);
	launch_fini(&l);
	close(TAKE_FD(out));
	return rc < 0 ? -1 : await_verdict(name, in, err);
}

/* Was an adoption of this VM begun a moment ago? Notes that one begins now. */
static bool adopt_begun(const struct home *h, const char *name)
{
	CLEANUP_FREE char *path = home_run_file(h, name, "adopt");
	struct stat st;
	uint64_t now = timestamp_ns(), then = 0;
	if (stat(path, &st) == 0)
		then = (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec;
	if (then <= now && now - then < ADOPT_EVERY_NS)
		return true;
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	return fd < 0 || futimens(fd, NULL) < 0;
}

void vm_adopt_all(const struct home *h, const struct vm *vms, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if ((!vms[i].orphan && !vms[i].unsettled) || adopt_begun(h, vms[i].name))
			continue;
		struct launch l;
		launch_init(&l, h, vms[i].name, VM_SPAWN_ADOPT, -1);
		launch_run(&l, NULL);
		launch_fini(&l);
	}
}
