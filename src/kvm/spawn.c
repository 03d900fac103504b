#include "kvm/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/vm_process.h"

/* Everything but the descriptors in place is closed; `error` sits right above them, close-on-exec.
 */
static int arrange_fds(const struct spawn *s, int *error)
{
	int high[SPAWN_FDS_MAX], log, null;
	/* First out of the way, above every number that is handed over. */
	const int above = SPAWN_FD_FIRST + (int)s->n_fds + 1;
	for (size_t i = 0; i < s->n_fds; i++)
		if ((high[i] = fcntl(s->fds[i], F_DUPFD_CLOEXEC, above)) < 0)
			return -1;
	if ((log = fcntl(s->log_fd, F_DUPFD_CLOEXEC, above)) < 0 ||
	    (*error = fcntl(*error, F_DUPFD_CLOEXEC, above)) < 0 ||
	    (null = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0)
		return -1;
	if (dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
		return -1;
	int next = SPAWN_FD_FIRST;
	for (size_t i = 0; i < s->n_fds; i++)
		if (dup2(high[i], next++) < 0)
			return -1;
	if (dup3(*error, next, O_CLOEXEC) < 0)
		return -1;
	*error = next;
	return (int)syscall(SYS_close_range, next + 1, ~0u, 0);
}

/* Before it is another user: only root may. */
static int enter_cgroups(const struct spawn *s)
{
	for (size_t i = 0; i < s->n_cgroups; i++)
		if (write(s->cgroups[i], "0\n", 2) != 2)
			return -1;
	return 0;
}

static void default_signals(void)
{
	sigset_t none;
	for (int sig = 1; sig < 32; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* What the child could not do, in words between "cannot" and the program's name. */
enum step { STEP_NOTE, STEP_CGROUP, STEP_FILES, STEP_CONFINE, STEP_EXEC };
static const char *const steps[] = {
    [STEP_NOTE] = "note the process of",
    [STEP_CGROUP] = "find a place in the cgroups for",
    [STEP_FILES] = "hand its files to",
    [STEP_CONFINE] = "take away the rights of",
    [STEP_EXEC] = "run",
};
struct failure {
	enum step step;
	int error;
};

static _Noreturn void give_up(int pipe, enum step step)
{
	const struct failure f = {step, errno};
	if (write(pipe, &f, sizeof(f)) < 0)
		_exit(126);
	_exit(127);
}

static int note(const struct spawn *s)
{
	pid_t pid = getpid();
	uint64_t start = vm_process_start(pid);
	if (s->label != NULL)
		return dprintf(s->process_fd, "%s %d %" PRIu64 "\n", s->label, (int)pid, start) < 0
		           ? -1
		           : 0;
	struct vm_process p = *s->process;
	p.qemu = pid;
	p.qemu_start = start;
	return vm_process_write(s->process_fd, &p);
}

static _Noreturn void become_program(const struct spawn *s, int pipe)
{
	/* A process that nobody can find must not come to be. */
	if (note(s) < 0)
		give_up(pipe, STEP_NOTE);
	default_signals();
	setsid();
	if (enter_cgroups(s) < 0)
		give_up(pipe, STEP_CGROUP);
	if (arrange_fds(s, &pipe) < 0 || chdir(s->dir) < 0)
		give_up(pipe, STEP_FILES);
	if (confine_enter(s->confine) < 0)
		give_up(pipe, STEP_CONFINE);
	for (size_t i = 0; s->env != NULL && s->env[i] != NULL; i++)
		putenv(s->env[i]);
	execv(s->argv[0], s->argv);
	give_up(pipe, STEP_EXEC);
}

pid_t spawn_process(const struct spawn *s, int *pidfd, struct err *err)
{
	int pipe_fd[2], e;
	struct failure f = {STEP_EXEC, EIO};
	if (s->n_fds > SPAWN_FDS_MAX)
		return err_set(err, ERR_UNSUPPORTED,
		    "more than %d files and sockets for one process", SPAWN_FDS_MAX);
	if (pipe2(pipe_fd, O_CLOEXEC) < 0)
		return err_errno(err, errno, "cannot make a pipe");
	CLEANUP_CLOSE int in = pipe_fd[0];
	pid_t pid = fork();
	if (pid == 0)
		become_program(s, pipe_fd[1]);
	e = errno;
	close(pipe_fd[1]);
	if (pid < 0)
		return err_errno(err, e, "cannot make a process for '%s'", s->argv[0]);
	/* The end of file comes with exec: the file has the pid by then. */
	ssize_t n = read(in, &f, sizeof(f));
	*pidfd = n == 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	if (*pidfd >= 0)
		return pid;
	if (n == 0) {
		f.error = errno;
		kill(pid, SIGKILL);
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return err_errno(err, f.error, "cannot %s '%s'", steps[f.step], s->argv[0]);
}

int spawn_open_pidfd(pid_t pid, uint64_t start)
{
	int fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	/* Checked after the descriptor pins the process: the number cannot be another's any more.
	 */
	if (fd >= 0 && !vm_process_exists(pid, start)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int spawn_signal(int pidfd, int sig)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}
