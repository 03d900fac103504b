/* mounts: what is mounted where, by /proc/self/mountinfo: no file system is asked. */
#ifndef DISK_MOUNTS_H
#define DISK_MOUNTS_H

#include <stdbool.h>

/* Is something mounted right there? path as mountinfo has it: absolute, without links. */
bool mounts_at(const char *path);

#endif
