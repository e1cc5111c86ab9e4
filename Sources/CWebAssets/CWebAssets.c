#include "CWebAssets.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const char style[] = {
#embed "files/style.css"
};

static const char script[] = {
#embed "files/script.js"
};

static const char icon[] = {
#embed "files/icon.svg"
};

static const char errors[] = {
#embed "../../docs/errors.md"
};

sluice_web_file sluice_web_style(void) { return (sluice_web_file){style, sizeof style}; }
sluice_web_file sluice_web_script(void) { return (sluice_web_file){script, sizeof script}; }
sluice_web_file sluice_web_icon(void) { return (sluice_web_file){icon, sizeof icon}; }
sluice_web_file sluice_web_errors(void) { return (sluice_web_file){errors, sizeof errors}; }
