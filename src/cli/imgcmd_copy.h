/* imgcmd_copy: what convert, dd and compare have in common. */
#ifndef CLI_IMGCMD_COPY_H
#define CLI_IMGCMD_COPY_H

#include "core/err.h"

/* Tells what could not be read and went on as zeroes; call: a struct imgcmd_call, NULL says nothing. */
void imgcmd_copy_lost(void *call, const struct err *err);

#endif
