/* pool_dir: what all pools share whose volumes are files in a folder; for pool_*.c alone. */
#ifndef DISK_POOL_DIR_H
#define DISK_POOL_DIR_H

#include "core/err.h"
#include "disk/pool_backend.h"

int pool_dir_look(const struct pool_def *def, struct pool_facts *facts, struct err *err);
int pool_dir_scan(const struct pool_def *def, struct volume_set *set, struct err *err);
/* The folder and those above it, with the access that the document asks for. */
int pool_dir_make(const struct pool_def *def, struct err *err);
int pool_dir_remove(const struct pool_def *def, struct err *err);

#endif
