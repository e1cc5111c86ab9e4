// The files of Examples/quickstart as they stand in the repository, for `sluice demo`: one binary needs no folder.
#ifndef SLUICE_CEXAMPLES_H
#define SLUICE_CEXAMPLES_H

#include <stddef.h>

typedef struct {
    const char *bytes;
    size_t count;
} sluice_example;

sluice_example sluice_example_project(void);
sluice_example sluice_example_data(void);
sluice_example sluice_example_changes(void);

#endif
