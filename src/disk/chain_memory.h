/* chain_memory: what an image referred to when a VM was last started with it, data/chains/HASH.json; for as long as a guest
 * may have changed that. An image's header names the files below it, and QEMU, which a guest may have broken out of, writes
 * that header: at the next start it would be root who opens what it names. While nobody runs it nothing is remembered: what
 * changes then, an operator changed.
 * Not synced: what matters is written long before a guest is up, and a start must not wait for a disk. */
#ifndef DISK_CHAIN_MEMORY_H
#define DISK_CHAIN_MEMORY_H

#include "core/err.h"
#include "core/home.h"
#include "disk/chain.h"

int chain_remember(
    const struct home *h, const char *domain, const struct chain *c, struct err *err);
/* 1 and *c, *domain (the caller's) for the image at path; 0 nothing is remembered, *c is empty then; -1 what is there cannot be read. */
int chain_recall(
    const struct home *h, const char *path, struct chain *c, char **domain, struct err *err);
void chain_forget(const struct home *h, const char *path);

#endif
