#include "net/script.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/file.h"
#include "core/mem.h"

static _Noreturn void become_script(const char *path, const char *word)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		dup2(null, fd);
	setsid();
	execl(path, path, word, (char *)NULL);
	_exit(127);
}

int script_run(const char *path, const char *word, int ms, struct err *err)
{
	int status = 0;
	pid_t pid = fork();
	if (pid == 0)
		become_script(path, word);
	if (pid < 0)
		return err_errno(err, errno, "cannot run '%s'", path);
	CLEANUP_CLOSE int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	bool ended = fd_wait(pidfd, ms);
	if (!ended)
		kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!ended)
		return err_set(
		    err, ERR_TIMEOUT, "'%s %s' has not ended after %d s", path, word, ms / 1000);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return err_set(err, ERR_FAIL, "'%s %s' failed (%s %d)", path, word,
	    WIFEXITED(status) ? "exit status" : "signal",
	    WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}
