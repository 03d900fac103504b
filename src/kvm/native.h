/* native: QEMU's command line → domain XML, the reverse of kvm/argv. Whatever has no element of its
 * own goes into <qemu:commandline> word for word, so that nothing is lost; what belongs to the run
 * rather than to the machine (monitors, pid files, -S) is left out and told. The result follows
 * libvirt's "Domain XML format"; it does not know what kvm/argv can do of it.
 *
 * Source of the options: QEMU's own documentation, qemu(1), of versions 2.12 to 9. */
#ifndef KVM_NATIVE_H
#define KVM_NATIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/buf.h"
#include "core/err.h"

#define NATIVE_TEXT_MAX (4u << 20) /* bytes of a file; Linux hands a process 2 MiB of arguments */
#define NATIVE_WORDS_MAX 20000u

/* A command line; strings on the heap, arrays NULL-terminated. native_cmd_fini. */
struct native_cmd {
	char **words; /* words[0]: QEMU's path */
	size_t n;
	char **env; /* NAME=VALUE before the command */
	size_t n_env;
	bool adopting; /* its sockets are looked for: none of them becomes ours */
	char *cwd;     /* of the process, what relative paths are relative to; NULL not known */
};

/* Text as a shell reads it: quotes, $'…', backslashes, continued lines, comments, assignments before
 * the command, sudo, exec, env and taskset before QEMU. Of several commands (a script, libvirt's log of a
 * domain) the last QEMU counts. Variables are not known: a word with one is an error. */
int native_split(const char *text, size_t n, struct native_cmd *cmd, struct err *err);
/* The command line of a process; ERR_NOT_FOUND when there is none of this pid, ERR_INVALID when it
 * is no QEMU. */
int native_process(pid_t pid, struct native_cmd *cmd, struct err *err);
void native_cmd_fini(struct native_cmd *cmd);

/* The document, on the heap. notes gets a line for each thing that is kept word for word, left out,
 * or guessed. */
char *native_to_xml(const struct native_cmd *cmd, struct buf *notes, struct err *err);

#endif
