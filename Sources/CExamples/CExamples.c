#include "CExamples.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const char project[] = {
#embed "../../Examples/quickstart/sluice.yaml"
};

static const char data[] = {
#embed "../../Examples/quickstart/make-data.sql"
};

static const char changes[] = {
#embed "../../Examples/quickstart/changes.sql"
};

sluice_example sluice_example_project(void) { return (sluice_example){project, sizeof project}; }
sluice_example sluice_example_data(void) { return (sluice_example){data, sizeof data}; }
sluice_example sluice_example_changes(void) { return (sluice_example){changes, sizeof changes}; }
