#include "twin.h"

#include "nn/norms.c"
