/* The verbs of snapshots. */
#include "cli/table_impl.h"
