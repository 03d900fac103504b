/* The verbs of saved states. */
#include "cli/table_impl.h"
