/* The verbs of block jobs. */
#include "cli/table_impl.h"
