/* Any bytes as a VMDK image, sparse or a descriptor; beside it lie files for it to name. */
#include <fcntl.h>

#include "core/file.h"
#include "fuzz/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[] = "/dev/shm/hvmux-fuzz-XXXXXX"; /* in memory: ten times as fast */
static int image = -1;

static void clean_up(void)
{
	file_remove_tree(dir, NULL);
}

static int make_file(const char *name)
{
	CLEANUP_FREE char *path = xasprintf("%s/%s", dir, name);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	image_must(fd >= 0);
	return fd;
}

static void prepare(void)
{
	image_must(mkdtemp(dir) != NULL);
	atexit(clean_up);
	int flat = make_file("flat");
	image_must(ftruncate(flat, 1 << 20) == 0);
	close(flat);
	image = make_file("disk.vmdk");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_FREE char *path = NULL;
	if (image < 0)
		prepare();
	image_must(ftruncate(image, 0) == 0 && pwrite(image, data, size, 0) == (ssize_t)size);
	path = xasprintf("%s/disk.vmdk", dir);
	image_try(path, "vmdk");
	return 0;
}
