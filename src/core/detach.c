#include "core/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/file.h"
#include "core/mem.h"

/* In the grandchild: nothing of the caller's is kept but the pipe. Never returns. */
static _Noreturn void become(const struct detach *d, const char *home)
{
	int null = open("/dev/null", O_RDWR);
	for (int fd = 0; fd < 3 && null >= 0; fd++)
		dup2(null, fd);
	unsigned first = DETACH_READY_FD;
	if (d->ready >= 0) {
		if (d->ready == DETACH_READY_FD)
			fd_set_cloexec(DETACH_READY_FD, false);
		else
			dup2(d->ready, DETACH_READY_FD);
		first++;
	}
	syscall(SYS_close_range, first, ~0u, 0);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int s = 1; s < 32; s++)
		signal(s, SIG_DFL);
	if (home)
		setenv("HVMUX_HOME", home, 1);
	if (!d->keep_folder && chdir("/") < 0)
		_exit(127);
	/* What the caller's standard output still holds is flushed into /dev/null. */
	if (d->run)
		exit(d->run(d->arg));
	execv("/proc/self/exe", d->argv);
	_exit(127);
}

int detach(const struct detach *d, struct err *err)
{
	/* The child's folder may be another: HVMUX_HOME is made absolute, before the fork. */
	CLEANUP_FREE char *home = d->h->mode == HOME_PRIVATE
	                              ? xstrndup(d->h->conf, strlen(d->h->conf) - strlen("/etc"))
	                              : NULL;
	pid_t pid = fork();
	if (pid < 0)
		return err_errno(err, errno, "cannot start %s", d->what);
	if (pid == 0) {
		setsid();
		pid = fork();
		if (pid == 0)
			become(d, home);
		_exit(pid < 0 ? 1 : 0);
	}
	int status = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(err, ERR_FAIL, "cannot start %s: fork failed", d->what);
	return 0;
}
