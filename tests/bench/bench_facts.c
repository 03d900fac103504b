/* bench_facts FILE...: milliseconds that the dashboard's view of these images takes to open, then of looking again when
 * nothing changed. */
#include <stdio.h>
#include <time.h>

#include "disk/img_facts.h"

static double now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static int look(struct img_facts *facts, int n, char **paths)
{
	for (int i = 0; i < n; i++) {
		const struct img_fact *f = img_facts_get(facts, paths[i], NULL);
		if (f->state != IMG_FACT_KNOWN) {
			fprintf(stderr, "%s: %s\n", paths[i], f->why);
			return -1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	double t[3];
	struct img_facts *facts = img_facts_new();
	for (int i = 0; i < 3; i++) {
		t[i] = now_ms();
		if (i < 2 && look(facts, argc - 1, argv + 1) < 0)
			return 1;
	}
	printf("%.3f %.3f\n", t[1] - t[0], t[2] - t[1]);
	img_facts_free(facts);
	return 0;
}
