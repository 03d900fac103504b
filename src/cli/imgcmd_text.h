/* imgcmd_text: what several of img's commands print, to the blank as qemu-img does. */
#ifndef CLI_IMGCMD_TEXT_H
#define CLI_IMGCMD_TEXT_H

#include "disk/img_info.h"

/* "Snapshot list:" and its table on stdout; nothing when there are none. */
void imgcmd_text_snapshots(const struct img_info *info);
/* "1.5 MiB", three digits at most of what they mean. */
#define IMGCMD_TEXT_SIZE 32
void imgcmd_text_size(uint64_t bytes, char out[IMGCMD_TEXT_SIZE]);

#endif
