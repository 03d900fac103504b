/* Any bytes as a VHDX image, in pieces {u32 offset, u16 length, bytes}: as a whole it is larger than an input. Checksums are made
 * right, or nothing would ever get behind them. */
#include <string.h>

#include "disk/crc32c.h"
#include "disk/le.h"
#include "fuzz/image.h"

#define IMAGE_BYTES (8u << 20)
#define KIB 1024u
#define LOG_SECTOR 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void sum(uint8_t *p, size_t n)
{
	le32_put(p + 4, 0);
	le32_put(p + 4, crc32c(0, p, n));
}

/* Entries in the part of the log that was written to. */
static void sum_log(uint8_t *p, uint32_t end)
{
	for (size_t at = 1u << 20; at < end && at < 2u << 20; at += LOG_SECTOR) {
		uint32_t n = le32_get(p + at + 8);
		if (memcmp(p + at, "loge", 4) == 0 && n % LOG_SECTOR == 0 && n <= (2u << 20) - at)
			sum(p + at, n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = image_memory("", 0);
	image_must(ftruncate(fd, IMAGE_BYTES) == 0);
	uint8_t *p = mmap(NULL, IMAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	image_must(p != MAP_FAILED);
	uint32_t log_end = 0;
	while (size > 6) {
		uint32_t at = le32_get(data) % IMAGE_BYTES;
		size_t n = le16_get(data + 4);
		data += 6;
		size -= 6;
		n = n < size ? n : size;
		n = n < IMAGE_BYTES - at ? n : IMAGE_BYTES - at;
		memcpy(p + at, data, n);
		if (at >= 1u << 20 && at < 2u << 20 && at >= log_end)
			log_end = at + 1;
		data += n;
		size -= n;
	}
	sum(p + 64 * KIB, 4096);
	sum(p + 128 * KIB, 4096);
	sum(p + 192 * KIB, 64 * KIB);
	sum_log(p, log_end);
	munmap(p, IMAGE_BYTES);
	image_try_fd(fd, "vhdx");
	return 0;
}
