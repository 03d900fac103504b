/* storage_look: pools, volumes, jobs and who uses what, looked at: what storage_feed has threads do. Everything here may be
 * held up by a disk or a server. Nothing is changed by looking. */
#ifndef TUI_STORAGE_LOOK_H
#define TUI_STORAGE_LOOK_H

#include "core/home.h"
#include "disk/img_facts.h"
#include "disk/users.h"
#include "tui/storage_facts.h"

/* A home of one's own: a thread may outlive the one that it was started with. */
void storage_home_copy(struct home *to, const struct home *from);

/* Which pools there are, without asking what they lie on; which jobs. */
struct storage_facts *storage_look_list(const struct home *h);
/* One pool with its figures and volumes. out->name is set in any case. cache: of this pool from look to look. */
void storage_look_pool(
    const struct home *h, const char *name, struct img_facts *cache, struct storage_pool *out);

/* Who uses a volume. */
struct storage_match {
	char *path;
	uint64_t dev, ino; /* 0 unknown */
	struct storage_user *users;
	size_t n;
};
#define STORAGE_USERS_MAX 16 /* kept of one volume */
/* 0, or -1 with why it cannot be known. */
int storage_look_users(struct users *u, struct storage_match *all, size_t n, struct err *err);
void storage_match_free(struct storage_match *all, size_t n);

#endif
