// SwiftPM wants one source file in a C target; the code is all in the header.
#include "CMemory.h"
