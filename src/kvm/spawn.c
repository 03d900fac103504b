#include "kvm/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/vm_process.h"

#define HIGH_FD 64 /* above every number that is handed over */

/* Everything but the descriptors in place is closed; `error` sits right above them, close-on-exec.
 */
static int arrange_fds(const struct spawn *s, int *error)
{
	int high[SPAWN_FDS_MAX], log, null;
	for (size_t i = 0; i < s->n_fds; i++)
		if ((high[i] = fcntl(s->fds[i], F_DUPFD_CLOEXEC, HIGH_FD)) < 0)
			return -1;
	if ((log = fcntl(s->log_fd, F_DUPFD_CLOEXEC, HIGH_FD)) < 0 ||
	    (*error = fcntl(*error, F_DUPFD_CLOEXEC, HIGH_FD)) < 0 ||
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

static void default_signals(void)
{
	sigset_t none;
	for (int sig = 1; sig < 32; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void give_up(int error)
{
	int e = errno;
	if (write(error, &e, sizeof(e)) < 0)
		_exit(126);
	_exit(127);
}

static _Noreturn void become_qemu(const struct spawn *s, int error)
{
	struct vm_process p = *s->process;
	p.qemu = getpid();
	p.qemu_start = vm_process_start(p.qemu);
	/* A QEMU that nobody can find must not come to be. */
	if (vm_process_write(s->process_fd, &p) < 0)
		give_up(error);
	default_signals();
	setsid();
	for (size_t i = 0; s->env != NULL && s->env[i] != NULL; i++)
		putenv(s->env[i]);
	if (arrange_fds(s, &error) == 0 && chdir(s->dir) == 0)
		execv(s->argv[0], s->argv);
	give_up(error);
}

pid_t spawn_qemu(const struct spawn *s, int *pidfd, struct err *err)
{
	int pipe_fd[2], e = 0;
	if (s->n_fds > SPAWN_FDS_MAX)
		return err_set(
		    err, ERR_UNSUPPORTED, "more than %d sockets for one QEMU", SPAWN_FDS_MAX);
	if (pipe2(pipe_fd, O_CLOEXEC) < 0)
		return err_errno(err, errno, "cannot make a pipe");
	CLEANUP_CLOSE int in = pipe_fd[0];
	pid_t pid = fork();
	if (pid == 0)
		become_qemu(s, pipe_fd[1]);
	e = errno;
	close(pipe_fd[1]);
	if (pid < 0)
		return err_errno(err, e, "cannot make a process for QEMU");
	/* The end of file comes with exec: the file has the pid by then. */
	ssize_t n = read(in, &e, sizeof(e));
	*pidfd = n == 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	if (*pidfd >= 0)
		return pid;
	if (n == 0) {
		e = errno;
		kill(pid, SIGKILL);
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return err_errno(
	    err, n == (ssize_t)sizeof(e) || n == 0 ? e : EIO, "cannot run '%s'", s->argv[0]);
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
