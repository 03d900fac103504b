/* console_keys: the keys that an attached console keeps for itself: what leaves it and what opens its menu, by the
 * environment, hvmux.conf and --escape. Every other key is the guest's. */
#ifndef TUI_CONSOLE_KEYS_H
#define TUI_CONSOLE_KEYS_H

#include <stdbool.h>

#include "core/err.h"
#include "core/home.h"
#include "serial/vt_keys.h"

struct console_keys {
	struct vt_key escape; /* Ctrl+], or --escape */
	struct vt_key detach; /* the second way out */
	struct vt_key prefix; /* opens the menu */
	bool has_prefix;
	char escape_name[32], detach_name[32], prefix_name[32];
	bool answers; /* the guest's questions about its terminal may be answered */
};

/* escape: as virsh writes it, NULL Ctrl+]; one that is no key is ERR_USAGE. A wrong word elsewhere leaves the default, and is
 * told in words (256 bytes, "" none). */
int console_keys_choose(struct console_keys *k, const struct home *h, const char *escape,
    char words[256], struct err *err);
bool console_keys_same(const struct vt_key *a, const struct vt_key *b);
bool console_keys_leaves(const struct console_keys *k, const struct vt_key *key);
bool console_keys_opens(const struct console_keys *k, const struct vt_key *key);
/* Esc and one of these keys may arrive as one packet, which looks like Alt and that key. True: it was that, and plain is the
 * key behind Esc. */
bool console_keys_behind_esc(
    const struct console_keys *k, const struct vt_key *key, struct vt_key *plain);

#endif
