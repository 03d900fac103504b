#include "net/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/file.h"
#include "core/mem.h"

int tap_open(char name[LINK_NAME_MAX], const struct tap_wish *wish, struct err *err)
{
	if (wish->theirs && !link_exists(name))
		return err_set(err, ERR_NOT_FOUND,
		    "there is no network device '%s' on this host, and managed='no' says that somebody else makes it",
		    name);
	CLEANUP_CLOSE int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_errno(err, errno, "cannot open /dev/net/tun (modprobe tun)");
	struct ifreq r = {0};
	int flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | (wish->many ? IFF_MULTI_QUEUE : 0);
	r.ifr_flags = (short)flags;
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &r) < 0)
		return err_errno(err, errno, "cannot make the tap device '%s'%s", name,
		    errno == EPERM || errno == EACCES ? " (it takes CAP_NET_ADMIN)" : "");
	int bytes = (int)wish->sndbuf;
	if (wish->sndbuf > 0 && ioctl(fd, TUNSETSNDBUF, &bytes) < 0)
		return err_errno(err, errno, "cannot give tap device '%s' a buffer of %u bytes",
		    r.ifr_name, wish->sndbuf);
	snprintf(name, LINK_NAME_MAX, "%s", r.ifr_name);
	return TAKE_FD(fd);
}

/* --- the helper --- */
static const char *find_helper(void)
{
	static const char *const paths[] = {"/usr/lib/qemu/qemu-bridge-helper",
	    "/usr/libexec/qemu-bridge-helper", "/usr/local/libexec/qemu-bridge-helper"};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (access(paths[i], X_OK) == 0)
			return paths[i];
	return NULL;
}

/* One descriptor, sent along with a byte. */
static int receive_fd(int from)
{
	char byte, space[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec part = {&byte, 1};
	struct msghdr m = {.msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = space,
	    .msg_controllen = sizeof(space)};
	int fd = -1;
	if (recvmsg(from, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) < 1)
		return -1;
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static _Noreturn void become_helper(const char *helper, const char *bridge, int fd)
{
	char number[32], br[64];
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	fcntl(fd, F_SETFD, 0);
	snprintf(number, sizeof(number), "--fd=%d", fd);
	snprintf(br, sizeof(br), "--br=%s", bridge);
	execl(helper, helper, "--use-vnet", number, br, (char *)NULL);
	_exit(127);
}

int tap_open_by_helper(const char *bridge, int ms, struct err *err)
{
	const char *helper = find_helper();
	int ends[2], status = 0;
	if (helper == NULL)
		return err_set(err, ERR_NOT_FOUND,
		    "only root may put a tap device onto bridge '%s', and QEMU's qemu-bridge-helper is not "
		    "installed",
		    bridge);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return err_errno(err, errno, "cannot make a socket pair");
	CLEANUP_CLOSE int ours = ends[0];
	pid_t pid = fork();
	if (pid == 0)
		become_helper(helper, bridge, ends[1]);
	close(ends[1]);
	if (pid < 0)
		return err_errno(err, errno, "cannot run '%s'", helper);
	int fd = fd_wait(ours, ms) ? receive_fd(ours) : -1;
	if (fd < 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (fd >= 0)
		return fd;
	return err_set(err, ERR_DENIED,
	    "'%s' gives no tap on bridge '%s': it must be setuid root, and 'allow %s' stand in "
	    "/etc/qemu/bridge.conf",
	    helper, bridge, bridge);
}
