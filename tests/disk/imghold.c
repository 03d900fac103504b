/* imghold IMAGE read|write: has it open, with the locks of that, until it is killed. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "disk/img.h"

int main(int argc, char **argv)
{
	struct err err = {0};
	if (argc != 3)
		return 2;
	if (!img_open(argv[1], NULL, strcmp(argv[2], "write") == 0 ? IMG_WRITE : 0, &err)) {
		fprintf(stderr, "imghold: %s\n", err.msg);
		return 1;
	}
	for (;;)
		pause();
}
