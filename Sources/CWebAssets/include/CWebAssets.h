// The style, the script and the picture of the web pages, and docs/errors.md, as they stand in the repository: one
// binary needs no folder.
#ifndef SLUICE_CWEBASSETS_H
#define SLUICE_CWEBASSETS_H

#include <stddef.h>

typedef struct {
    const char *bytes;
    size_t count;
} sluice_web_file;

sluice_web_file sluice_web_style(void);
sluice_web_file sluice_web_script(void);
sluice_web_file sluice_web_icon(void);
sluice_web_file sluice_web_errors(void);

#endif
