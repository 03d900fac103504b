/* img: hvmux-img, `hvmux img` as a program of its own, to be found as qemu-img or kvm-img, too. It links none of what the dashboard
 * and the verbs need: half of the time of `hvmux img info` goes to loading their libraries. */
#include <string.h>

#include "cli/imgcmd.h"

int main(int argc, char **argv)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	return imgcmd_main(slash != NULL ? slash + 1 : "hvmux-img", argc, argv, false);
}
