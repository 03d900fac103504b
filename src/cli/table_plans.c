/* The verbs of plans. */
#include "cli/table_impl.h"
