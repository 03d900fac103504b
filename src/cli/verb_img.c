/* verb_img: `hvmux img`: qemu-img's command line. */
#include "cli/dispatch.h"
#include "cli/imgcmd.h"
#include "core/mem.h"
#include "core/str.h"

int verb_img(struct cli *c)
{
	unsigned n;
	const char *const *words = cli_values(c, "words", &n);
	/* Called as qemu-img, it is qemu-img that speaks. */
	bool linked = str_eq(c->prog, "qemu-img") || str_eq(c->prog, "kvm-img");
	CLEANUP_FREE char **argv = xcalloc((size_t)n + 2, sizeof(*argv));
	argv[0] = (char *)"img";
	for (unsigned i = 0; i < n; i++)
		argv[i + 1] = (char *)(uintptr_t)words[i];
	return imgcmd_main(linked ? c->prog : "hvmux img", (int)n + 1, argv, c->readonly);
}
