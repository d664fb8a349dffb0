#include "twin.h"

#include "nn/forward.c"
