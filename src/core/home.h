/* home: where things live (definitions, data, logs, run directories), by mode. Owner: main, for the
 * process's life.
 *
 * HVMUX_HOME=DIR          DIR/etc, DIR/data, DIR/log, DIR/run
 * root, qemu:///system    /etc/hvmux, /var/lib/hvmux, /var/log/hvmux, /run/hvmux
 * others, qemu:///session $XDG_CONFIG_HOME/hvmux, $XDG_DATA_HOME/hvmux, $XDG_STATE_HOME/hvmux/log,
 *                         $XDG_RUNTIME_DIR/hvmux; without the last: /run/user/UID/hvmux if that is
 *                         ours, else $XDG_STATE_HOME/hvmux/run
 *
 * All paths are absolute, without a trailing slash. HVMUX_HOME wins over a URI. */
#ifndef CORE_HOME_H
#define CORE_HOME_H

#include <sys/types.h>

#include "core/err.h"

enum home_mode { HOME_SYSTEM, HOME_SESSION, HOME_PRIVATE };

struct home {
	enum home_mode mode;
	char *conf; /* definitions: conf/domains/NAME.xml */
	char *data; /* images, caches of capabilities: data/images, data/caps */
	char *log;  /* log/NAME/… */
	char *run;  /* run/NAME/… */
};

/* uri: NULL, "qemu:///system" or "qemu:///session"; anything else is ERR_USAGE. Makes no directory.
 */
int home_init(struct home *h, const char *uri, struct err *err);
void home_fini(struct home *h);
/* "qemu:///system" or "qemu:///session" (private mode: session, system for uid 0). */
const char *home_uri(const struct home *h);

/* Paths on the heap; name must have passed name_check. */
char *home_domain_xml(const struct home *h, const char *name); /* conf/domains/NAME.xml */
char *home_domains_dir(const struct home *h);
char *home_run_dir(const struct home *h, const char *name);
char *home_run_file(const struct home *h, const char *name, const char *file); /* run/NAME/FILE */
char *home_log_dir(const struct home *h, const char *name);
char *home_log_file(const struct home *h, const char *name, const char *file);
char *home_data_file(const struct home *h, const char *sub, const char *file); /* data/SUB/FILE */

/* mkdir -p, each level that is made gets mode 0700, and is shared as home_share_dir does. */
int home_mkdir(const struct home *h, const char *dir, struct err *err);
/* Root's folder: mode 0750 and the operators' group where there is one, readers let in where there are some
 * (core/access.h). A failure is logged. */
void home_share_dir(const struct home *h, const char *path);
/* Where a group may enter the folder: the file belongs to that group and gets this mode; readers may what the group
 * may. A failure costs the group its access and is logged. */
void home_share(const struct home *h, const char *path, mode_t mode);

#endif
