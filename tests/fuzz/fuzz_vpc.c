/* Any bytes as a VHD image. */
#include "fuzz/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	image_try_fd(image_memory(data, size), "vpc");
	return 0;
}
