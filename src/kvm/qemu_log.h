/* qemu_log: log/NAME/qemu.log: for each run the command line, then what QEMU prints. QEMU writes to
 * the file itself, so that its words survive the supervisor; the size is held by the supervisor,
 * since a guest may make QEMU talk. */
#ifndef KVM_QEMU_LOG_H
#define KVM_QEMU_LOG_H

#include <stddef.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/home.h"

#define QEMU_LOG_MAX (1u << 20) /* bytes; then its end is kept as qemu.log.1 and it starts anew */
#define QEMU_LOG_KEEP (64u << 10)
#define QEMU_LOG_WORDS 400 /* bytes of last words at most */

/* Writes the header of a run; returns a descriptor (O_APPEND) for QEMU's standard output and error.
 */
int qemu_log_open(
    const struct home *h, const char *name, const char *command_line, struct err *err);
/* Rotates a file that has grown over QEMU_LOG_MAX, under the writer's hands. */
void qemu_log_limit(const struct home *h, const char *name);
/* QEMU's last words in the present run: up to 4 lines joined by "; ", printable, without the
 * program's name; warnings only where there is nothing else. On the heap; "" when it said nothing.
 */
char *qemu_log_words(const struct home *h, const char *name);
/* The same from the text of a log. */
char *qemu_log_words_of(const char *text, size_t n);
/* Appends the last `max` bytes that QEMU said in the present run, and that run's command line; nothing where the log was
 * cut since. */
void qemu_log_tail(
    const struct home *h, const char *name, size_t max, struct buf *words, struct buf *command);

#endif
