/* reach: does the file system answer on which a path lies? A file server that is gone lets stat(2) hang for minutes, and
 * nothing can call it back; so a thread asks, and we wait as long as we like. One thread for each path that does not answer,
 * however often it is asked for. */
#ifndef DISK_REACH_H
#define DISK_REACH_H

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "core/err.h"

/* Both of what lies at path; links are followed. ERR_TIMEOUT after ms. */
int reach(const char *path, int ms, struct stat *st, struct statvfs *fs, struct err *err);

#endif
