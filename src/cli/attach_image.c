#include "cli/attach_image.h"

#include "core/domain.h"
#include "core/mem.h"
#include "core/xml.h"
#include "disk/users.h"
#include "kvm/disk_volumes.h"
#include "kvm/plan_fragment.h"

#define USERS_SHOWN 8

/* As the one disk of a domain that has nothing else. false: the element is something else, or wrong. */
static bool read_disk(const struct home *h, const char *domain, const char *xml, struct domain *d)
{
	struct plan_fragment f;
	*d = (struct domain){0};
	bool is_disk = plan_fragment_read(&f, xml, "disk", NULL) == 0 && xml_is(f.device, "disk") &&
	               plan_fragment_alone(&f, domain, d, NULL) == 0;
	plan_fragment_fini(&f);
	if (!is_disk)
		return false;
	(void)disk_volumes_resolve(h, d, NULL);
	return d->n_disks == 1 && d->disks[0].image.path != NULL &&
	       d->disks[0].image.path[0] == '/';
}

static int check_users(
    const struct home *h, const char *domain, const struct domain_disk *k, struct err *err)
{
	struct user list[USERS_SHOWN], busy[USERS_SHOWN];
	bool reads = k->readonly || k->device == DISK_CDROM;
	struct users *u = users_new(h);
	size_t n = users_refresh(u, err) == 0 ? users_of(u, k->image.path, list, USERS_SHOWN) : 0;
	size_t n_busy = 0;
	for (size_t i = 0; i < n && i < USERS_SHOWN; i++)
		if (list[i].running && (list[i].writes || !reads))
			busy[n_busy++] = list[i];
	CLEANUP_BUF struct buf words = BUF_INIT;
	users_words(busy, n_busy, &words);
	buf_addc(&words, '\0');
	users_free(u);
	if (n_busy == 0)
		return 0;
	return err_set(err, ERR_BUSY,
	    "image '%s' is in use by %s: two writers would destroy it. 'hvmux clone' or an overlay (hvmux img create -b) "
	    "gives domain '%s' one of its own; <readonly/> and <shareable/> (attach-disk: --mode) are for images that are "
	    "meant to be shared",
	    k->image.path, words.data, domain);
}

int attach_image_check(struct cli *c, const char *domain, const char *xml, struct err *err)
{
	struct domain d;
	int rc = 0;
	if (read_disk(&c->home, domain, xml, &d) && !d.disks[0].shareable)
		rc = check_users(&c->home, domain, &d.disks[0], err);
	domain_fini(&d);
	return rc;
}

bool attach_is_live(const struct cli *c, bool running)
{
	return running &&
	       (cli_flag(c, "live") || cli_flag(c, "persistent") || !cli_flag(c, "config"));
}
