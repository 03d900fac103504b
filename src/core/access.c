#include "core/access.h"

#include <endian.h>
#include <errno.h>
#include <grp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/hostconf.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/sock.h"
#include "core/str.h"

#define DEFAULT_GROUP "hvmux"

static struct access present;
static char *present_of; /* conf of the home; NULL nothing is read yet */

static void take_group(const char *name, bool *there, gid_t *gid)
{
	const struct group *g = name == NULL ? NULL : getgrnam(name);
	*there = g != NULL;
	if (g != NULL)
		*gid = g->gr_gid;
}

const struct access *access_get(const struct home *h)
{
	struct hostconf conf;
	struct err err;
	if (present_of != NULL && str_eq(present_of, h->conf))
		return &present;
	free(present_of);
	present_of = xstrdup(h->conf == NULL ? "" : h->conf);
	present = (struct access){0};
	if (geteuid() != 0 || h->conf == NULL || h->mode == HOME_SESSION)
		return &present;
	if (hostconf_load(h, &conf, &err) < 0) {
		log_warn("no group is given access: %s", err.msg);
		return &present;
	}
	const char *operators = conf.operator_group;
	if (operators == NULL && h->mode == HOME_SYSTEM)
		operators = DEFAULT_GROUP;
	take_group(operators, &present.operators, &present.operator_gid);
	take_group(conf.reader_group, &present.readers, &present.reader_gid);
	if (conf.operator_group != NULL && !present.operators)
		log_warn("operator_group is '%s': there is no such group", conf.operator_group);
	if (conf.reader_group != NULL && !present.readers)
		log_warn("reader_group is '%s': there is no such group", conf.reader_group);
	hostconf_fini(&conf);
	return &present;
}

enum access_right access_of_peer(int fd)
{
	uid_t uid;
	pid_t pid;
	if (sock_peer(fd, &uid, &pid) < 0)
		return ACCESS_NONE;
	if (uid == 0 || uid == geteuid())
		return ACCESS_OPERATE;
	if (present.operators && sock_peer_in_group(fd, present.operator_gid))
		return ACCESS_OPERATE;
	return present.readers && sock_peer_in_group(fd, present.reader_gid) ? ACCESS_READ
	                                                                     : ACCESS_NONE;
}

/* --- POSIX ACLs, linux/posix_acl_xattr.h: little endian, entries in the order of their tags --- */

#define ACL_VERSION 2
#define ACL_NAME "system.posix_acl_access"
enum {
	ACL_USER_OBJ = 0x01,
	ACL_GROUP_OBJ = 0x04,
	ACL_GROUP = 0x08,
	ACL_MASK = 0x10,
	ACL_OTHER = 0x20
};

struct acl_entry {
	uint16_t tag, bits;
	uint32_t id;
};
struct acl {
	uint32_t version;
	struct acl_entry entry[5];
};

static struct acl_entry entry(unsigned tag, unsigned bits, uint32_t id)
{
	return (struct acl_entry){
	    .tag = htole16((uint16_t)tag), .bits = htole16((uint16_t)bits), .id = htole32(id)};
}

void access_let_readers(const struct access *a, const char *path, unsigned bits)
{
	struct stat st;
	if (stat(path, &st) < 0 || (!a->readers && removexattr(path, ACL_NAME) < 0))
		return; /* none is there, or the file system knows none */
	if (!a->readers)
		return;
	unsigned user = st.st_mode >> 6 & 7, group = st.st_mode >> 3 & 7;
	const struct acl acl = {.version = htole32(ACL_VERSION),
	    .entry = {entry(ACL_USER_OBJ, user, UINT32_MAX),
	        entry(ACL_GROUP_OBJ, group, UINT32_MAX), entry(ACL_GROUP, bits, a->reader_gid),
	        entry(ACL_MASK, group | bits, UINT32_MAX), entry(ACL_OTHER, 0, UINT32_MAX)}};
	if (setxattr(path, ACL_NAME, &acl, sizeof(acl), 0) < 0)
		log_warn("readers cannot be given access to '%s': %s", path, strerror(errno));
}
