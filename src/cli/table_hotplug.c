/* The verbs of hot-plug. */
#include "cli/table_impl.h"
