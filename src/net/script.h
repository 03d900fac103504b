/* script: a program that the administrator has named is run with one word, and waited for. */
#ifndef NET_SCRIPT_H
#define NET_SCRIPT_H

#include "core/err.h"

/* ms: after which it is killed; that is a failure, as is an exit status other than 0. Its output is thrown away. */
int script_run(const char *path, const char *word, int ms, struct err *err);

#endif
