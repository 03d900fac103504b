#include "net/link.h"

#include <limits.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/str.h"

#define MACVTAP_NAMES 1024 /* tried for one that is free */

/* --- sysfs --- */
static bool sys_has(const char *name, const char *file)
{
	CLEANUP_FREE char *path =
	    xasprintf("/sys/class/net/%s%s%s", name, file[0] != '\0' ? "/" : "", file);
	return strchr(name, '/') == NULL && access(path, F_OK) == 0;
}

bool link_exists(const char *name)
{
	return name[0] != '\0' && sys_has(name, "");
}

bool link_is_bridge(const char *name)
{
	return sys_has(name, "bridge");
}

bool link_is_macvtap(const char *name)
{
	return sys_has(name, "macvtap");
}

/* --- ioctl --- */
static int request(const char *name, unsigned long what, struct ifreq *r)
{
	CLEANUP_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	snprintf(r->ifr_name, sizeof(r->ifr_name), "%s", name);
	return fd < 0 ? -1 : ioctl(fd, what, r);
}

int link_mtu(const char *name)
{
	struct ifreq r = {0};
	return request(name, SIOCGIFMTU, &r) < 0 ? -1 : r.ifr_mtu;
}

int link_set_up(const char *name, bool up, struct err *err)
{
	struct ifreq r = {0};
	if (request(name, SIOCGIFFLAGS, &r) < 0)
		return err_errno(err, errno, "network device '%s'", name);
	int flags = up ? r.ifr_flags | IFF_UP : r.ifr_flags & ~IFF_UP;
	r.ifr_flags = (short)flags;
	if (request(name, SIOCSIFFLAGS, &r) < 0)
		return err_errno(
		    err, errno, "cannot set network device '%s' %s", name, up ? "up" : "down");
	return 0;
}

int link_set_mtu(const char *name, unsigned mtu, struct err *err)
{
	struct ifreq r = {.ifr_mtu = (int)mtu};
	if (request(name, SIOCSIFMTU, &r) < 0)
		return err_errno(
		    err, errno, "cannot give network device '%s' the MTU %u", name, mtu);
	return 0;
}

static bool read_mac(const char *mac, unsigned char out[6])
{
	unsigned m[6];
	if (sscanf(mac, "%2x:%2x:%2x:%2x:%2x:%2x", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5]) != 6)
		return false;
	for (int i = 0; i < 6; i++)
		out[i] = (unsigned char)m[i];
	return true;
}

int link_set_mac(const char *name, const char *mac, struct err *err)
{
	struct ifreq r = {0};
	unsigned char raw[6];
	if (!read_mac(mac, raw))
		return err_set(err, ERR_INVALID, "'%s' is not a MAC address", mac);
	r.ifr_hwaddr.sa_family = 1; /* ARPHRD_ETHER */
	memcpy(r.ifr_hwaddr.sa_data, raw, sizeof(raw));
	if (request(name, SIOCSIFHWADDR, &r) < 0)
		return err_errno(
		    err, errno, "cannot give network device '%s' the MAC address %s", name, mac);
	return 0;
}

static int link_index(const char *name)
{
	struct ifreq r = {0};
	return request(name, SIOCGIFINDEX, &r) < 0 ? -1 : r.ifr_ifindex;
}

int link_join_bridge(const char *bridge, const char *name, struct err *err)
{
	struct ifreq r = {.ifr_ifindex = link_index(name)};
	if (!link_exists(bridge))
		return err_set(err, ERR_NOT_FOUND,
		    "there is no bridge '%s' on this host (ip link add %s type bridge makes one)",
		    bridge, bridge);
	if (!link_is_bridge(bridge))
		return err_set(err, ERR_INVALID, "'%s' is no Linux bridge", bridge);
	if (request(bridge, SIOCBRADDIF, &r) < 0)
		return err_errno(err, errno, "cannot put '%s' onto bridge '%s'", name, bridge);
	return 0;
}

int link_leave_bridge(const char *name, struct err *err)
{
	char to[PATH_MAX];
	CLEANUP_FREE char *path = xasprintf("/sys/class/net/%s/master", name);
	ssize_t n = readlink(path, to, sizeof(to) - 1);
	if (n < 0)
		return 0;
	to[n] = '\0';
	const char *slash = strrchr(to, '/'), *bridge = slash != NULL ? slash + 1 : to;
	struct ifreq r = {.ifr_ifindex = link_index(name)};
	if (link_is_bridge(bridge) && request(bridge, SIOCBRDELIF, &r) < 0)
		return err_errno(err, errno, "cannot take '%s' off bridge '%s'", name, bridge);
	return 0;
}

/* --- netlink: what ioctl cannot --- */
struct message {
	struct nlmsghdr head;
	struct ifinfomsg info;
	char attrs[512]; /* names, numbers and addresses; far less */
};

static struct rtattr *add(struct message *m, unsigned type, const void *data, size_t n)
{
	struct rtattr *a = (struct rtattr *)((char *)m + NLMSG_ALIGN(m->head.nlmsg_len));
	a->rta_type = (unsigned short)type;
	a->rta_len = (unsigned short)RTA_LENGTH(n);
	if (n > 0)
		memcpy(RTA_DATA(a), data, n);
	m->head.nlmsg_len = (uint32_t)(NLMSG_ALIGN(m->head.nlmsg_len) + RTA_ALIGN(a->rta_len));
	return a;
}

static void close_nest(struct message *m, struct rtattr *a)
{
	a->rta_len = (unsigned short)((char *)m + m->head.nlmsg_len - (char *)a);
}

/* The kernel's answer: 0 or its errno. */
static int talk(struct message *m)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char more[1024]; /* the kernel sends the question back behind it */
	} reply;
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	CLEANUP_CLOSE int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	m->head.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (fd < 0 ||
	    sendto(fd, m, m->head.nlmsg_len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return errno;
	ssize_t n = recv(fd, &reply, sizeof(reply), 0);
	if (n < (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)) ||
	    reply.head.nlmsg_type != NLMSG_ERROR)
		return EPROTO;
	return -reply.error.error;
}

static int macvtap_mode(const char *mode)
{
	static const struct {
		const char *word;
		int mode;
	} modes[] = {{"vepa", MACVLAN_MODE_VEPA}, {"bridge", MACVLAN_MODE_BRIDGE},
	    {"private", MACVLAN_MODE_PRIVATE}, {"passthrough", MACVLAN_MODE_PASSTHRU}};
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (strcmp(modes[i].word, mode) == 0)
			return modes[i].mode;
	return MACVLAN_MODE_VEPA;
}

static int add_macvtap(int lower, const char *mode, const char *mac, const char *name)
{
	struct message m = {.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
	                        .nlmsg_type = RTM_NEWLINK,
	                        .nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL}};
	int number = macvtap_mode(mode);
	unsigned char raw[6];
	add(&m, IFLA_IFNAME, name, strlen(name) + 1);
	add(&m, IFLA_LINK, &lower, sizeof(lower));
	if (mac != NULL && read_mac(mac, raw))
		add(&m, IFLA_ADDRESS, raw, sizeof(raw));
	struct rtattr *info = add(&m, IFLA_LINKINFO, NULL, 0);
	add(&m, IFLA_INFO_KIND, "macvtap", sizeof("macvtap"));
	struct rtattr *data = add(&m, IFLA_INFO_DATA, NULL, 0);
	add(&m, IFLA_MACVLAN_MODE, &number, sizeof(number));
	close_nest(&m, data);
	close_nest(&m, info);
	return talk(&m);
}

int link_add_macvtap(
    const char *lower, const char *mode, const char *mac, char name[LINK_NAME_MAX], struct err *err)
{
	int index = link_index(lower), e = EEXIST;
	if (index < 0)
		return err_set(
		    err, ERR_NOT_FOUND, "there is no network device '%s' on this host", lower);
	if (name[0] != '\0') {
		e = add_macvtap(index, mode, mac, name);
	} else {
		for (int i = 0; i < MACVTAP_NAMES && e == EEXIST; i++) {
			snprintf(name, LINK_NAME_MAX, "macvtap%d", i);
			e = add_macvtap(index, mode, mac, name);
		}
	}
	if (e == 0)
		return 0;
	err_errno(err, e, "cannot make a macvtap (%s) on '%s'", mode, lower);
	name[0] = '\0';
	return -1;
}

bool link_has_mac(const char *name, const char *mac)
{
	struct ifreq r = {0};
	unsigned char raw[6];
	return read_mac(mac, raw) && request(name, SIOCGIFHWADDR, &r) == 0 &&
	       memcmp(r.ifr_hwaddr.sa_data, raw, sizeof(raw)) == 0;
}

void link_del_macvtap(const char *name, const char *mac)
{
	struct message m = {.head = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
	                        .nlmsg_type = RTM_DELLINK}};
	if (!link_is_macvtap(name) || (mac != NULL && !link_has_mac(name, mac)))
		return;
	m.info.ifi_index = link_index(name);
	talk(&m);
}

int link_open_macvtap(const char *name, struct err *err)
{
	CLEANUP_FREE char *path = xasprintf("/dev/tap%d", link_index(name));
	CLEANUP_CLOSE int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "cannot open '%s' of macvtap '%s'", path, name);
	struct ifreq r = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	/* With a header for offloads, as a tap; it stays without where the kernel cannot. */
	ioctl(fd, TUNSETIFF, &r);
	return TAKE_FD(fd);
}
