/* attach_raw: a console's bytes on this process's terminal or pipes, for as long as the VM lives: a supervisor that is killed
 * meanwhile is waited for. Declared in cli/attach.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/attach.h"
#include "cli/raw.h"
#include "cli/rawtty.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/vm.h"

#define RETRY_MS 100
#define RETRIES_MS 15000 /* an adoption takes under a second; a host under load longer */
#define ESCAPE 0x1d      /* Ctrl+] */

/* A descriptor of our own for a terminal or a pipe, which never blocks: a terminal that has stopped taking output must not
 * keep Ctrl+] from being read, and the shell's descriptor must not be left non-blocking. */
static int open_output(int fd)
{
	struct stat st;
	char path[32];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fstat(fd, &st) < 0 || !(isatty(fd) || S_ISFIFO(st.st_mode)))
		return -1;
	return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

/* --- what is told beside the bytes --- */

static void tell(void *arg, const char *what)
{
	(void)arg;
	fprintf(stderr, rawtty_entered() ? "\r\nhvmux: %s\r\n" : "hvmux: %s\n", what);
}

/* The escape key among what is typed while there is nobody to type to. */
static bool escape_typed(const struct raw *r, int ms)
{
	char keys[256];
	struct pollfd f = {.fd = r->terminal ? r->in : -1, .events = POLLIN};
	if (poll(&f, 1, ms) <= 0)
		return false;
	ssize_t n = read(r->in, keys, sizeof(keys));
	if (n <= 0)
		poll(NULL, 0, ms);
	return n > 0 && memchr(keys, r->escape, (size_t)n);
}

enum after { OVER, AGAIN, FAILED };

/* The hub has closed: is the VM off, or only its supervisor gone? */
static enum after look_why(struct cli *c, const char *name, struct err *err)
{
	struct vm vm;
	char text[ERR_MSG_MAX];
	if (vm_probe(&c->home, name, &vm, err) < 0)
		return FAILED;
	enum after what = vm.live ? AGAIN : vm.state == VM_CRASHED ? FAILED : OVER;
	if (vm.orphan)
		vm_adopt_all(&c->home, &vm, 1);
	if (!vm.live) {
		const struct status_page *p = vm.head;
		snprintf(text, sizeof(text), "'%s' is off (%s)%s%.500s", name,
		    vm_reason_name(p ? (enum vm_reason)p->reason : VM_REASON_UNKNOWN),
		    p && p->detail[0] ? ": " : "", p ? p->detail : "");
		if (what == FAILED)
			err_set(err, ERR_STATE, "%s", text);
		else if (rawtty_entered())
			tell(NULL, text);
	}
	vm_fini(&vm);
	return what;
}

/* A socket of the supervisor that follows; -1: what `after` says. */
static int connect_again(struct cli *c, const char *name, unsigned index, struct raw *r,
    enum after *after, struct err *err)
{
	uint64_t until = loop_now_ms() + RETRIES_MS;
	char why[sizeof(r->why)];
	bool told = false;
	memcpy(why, r->why, sizeof(why));
	while ((*after = look_why(c, name, err)) == AGAIN) {
		/* Full, or of another version: asked again at once it would say the same, for ever. */
		if (r->refused) {
			err_set(err, ERR_BUSY, "the console of '%s' cannot be had: %s", name, why);
			*after = FAILED;
			return -1;
		}
		int sock = console_client_connect(&c->home, name, index, err);
		if (sock >= 0) {
			if (told)
				tell(NULL, "the console is back");
			return sock;
		}
		if (!told)
			tell(NULL, why);
		told = true;
		if (loop_now_ms() > until) {
			err_set(err, ERR_STATE, "the console of '%s' is lost: %s", name, why);
			*after = FAILED;
			return -1;
		}
		if (escape_typed(r, RETRY_MS)) {
			*after = OVER;
			return -1;
		}
		if (!r->terminal)
			poll(NULL, 0, RETRY_MS);
	}
	return -1;
}

static int attach(struct cli *c, const char *name, unsigned index, struct raw *r, struct err *err)
{
	enum after after = AGAIN;
	int sock = console_client_connect(&c->home, name, index, err);
	if (sock < 0) { /* its supervisor has just been made */
		snprintf(r->why, sizeof(r->why), "%.250s", err->msg);
		sock = connect_again(c, name, index, r, &after, err);
	}
	while (sock >= 0) {
		enum raw_end end = raw_pump(r, sock, err);
		close(sock);
		if (end != RAW_LOST)
			return end == RAW_DETACHED ? 0 : -1;
		sock = connect_again(c, name, index, r, &after, err);
	}
	return after == FAILED ? -1 : 0;
}

int attach_raw(struct cli *c, const char *name, unsigned index, unsigned flags, struct err *err)
{
	char key[3];
	struct raw r = {.in = STDIN_FILENO,
	    .terminal = isatty(STDIN_FILENO),
	    .escape = ESCAPE,
	    .wishes = flags | CONSOLE_NO_REPLAY,
	    .tell = tell};
	if (c->escape && raw_escape_parse(c->escape, &r.escape, err) < 0)
		return -1;
	raw_escape_name(r.escape, key);
	if (r.terminal) {
		fprintf(stderr, "Connected to domain '%s'\nEscape character is %s (Ctrl + %c)\n",
		    name, key, key[1]);
		rawtty_enter(NULL);
	}
	CLEANUP_CLOSE int out = open_output(STDOUT_FILENO);
	r.out = out < 0 ? STDOUT_FILENO : out;
	int rc = attach(c, name, index, &r, err);
	if (rawtty_entered())
		fputs("\r\n", stderr);
	rawtty_leave();
	return rc;
}
