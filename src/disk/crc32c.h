/* crc32c: Castagnoli's checksum, as VHDX has it. */
#ifndef DISK_CRC32C_H
#define DISK_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from what was returned for the bytes before; 0 begins. */
uint32_t crc32c(uint32_t crc, const void *data, size_t n);

#endif
