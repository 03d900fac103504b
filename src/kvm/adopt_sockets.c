/* Which sockets a process listens on, by the kernel's tables: what a command line says may be long
 * gone, a descriptor's number or another program's. */
#include "kvm/adopt_sockets.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/loop.h"
#include "core/mem.h"
#include "core/sock.h"
#include "core/str.h"

#define UNIX_TABLE_MAX (16u << 20) /* bytes of /proc/PID/net/unix */
#define LISTENING 0x10000u         /* __SO_ACCEPTCON in its flags */
#define GREETING_MS 2000

static unsigned long inode_of_fd(pid_t pid, const char *fd)
{
	char target[64];
	unsigned long inode = 0;
	CLEANUP_FREE char *path = xasprintf("/proc/%d/fd/%s", (int)pid, fd);
	ssize_t n = readlink(path, target, sizeof target - 1);
	if (n <= 0)
		return 0;
	target[n] = '\0';
	return sscanf(target, "socket:[%lu]", &inode) == 1 ? inode : 0;
}

static bool has_inode(pid_t pid, unsigned long inode)
{
	CLEANUP_FREE char *path = xasprintf("/proc/%d/fd", (int)pid);
	DIR *d = opendir(path);
	bool found = false;
	for (struct dirent *e; !found && d != NULL && (e = readdir(d)) != NULL;)
		found = e->d_name[0] != '.' && inode_of_fd(pid, e->d_name) == inode;
	if (d != NULL)
		closedir(d);
	return found;
}

char *adopt_absolute(const char *cwd, const char *path)
{
	if (path[0] == '/' || cwd == NULL)
		return xstrdup(path);
	return xasprintf("%s/%s", strcmp(cwd, "/") == 0 ? "" : cwd, path);
}

/* Calls match for each listening socket with a name until it says yes. */
static bool each_listener(
    pid_t pid, bool (*match)(void *arg, const char *path, unsigned long inode), void *arg)
{
	CLEANUP_BUF struct buf table = BUF_INIT;
	CLEANUP_FREE char *file = xasprintf("/proc/%d/net/unix", (int)pid);
	if (file_read(file, UNIX_TABLE_MAX, &table, NULL) < 0)
		return false;
	for (char *line = table.data, *end; line != NULL && *line != '\0'; line = end) {
		unsigned flags;
		unsigned long inode;
		int path = 0;
		end = line + strcspn(line, "\n");
		end += *end == '\n' ? (*end = '\0', 1) : 0;
		if (sscanf(line, "%*[^:]: %*x %*x %x %*x %*x %lu %n", &flags, &inode, &path) == 2 &&
		    path > 0 && (flags & LISTENING) != 0 && line[path] != '\0' &&
		    match(arg, line + path, inode))
			return true;
	}
	return false;
}

struct search {
	pid_t pid;
	const char *cwd, *path; /* path wanted, absolute; NULL: that of the inode */
	unsigned long inode;
	char *found;
};

static bool match_inode(void *arg, const char *path, unsigned long inode)
{
	struct search *s = arg;
	if (inode != s->inode)
		return false;
	s->found = adopt_absolute(s->cwd, path);
	return true;
}

static bool match_path(void *arg, const char *path, unsigned long inode)
{
	struct search *s = arg;
	CLEANUP_FREE char *whole = adopt_absolute(s->cwd, path);
	return strcmp(whole, s->path) == 0 && has_inode(s->pid, inode);
}

char *adopt_socket_of_fd(pid_t pid, const char *cwd, const char *fd)
{
	struct search s = {.pid = pid, .cwd = cwd, .inode = inode_of_fd(pid, fd)};
	if (s.inode != 0)
		each_listener(pid, match_inode, &s);
	return s.found;
}

bool adopt_listens(pid_t pid, const char *cwd, const char *path)
{
	struct search s = {.pid = pid, .cwd = cwd, .path = path};
	return each_listener(pid, match_path, &s);
}

/* QEMU's monitor has one client at a time: a second one waits in the backlog, and hears nothing. */
int adopt_try_qmp(const char *path, struct err *err)
{
	char text[512];
	size_t n = 0;
	CLEANUP_CLOSE int fd = sock_connect(path, err);
	if (fd < 0)
		return -1;
	for (uint64_t end = loop_now_ms() + GREETING_MS, now; (now = loop_now_ms()) < end;) {
		struct pollfd p = {fd, POLLIN, 0};
		if (poll(&p, 1, (int)(end - now)) <= 0)
			continue;
		ssize_t got = read(fd, text + n, sizeof text - 1 - n);
		if (got <= 0)
			break;
		n += (size_t)got;
		text[n] = '\0';
		if (strstr(text, "\"QMP\"") != NULL)
			return 0;
		if (n == sizeof text - 1 || memchr(text, '\n', n) != NULL)
			return err_set(err, ERR_INVALID, "'%s' does not speak QMP", path);
	}
	return err_set(err, ERR_BUSY,
	    "its monitor '%s' says nothing within %d s: it has one client at a time, and somebody else is "
	    "connected (libvirt, a script), or QEMU is stopped",
	    path, GREETING_MS / 1000);
}
