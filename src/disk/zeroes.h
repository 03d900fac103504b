/* zeroes: is it zero? With wide loads, because convert asks it of every byte. Pure. */
#ifndef DISK_ZEROES_H
#define DISK_ZEROES_H

#include <stdbool.h>
#include <stddef.h>

/* Any alignment, any n; true for n == 0. */
bool zeroes_all(const void *p, size_t n);
/* How many bytes from p on are alike: pieces of `unit` bytes (the last one may be shorter) that are zero throughout, or that
 * are not. *zero says which. 0 for n == 0 only. */
size_t zeroes_run(const void *p, size_t n, size_t unit, bool *zero);

#endif
