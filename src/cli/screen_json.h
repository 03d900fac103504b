/* screen_json: a terminal's screen as a JSON object: size, cursor, title, text, and the rows' cells as
 * runs of the same look. Numbers count from 0. The caller puts it. */
#ifndef CLI_SCREEN_JSON_H
#define CLI_SCREEN_JSON_H

#include <json-c/json.h>

#include "serial/vt_screen.h"

struct json_object *screen_json(const struct vt_screen *s);

#endif
