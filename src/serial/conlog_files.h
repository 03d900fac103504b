/* conlog_files: the files of one console's log and their names: PATH the live one, PATH.1 … PATH.N rotated ones, the
 * newest first, plain or PATH.K.gz; PATH.idx and PATH.K.idx beside them. Shared by writer and reader. No state. */
#ifndef SERIAL_CONLOG_FILES_H
#define SERIAL_CONLOG_FILES_H

#include <stdbool.h>
#include <stdint.h>

#define CONLOG_FILES_MAX 100u /* of one console */

/* PATH[.SLOT][SUFFIX] on the heap; slot 0 is the live file. */
char *conlog_file_path(const char *path, unsigned slot, const char *suffix);
/* Every rotated file moves up one, with its index; what was in slot `files` - 1 goes. */
void conlog_files_shift(const char *path, unsigned files);
/* Removes what a limit of fewer files leaves behind. */
void conlog_files_trim(const char *path, unsigned files);
/* The oldest rotated file that is not compressed; 0 none. */
unsigned conlog_files_plain(const char *path, unsigned files);
/* Removes the oldest rotated files of all consoles in the folder of path until no more than total bytes are left in
 * logs and indexes, as far as that goes without touching live ones. live: what a live log is going to have, and counts
 * as already. */
void conlog_files_limit(const char *path, uint64_t total, uint64_t live);

#endif
