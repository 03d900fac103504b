#include "cli/children.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/file.h"
#include "core/loop.h"
#include "core/mem.h"

#define WORDS_MAX 4096u /* of one command are kept */

struct task {
	size_t tag;
	pid_t pid; /* -1: it could not be made */
	int fd;    /* its output; -1 none */
	struct buf out;
};

struct children {
	const struct cli *c;
	unsigned most;
	size_t n;
	struct task *tasks;
};

struct children *children_new(const struct cli *c, unsigned most)
{
	struct children *p = xcalloc(1, sizeof(*p));
	p->c = c;
	p->most = most > 0 ? most : 1;
	p->tasks = xcalloc(p->most, sizeof(*p->tasks));
	return p;
}

void children_free(struct children *p)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->tasks[i].fd >= 0)
			close(p->tasks[i].fd);
		buf_fini(&p->tasks[i].out);
	}
	free(p->tasks);
	free(p);
}

bool children_full(const struct children *p)
{
	return p->n == p->most;
}

bool children_empty(const struct children *p)
{
	return p->n == 0;
}

static _Noreturn void become(const struct children *p, const char *verb, const char *name, int out)
{
	const char *argv[8];
	int n = 0, null = open("/dev/null", O_RDONLY);
	argv[n++] = "hvmux";
	if (p->c->home.mode != HOME_PRIVATE) {
		argv[n++] = "-c";
		argv[n++] = home_uri(&p->c->home);
	}
	argv[n++] = verb;
	argv[n++] = name;
	argv[n] = NULL;
	if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(127);
	execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
	_exit(127);
}

void children_run(struct children *p, const char *verb, const char *name, size_t tag)
{
	struct task *t = &p->tasks[p->n++];
	int fds[2] = {-1, -1};
	*t = (struct task){.tag = tag, .pid = -1, .fd = -1, .out = BUF_INIT};
	if (pipe2(fds, O_CLOEXEC) == 0)
		t->pid = fork();
	if (t->pid == 0)
		become(p, verb, name, fds[1]);
	if (t->pid < 0)
		buf_addf(&t->out, "cannot start a process: %s", strerror(errno));
	if (fds[1] >= 0)
		close(fds[1]);
	if (t->pid > 0)
		t->fd = fds[0];
	else if (fds[0] >= 0)
		close(fds[0]);
}

/* false: it has closed its output, which is its end. */
static bool take_words(struct task *t)
{
	char text[1024];
	ssize_t n = read(t->fd, text, sizeof(text));
	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (n > 0 && t->out.len < WORDS_MAX)
		buf_add(&t->out, text, (size_t)n);
	return n > 0;
}

static void take_result(struct children *p, size_t i, struct children_result *r)
{
	struct task *t = &p->tasks[i];
	int status = -1;
	if (t->fd >= 0)
		close(t->fd);
	while (t->pid > 0 && waitpid(t->pid, &status, 0) < 0 && errno == EINTR)
		;
	while (t->out.len > 0 && t->out.data[t->out.len - 1] == '\n')
		t->out.data[--t->out.len] = '\0';
	r->tag = t->tag;
	r->ok = t->pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	r->words = buf_take(&t->out);
	p->tasks[i] = p->tasks[--p->n];
}

bool children_wait(struct children *p, int ms, struct children_result *r)
{
	uint64_t end = ms < 0 ? UINT64_MAX : loop_now_ms() + (uint64_t)ms;
	CLEANUP_FREE struct pollfd *fds = xcalloc(p->most, sizeof(*fds));
	while (p->n > 0) {
		uint64_t now = loop_now_ms();
		for (size_t i = 0; i < p->n; i++) {
			if (p->tasks[i].fd < 0) {
				take_result(p, i, r);
				return true;
			}
			fds[i] = (struct pollfd){p->tasks[i].fd, POLLIN, 0};
		}
		int wait = end == UINT64_MAX ? -1 : end > now ? (int)(end - now) : 0;
		if (poll(fds, p->n, wait) <= 0 && loop_now_ms() >= end)
			return false;
		for (size_t i = 0; i < p->n; i++) {
			if (fds[i].revents == 0 || take_words(&p->tasks[i]))
				continue;
			take_result(p, i, r);
			return true;
		}
	}
	if (ms > 0)
		poll(NULL, 0, ms);
	return false;
}
