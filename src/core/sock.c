#include "core/sock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/mem.h"

#define BACKLOG 64

/* sun_path for path: itself, or through a descriptor of its folder (left in *dir for the caller to
 * close). */
static int address(const char *path, struct sockaddr_un *sa, int *dir, struct err *err)
{
	memset(sa, 0, sizeof(*sa));
	sa->sun_family = AF_UNIX;
	if (strlen(path) < sizeof(sa->sun_path)) {
		memcpy(sa->sun_path, path, strlen(path) + 1);
		return 0;
	}
	const char *slash = strrchr(path, '/');
	CLEANUP_FREE char *folder = slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup(".");
	*dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*dir < 0)
		return err_errno(err, errno, "cannot open the folder of the socket '%s'", path);
	int n = snprintf(sa->sun_path, sizeof(sa->sun_path), "/proc/self/fd/%d/%s", *dir,
	    slash ? slash + 1 : path);
	if (n < 0 || (size_t)n >= sizeof(sa->sun_path))
		return err_set(err, ERR_INVALID, "the socket's name is too long: '%s'", path);
	return 0;
}

int sock_listen(const char *path, mode_t mode, struct err *err)
{
	struct sockaddr_un sa;
	CLEANUP_CLOSE int dir = -1;
	if (address(path, &sa, &dir, err) < 0)
		return -1;
	CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_errno(err, errno, "cannot make a socket");
	struct stat st;
	/* Whatever was left there under our name; a folder bind complains of. */
	if (lstat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		unlink(path);
	/* Nobody connects between bind and chmod: without listen() it is refused. */
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return err_errno(err, errno, "cannot bind the socket '%s'", path);
	if (chmod(path, mode) < 0 || listen(fd, BACKLOG) < 0)
		return err_errno(err, errno, "cannot listen on the socket '%s'", path);
	return TAKE_FD(fd);
}

int sock_connect(const char *path, struct err *err)
{
	struct sockaddr_un sa;
	CLEANUP_CLOSE int dir = -1;
	if (address(path, &sa, &dir, err) < 0)
		return -1;
	CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_errno(err, errno, "cannot make a socket");
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		if (errno == EAGAIN)
			return err_set(err, ERR_TIMEOUT,
			    "'%s' does not accept connections: too many wait", path);
		if (errno == ECONNREFUSED)
			return err_set(err, ERR_NOT_FOUND, "nobody listens on '%s'", path);
		return err_errno(err, errno, "cannot connect to '%s'", path);
	}
	return TAKE_FD(fd);
}

static int peer_cred(int fd, struct ucred *u)
{
	socklen_t n = sizeof(*u);
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, u, &n);
}

int sock_peer(int fd, uid_t *uid, pid_t *pid)
{
	struct ucred u;
	if (peer_cred(fd, &u) < 0)
		return -1;
	*uid = u.uid;
	*pid = u.pid;
	return 0;
}

/* Asked of the kernel, which remembers what the peer was when it connected: a directory service may
 * take seconds to say who a user is, and those who ask here must not wait. */
bool sock_peer_in_group(int fd, gid_t gid)
{
	struct ucred u;
	socklen_t n = 0;
	if (peer_cred(fd, &u) < 0)
		return false;
	if (u.gid == gid)
		return true;
	/* With no room at all it says how much is needed. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &n) == 0 || errno != ERANGE)
		return false;
	CLEANUP_FREE gid_t *groups = xmalloc(n);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &n) < 0)
		return false;
	for (size_t i = 0; i < n / sizeof(*groups); i++)
		if (groups[i] == gid)
			return true;
	return false;
}
