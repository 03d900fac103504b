#include "kvm/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/file.h"
#include "core/loop.h"
#include "core/mem.h"
#include "kvm/qmp.h"

#define MONITOR_FD 3
#define ARGV_MAX 64
#define WORDS_MAX 4096 /* of its standard error are kept */

struct probe {
	struct loop *loop;
	struct qmp *qmp;
	const struct probe_question *questions;
	size_t n, answered;
	struct json_object **answers;
	const char *failure; /* NULL: none */
};

static void got_answer(void *arg, struct json_object *result, const struct err *err)
{
	struct probe *p = arg;
	(void)err;
	if (p->failure != NULL)
		return;
	p->answers[p->answered++] = json_object_get(result);
	if (p->answered == p->n)
		loop_stop(p->loop);
}

static void ready(void *arg, unsigned version)
{
	struct probe *p = arg;
	(void)version;
	for (size_t i = 0; i < p->n; i++) {
		const char *text = p->questions[i].arguments;
		qmp_send(p->qmp, p->questions[i].command,
		    text == NULL ? NULL : json_tokener_parse(text), 0, got_answer, p);
	}
	if (p->n == 0)
		loop_stop(p->loop);
}

static void closed(void *arg, const char *why)
{
	struct probe *p = arg;
	(void)why;
	if (p->answered < p->n || p->n == 0)
		p->failure = "ended before it had answered";
	loop_stop(p->loop);
}

static void late(evutil_socket_t fd, short what, void *arg)
{
	struct probe *p = arg;
	(void)fd, (void)what;
	p->failure = "did not answer in time";
	loop_stop(p->loop);
}

static const struct qmp_ops probe_ops = {.ready = ready, .closed = closed};

static _Noreturn void become_qemu(char *const *argv, int monitor, int words)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}); /* a model that KVM refuses aborts QEMU */
	setsid();
	/* All three away from the low numbers first, where they may stand in each other's way. */
	monitor = fcntl(monitor, F_DUPFD_CLOEXEC, 10);
	words = fcntl(words, F_DUPFD_CLOEXEC, 10);
	null = fcntl(null, F_DUPFD_CLOEXEC, 10);
	if (dup2(null, 0) == 0 && dup2(null, 1) == 1 && dup2(words, 2) == 2 &&
	    dup2(monitor, MONITOR_FD) == MONITOR_FD &&
	    syscall(SYS_close_range, MONITOR_FD + 1, ~0u, 0) == 0)
		execv(argv[0], argv);
	_exit(127);
}

/* Returns the pid; *monitor is our end. */
static pid_t start(const char *const *argv, int words, int *monitor, struct err *err)
{
	const char *full[ARGV_MAX + 5];
	size_t n = 0;
	int fd[2];
	for (; argv[n] != NULL && n < ARGV_MAX; n++)
		full[n] = argv[n];
	full[n++] = "-chardev";
	full[n++] = "socket,id=probe,fd=3";
	full[n++] = "-mon";
	full[n++] = "chardev=probe,mode=control";
	full[n] = NULL;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) < 0)
		return err_errno(err, errno, "cannot make a socket pair");
	pid_t pid = fork();
	if (pid == 0)
		become_qemu((char *const *)(uintptr_t)full, fd[1], words);
	int e = errno;
	close(fd[1]);
	if (pid < 0) {
		close(fd[0]);
		return err_errno(err, e, "cannot start '%s'", argv[0]);
	}
	fd_set_nonblock(fd[0], true);
	*monitor = fd[0];
	return pid;
}

static void take_words(int fd, struct buf *words)
{
	off_t size = lseek(fd, 0, SEEK_END);
	off_t from = size > WORDS_MAX ? size - WORDS_MAX : 0;
	ssize_t n = size <= 0 ? 0 : pread(fd, buf_reserve(words, WORDS_MAX + 1), WORDS_MAX, from);
	if (n > 0) {
		words->len += (size_t)n;
		words->data[words->len] = '\0';
	}
}

static void ask(struct probe *p, int monitor, unsigned timeout_ms)
{
	struct timeval tv = {timeout_ms / 1000, (timeout_ms % 1000) * 1000};
	p->loop = loop_new();
	struct event *deadline = evtimer_new(loop_base(p->loop), late, p);
	evtimer_add(deadline, &tv);
	p->qmp = qmp_new(p->loop, monitor, &probe_ops, p);
	loop_run(p->loop);
	event_free(deadline);
	if (p->failure == NULL)
		p->failure = ""; /* what the free calls back is no answer */
	qmp_free(p->qmp);
	loop_free(p->loop);
}

int probe_run(const char *const *argv, const struct probe_question *questions, size_t n,
    unsigned timeout_ms, struct json_object **answers, struct buf *words, struct err *err)
{
	struct probe p = {.questions = questions, .n = n, .answers = answers};
	CLEANUP_CLOSE int text = memfd_create("words", MFD_CLOEXEC);
	int monitor = -1, status = 0;
	memset(answers, 0, n * sizeof(*answers));
	if (text < 0)
		return err_errno(err, errno, "cannot make a memory file");
	pid_t pid = start(argv, text, &monitor, err);
	if (pid < 0)
		return -1;
	ask(&p, monitor, timeout_ms);
	kill(-pid, SIGKILL); /* an emulator may be a script, and what it runs must not stay */
	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (words != NULL)
		take_words(text, words);
	if (p.failure[0] == '\0')
		return 0;
	for (size_t i = 0; i < n; i++) {
		json_object_put(answers[i]);
		answers[i] = NULL;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return err_set(err, ERR_NOT_FOUND, "cannot run '%s'", argv[0]);
	return err_set(err, ERR_FAIL, "'%s' %s", argv[0], p.failure);
}
